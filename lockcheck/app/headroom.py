"""Room to work in: for recursion deeper than Python's defaults allow, and for many values that all stay."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

_STACK = 512 * 1024 * 1024
"""Bytes, of which the system hands out what is used."""

_RECURSION = 30_000

_T = TypeVar("_T")


def with_headroom(action: Callable[[], _T]) -> _T:
    """Do something in a thread that has a larger stack, with a higher recursion limit, and wait for it."""
    results: list[_T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            raised.append(error)

    size, limit = threading.stack_size(_STACK), sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        thread = threading.Thread(target=run, name="lockcheck", daemon=True)
        thread.start()
        threading.stack_size(size)
        while thread.is_alive():
            thread.join(1)  # Ctrl-C comes through between two waits on every system
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if raised:
        raise raised[0]
    return results[0]


@contextmanager
def without_collection() -> Generator[None, None, None]:
    """Pause the search for garbage in cycles: frozen values make none, and each search would visit all of them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
