"""The forms of the lock-order graph."""
