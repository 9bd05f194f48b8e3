"""A condition is notified, or waited for, while it is not held.

## What it does
Finds `notify`, `notify_all` and `wait` on a condition that neither the function nor a caller holds.

## Why it hurts
It raises `RuntimeError`, in a path that is seldom taken, and whoever waits is not woken.

## How to repair it
- Put it under `with condition:`.

## When it is quiet
- A helper whose every caller holds it.
- Two conditions on one lock: holding one is holding both.
- A class that takes and leaves the lock by methods of its own.

## Bad: notified outside
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
        self._changed.notify()  # LCK606
```

## Bad: waited for outside
```python
import asyncio

CHANGED = asyncio.Condition()


async def changed() -> None:
    while True:
        await CHANGED.wait()  # LCK606
```

## Good: notified inside
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
            self._changed.notify()
```

## Good: a helper whose caller holds it
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def wake(self) -> None:
        self._changed.notify_all()

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
            self.wake()
```

## Good: two conditions on one lock
```python
import threading


class Line:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._emptied:
            while self._letters:
                self._emptied.wait()
            self._letters.append(letter)
            self._filled.notify()
```

## Good: a condition for each who waits, all on one lock
```python
import threading


class Line:
    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiters: list[threading.Condition] = []

    def wait(self) -> None:
        with self._lock:
            mine = threading.Condition(self._lock)
            self._waiters.append(mine)
            while mine in self._waiters:
                mine.wait(1)

    def wake(self) -> None:
        with self._lock:
            if self._waiters:
                self._waiters[0].notify()
```

## Good: methods that take and leave it
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def begin(self) -> None:
        self._changed.acquire()

    def end(self) -> None:
        self._changed.release()

    def wake(self) -> None:
        self._changed.notify_all()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import Holders, operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.findings import Confidence, Finding
from lockcheck.rules.registry import rule


@rule(code="LCK606", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each notification or wait outside the lock."""
    holders = Holders(analysis)
    for function, operation in operations(analysis, "notify", "wait"):
        lock = operation.lock.id
        assert lock is not None
        if operation.held or lock in holders.left or holders.may_hold(function, lock):
            continue
        verb = "notified" if operation.action == "notify" else "waited for"
        message = (
            f"{named(operation.lock)} is {verb} while it is not held: that raises `RuntimeError`; put it under "
            f"`{'async with' if operation.lock.domain == 'async' else 'with'}` of the condition"
        )
        yield misuse(
            analysis, "LCK606", "notify-without-lock", message, function, operation, confidence=Confidence.MEDIUM
        )
