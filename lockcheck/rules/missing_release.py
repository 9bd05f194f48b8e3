"""Some way out of a function leaves a lock held that the function has taken.

## What it does
Follows every path from an explicit `acquire()` to the ends of the function: a `return`, a `raise`, an exception that
a call may raise, the body of a context manager that raises at its `yield`. Reports the acquisition if some of them give
the lock back and others do not.

## Why it hurts
A lock that nobody gives back stops whoever needs it next, for ever, and far from the place that lost it.

## How to repair it
- Take the lock by `with`.
- Where that is not possible, put `try` right behind the `acquire()` and `release()` into its `finally`.

## When it is quiet
- The function hands the lock on: it returns holding it, and a counterpart gives it back (`__enter__`, `acquire`, `lock`).
- The release depends on the very test, flag or attempt that decided about the acquisition.
- The lock, or its `release`, is given to somebody else: an `ExitStack`, a callback, a nested function.
- A lock that is never given back: one that is held as long as the process lives.

## Bad: an early return
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        self._lock.acquire()  # LCK601
        if key not in self._items:
            return None
        value = self._items[key]
        self._lock.release()
        return value
```

## Fixed
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        with self._lock:
            if key not in self._items:
                return None
            value = self._items[key]
        return value
```

## Bad: a context manager whose body raises
```python
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LOCK = threading.Lock()


@contextmanager
def exclusive() -> Iterator[None]:
    LOCK.acquire()  # LCK601
    yield
    LOCK.release()
```

## Fixed
```python
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LOCK = threading.Lock()


@contextmanager
def exclusive() -> Iterator[None]:
    with LOCK:
        yield
```

## Bad: a call that may raise
```python
import threading
from collections.abc import Callable

LOCK = threading.Lock()


def run(job: Callable[[], None]) -> None:
    LOCK.acquire()  # LCK601
    job()
    LOCK.release()
```

## Fixed
```python
import threading
from collections.abc import Callable

LOCK = threading.Lock()


def run(job: Callable[[], None]) -> None:
    with LOCK:
        job()
```

## Good: released in a finally
```python
import threading
from collections.abc import Callable

LOCK = threading.Lock()


def run(job: Callable[[], None]) -> None:
    LOCK.acquire()
    try:
        job()
    finally:
        LOCK.release()
```

## Good: handed on to a counterpart
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def __enter__(self) -> "Store":
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def begin(self, key: str) -> bool:
        self._lock.acquire()
        if key in self._items:
            self._lock.release()
            return False
        return True

    def end(self) -> None:
        self._lock.release()
```

## Good: an attempt that fails
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        if not self._lock.acquire(timeout=5):
            raise TimeoutError(key)
        try:
            self._items[key] = value
        finally:
            self._lock.release()

    def offer(self, key: str, value: str) -> bool:
        taken = self._lock.acquire(blocking=False)
        if taken:
            self._items[key] = value
            self._lock.release()
        return taken
```

## Good: one test decides about both
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def load(self, path: str, shared: bool) -> None:
        if shared:
            self._lock.acquire()
        try:
            with open(path) as file:
                self._items[path] = file.read()
        finally:
            if shared:
                self._lock.release()
```

## Good: a flag tells whether it was taken
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def load(self, path: str) -> None:
        taken = False
        try:
            text = open(path).read()
            self._lock.acquire()
            taken = True
            self._items[path] = text.strip()
        finally:
            if taken:
                self._lock.release()
```

## Good: a choice between two ways of taking it
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str], guarded: bool) -> None:
    taken = LOCK.acquire(blocking=False) if guarded else False
    try:
        names.clear()
        print(names)
    finally:
        if taken:
            try:
                LOCK.release()
            except RuntimeError:
                pass
```

## Good: an ExitStack gives it back
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def load(self, path: str) -> None:
        from contextlib import ExitStack

        with ExitStack() as stack:
            self._lock.acquire()
            stack.callback(self._lock.release)
            self._items[path] = open(path).read()
```

## Good: given back for a while under the lock of the caller
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def _pause(self, seconds: float) -> None:
        import time

        self._lock.release()
        try:
            time.sleep(seconds)
        finally:
            self._lock.acquire()
```

## Good: held for a life-time
```python
import threading

ALIVE = threading.Lock()


def begin(path: str) -> None:
    ALIVE.acquire()
    open(path).close()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits import certainty, label, leaks, story, way
from lockcheck.analysis.repairs import holding
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import misuse, title
from lockcheck.model.findings import Finding
from lockcheck.rules.registry import rule


@rule(code="LCK601", default=True, since="0.1.0", supersedes=("LCK805",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition that some way out loses."""
    for leak in leaks(analysis):
        if leak.cancelled or (leak.permit and leak.exceptional):
            continue
        message = (
            f"{label(leak)} stays held where {title(leak.function)} {way(leak.exits[0])}: whoever needs "
            "it next waits for ever; take it by `with`, or release it in a `finally`"
        )
        yield misuse(
            analysis,
            "LCK601",
            "missing-release",
            message,
            leak.function,
            leak.operation,
            story(analysis, leak),
            certainty(leak),
            holding(analysis.place(leak.function, leak.operation.span), leak.operation),
        )
