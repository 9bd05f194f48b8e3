"""What may have a bug is attempted: one that raises is one failure, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lockcheck.app.worker import internal_error
from lockcheck.model.findings import Failure

_T = TypeVar("_T")


def said(error: Exception) -> str:
    """Give the first line of what an error says, or its name where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def attempt(what: str, action: Callable[[], _T], say: Callable[[Exception], str] = internal_error) -> _T | Failure:
    """Do something; `say` tells what an exception means to the user."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - one of the named places: a bug costs one rule or stage
        return Failure(what, say(error))
