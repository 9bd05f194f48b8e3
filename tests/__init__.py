"""The tests of lockcheck."""
