"""A lock is released that nobody holds.

## What it does
Finds `release()` of a lock that no path of the function, no caller and no other function of the program has taken;
and a second release on a path that has given the lock back already.

## Why it hurts
It raises `RuntimeError`; or, worse, somebody else holds the lock just then and loses it.

## How to repair it
- Remove it, or take the lock on every path that leads here.

## When it is quiet
- Hand-over between functions: one takes it, another gives it back.
- Semaphores as signals.
- A lock that the caller holds.

## Bad: released twice
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> None:
        self._lock.acquire()
        self._items.pop(key, None)
        self._lock.release()
        self._lock.release()  # LCK607
```

## Bad: never taken
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> None:
        self._items.pop(key, None)
        self._lock.release()  # LCK607
```

## Good: handed over
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def begin(self) -> None:
        self._lock.acquire()

    def end(self) -> None:
        self._lock.release()
```

## Good: a semaphore that is a signal
```python
import threading


class Mail:
    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        self._letters.append(letter)
        self._arrived.release()
```

## Good: a pool takes it
```python
import asyncio
import threading

LOCK = threading.Lock()


async def write(names: list[str]) -> None:
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(None, LOCK.acquire)
        names.clear()
    finally:
        LOCK.release()
```

## Good: the caller holds it
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def give(self) -> None:
        self._lock.release()

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self.give()
            self._lock.acquire()
```

## Good: released on each of two paths
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> bool:
        self._lock.acquire()
        if key not in self._items:
            self._lock.release()
            return False
        del self._items[key]
        self._lock.release()
        return True
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import Holders, given, lent, operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import Operation
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.rules.registry import rule


@rule(code="LCK607", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each release of what nobody holds."""
    holders = Holders(analysis)
    taken: dict[LockId, list[tuple[FunctionId, Operation]]] = {}
    for function, operation in operations(analysis, "acquire"):
        assert operation.lock.id is not None
        taken.setdefault(operation.lock.id, []).append((function, operation))
    for function, operation in operations(analysis, "release"):
        lock = operation.lock.id
        kind = operation.lock.kind
        assert lock is not None
        assert kind is not None
        if operation.held or operation.callee or kind.shape not in ("mutex", "condition") or kind.domain == "process":
            continue
        known = taken.get(lock, [])
        if lock in holders.left or holders.may_hold(function, lock) or any(f != function or o.handed for f, o in known):
            continue
        before = [o for _, o in known if o.span < operation.span]
        if len(before) == len(known) and not given(operation) and (before or not lent(analysis, function, lock)):
            yield _finding(analysis, function, operation, before)


def _finding(analysis: Analysis, function: FunctionId, operation: Operation, before: list[Operation]) -> Finding:
    name = named(operation.lock)
    message = f"{name} is released where nobody holds it: that raises `RuntimeError`"
    if before:
        message = f"{name} is released a second time, when it is not held any more: that raises `RuntimeError`"
    related = [Related(analysis.place(function, o.span), f"{name} is taken") for o in before]
    level = Confidence.HIGH if before else Confidence.MEDIUM
    return misuse(
        analysis, "LCK607", "release-without-acquire", message + "; remove it", function, operation, related, level
    )
