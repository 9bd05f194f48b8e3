"""Room to work in: for recursion deeper than Python's defaults allow, and for many values that all stay."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TypeVar

_STACK = 512 * 1024 * 1024
"""Bytes, of which the system hands out what is used."""

_RECURSION = 30_000

_T = TypeVar("_T")

_starting = threading.Lock()


class _Recursion:
    """The limit of the interpreter, which all threads share: raised by the first that needs it, restored by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 0

    @contextmanager
    def raised(self) -> Generator[None, None, None]:
        with self._lock:
            if self._users == 0:
                self._before = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._before, _RECURSION))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    sys.setrecursionlimit(self._before)


_recursion = _Recursion()


def with_headroom(action: Callable[[], _T]) -> _T:
    """Do something in a thread that has a larger stack, with a higher recursion limit, and wait for it."""
    results: list[_T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            raised.append(error)

    with _recursion.raised():
        with _starting:
            size = threading.stack_size(_STACK)
            try:
                thread = threading.Thread(target=run, name="lockcheck", daemon=True)
                thread.start()
            finally:
                threading.stack_size(size)
        while thread.is_alive():
            thread.join(1)  # Ctrl-C comes through between two waits on every system
    if raised:
        raise raised[0]
    return results[0]


def give_back() -> None:
    """Let go what nobody asks for any more, and have the system get the memory back, as far as the allocator can be told."""
    gc.collect()
    trim()


def trim() -> None:
    """Have the system get back what lies free between what is used, where the allocator is that of GNU."""
    if sys.platform != "linux":
        return
    import ctypes  # only few runs have anything to give back

    with suppress(OSError, AttributeError):  # not every system has the C library of GNU
        ctypes.CDLL(None).malloc_trim(0)


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
