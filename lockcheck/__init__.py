"""A whole-program static analyser for lock and await hazards in Python."""

__version__ = "0.1.0"
