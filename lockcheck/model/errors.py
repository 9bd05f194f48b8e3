"""What a caller may have to handle: wrong usage. What goes wrong with a file or a rule is a `Failure` in the report."""

from __future__ import annotations


class LockcheckError(Exception):
    """lockcheck was asked for something that it can't do; the message is one line that says what to change."""


class RuleError(LockcheckError):
    """Rules of installed packages that can't be told apart: two have the same code or the same name."""
