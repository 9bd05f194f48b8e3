"""An attempt to take a lock whose outcome nobody looks at.

## What it does
Finds `acquire(timeout=…)` and `acquire(blocking=False)` that stand alone as a statement.

## Why it hurts
Where the attempt fails the code goes on without the lock, and its `release()` gives back what another holds.

## How to repair it
- Test the result, and raise or return where it is false.

## When it is quiet
- The result is tested, kept or returned.
- An `acquire()` that can not fail.
- Locks whose `acquire` raises where it fails (file locks).

## Bad: with a timeout
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        self._lock.acquire(timeout=5)  # LCK608
        try:
            self._items[key] = value
        finally:
            self._lock.release()
```

## Fixed
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        if not self._lock.acquire(timeout=5):
            raise TimeoutError("self._lock could not be taken")
        try:
            self._items[key] = value
        finally:
            self._lock.release()
```

## Bad: without blocking
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str]) -> None:
    LOCK.acquire(blocking=False)  # LCK608
    names.clear()
    LOCK.release()
```

## Fixed
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str]) -> None:
    if not LOCK.acquire(blocking=False):
        raise TimeoutError("LOCK could not be taken")
    names.clear()
    LOCK.release()
```

## Good: the result is tested
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
```

## Good: the result is kept
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str]) -> bool:
    taken = LOCK.acquire(blocking=False)
    if taken:
        names.clear()
        LOCK.release()
    return taken
```

## Good: it waits as long as it takes
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str]) -> None:
    LOCK.acquire()
    names.clear()
    LOCK.release()
```

## Good: an acquire that raises where it fails
```python
from filelock import FileLock


def add(path: str, line: str) -> None:
    lock = FileLock(path + ".lock")
    lock.acquire(timeout=5)
    try:
        with open(path, "a") as file:
            file.write(line)
    finally:
        lock.release()
```
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import dropped, operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import Operation
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import RaiseOnFailure
from lockcheck.rules.registry import rule


@rule(code="LCK608", default=True, since="0.1.0", supersedes=("LCK601",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each attempt whose outcome is thrown away."""
    for function, operation in operations(analysis, "acquire"):
        if not operation.attempt or operation.callee or operation.handed or not _tells(operation):
            continue
        if operation.span not in dropped(analysis.program.body(function)):
            continue
        given = [o for o in _operations(analysis, function) if o.action == "release" and o.lock.id == operation.lock.id]
        name = named(operation.lock)
        message = f"nobody looks whether {name} was taken: where the attempt fails, the code goes on without it"
        message += ", and releases what another holds" if given else ""
        related = [Related(analysis.place(function, o.span), f"{name} is released, held or not") for o in given]
        level = Confidence.HIGH if given else Confidence.MEDIUM if operation.timed else Confidence.LOW
        yield misuse(
            analysis,
            "LCK608",
            "acquire-result-ignored",
            message + "; test the result",
            function,
            operation,
            related,
            level,
            (RaiseOnFailure(analysis.place(function, operation.span)),),
        )


def _operations(analysis: Analysis, function: FunctionId) -> tuple[Operation, ...]:
    return next((r.operations for r in analysis.results if r.function == function), ())


def _tells(operation: Operation) -> bool:
    """Whether `acquire` tells by its result: locks of the standard library do, others may raise."""
    kind = operation.lock.kind
    return kind is not None and kind.domain != "async" and kind.name.partition(".")[0] in sys.stdlib_module_names
