"""The read side of a lock is taken again while it is held.

## What it does
Finds a read-write lock whose read side is taken by a thread or task that holds it for reading already, directly or
through calls, where a waiting writer keeps new readers out: `RWLockFair` and `RWLockWrite` of `readerwriterlock`, and
classes of the program whose readers wait for an attribute that writers set before they wait.

## Why it hurts
It works every day, until a writer arrives between the two. From then on new readers stand behind the writer, the
writer waits for the first read to end, and that waits for the second.

## How to repair it
- Take the read side once, at the outside, and call variants that expect it.
- Use a lock whose readers may read again: one that prefers readers, or knows its threads.

## When it is quiet
- Documented re-entrant readers, locks that let readers in while a writer waits, and classes that know their threads.
- The lock of another object, and an attempt that cannot wait for ever.

## Bad: a method that reads calls another
```python
from readerwriterlock import rwlock


class Table:
    def __init__(self) -> None:
        self._lock = rwlock.RWLockFair()
        self._rows: list[str] = []

    def size(self) -> int:
        with self._lock.gen_rlock():  # (2)
            return len(self._rows)

    def is_full(self) -> bool:
        with self._lock.gen_rlock():  # (1)
            return self.size() > 1000  # LCK504
```

## Fixed
```python
from readerwriterlock import rwlock


class Table:
    def __init__(self) -> None:
        self._lock = rwlock.RWLockFair()
        self._rows: list[str] = []

    def size(self) -> int:
        with self._lock.gen_rlock():
            return len(self._rows)

    def is_full(self) -> bool:
        with self._lock.gen_rlock():
            return len(self._rows) > 1000
```

## Bad: a class of the program that prefers writers
```python
import threading


class ReadWriteLock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._waiting = 0
        self._writing = False

    def acquire_read(self) -> None:
        with self._changed:
            while self._writing or self._waiting:
                self._changed.wait()
            self._readers += 1

    def release_read(self) -> None:
        with self._changed:
            self._readers -= 1
            self._changed.notify_all()

    def acquire_write(self) -> None:
        with self._changed:
            self._waiting += 1
            while self._writing or self._readers:
                self._changed.wait()
            self._waiting -= 1
            self._writing = True

    def release_write(self) -> None:
        with self._changed:
            self._writing = False
            self._changed.notify_all()


LOCK = ReadWriteLock()


def copy() -> None:
    LOCK.acquire_read()  # (1)
    try:
        LOCK.acquire_read()  # LCK504
        LOCK.release_read()
    finally:
        LOCK.release_read()
```

## Good: documented re-entrant readers
```python
import aiorwlock
from fasteners import ReaderWriterLock
from readerwriterlock import rwlock

LOCK = ReaderWriterLock()
FIRST = rwlock.RWLockRead()
TASKS = aiorwlock.RWLock()


def copy() -> None:
    with LOCK.read_lock():
        with LOCK.read_lock():
            pass
    with FIRST.gen_rlock():
        with FIRST.gen_rlock():
            pass


async def copy_later() -> None:
    async with TASKS.reader_lock:
        async with TASKS.reader_lock:
            pass
```

## Good: readers are let in while a writer waits
```python
import threading


class ReadWriteLock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False

    def acquire_read(self) -> None:
        with self._changed:
            while self._writing:
                self._changed.wait()
            self._readers += 1

    def release_read(self) -> None:
        with self._changed:
            self._readers -= 1
            self._changed.notify_all()

    def acquire_write(self) -> None:
        with self._changed:
            while self._writing or self._readers:
                self._changed.wait()
            self._writing = True

    def release_write(self) -> None:
        with self._changed:
            self._writing = False
            self._changed.notify_all()


LOCK = ReadWriteLock()


def copy() -> None:
    LOCK.acquire_read()
    LOCK.acquire_read()
    LOCK.release_read()
    LOCK.release_read()
```

## Good: one read after another
```python
from readerwriterlock import rwlock

LOCK = rwlock.RWLockFair()


def copy() -> None:
    with LOCK.gen_rlock():
        pass
    with LOCK.gen_rlock():
        pass
```

## Good: two locks
```python
from readerwriterlock import rwlock


class Table:
    def __init__(self) -> None:
        self._names = rwlock.RWLockFair()
        self._rows = rwlock.RWLockFair()

    def copy(self) -> None:
        with self._names.gen_rlock(), self._rows.gen_rlock():
            pass
```

## Good: the lock of another object
```python
from readerwriterlock import rwlock


class Table:
    def __init__(self, parent: "Table") -> None:
        self._lock = rwlock.RWLockFair()
        self._parent = parent

    def depth(self) -> int:
        with self._lock.gen_rlock():
            with self._parent._lock.gen_rlock():
                return 2
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.repairs import taking_once
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.guards import guarded
from lockcheck.analysis.witness import (
    PlaceOfHazard,
    both,
    certainty,
    finding,
    hazards,
    primary,
    reached,
    taken,
    through,
)
from lockcheck.model.events import Acquire, CriticalPair, Held
from lockcheck.model.findings import Finding
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule

_ADVICE = "read under one of the two: split the inner function into one that takes the lock and one that needs it held"


@rule(code="LCK504", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and place where a reader takes it again."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        message = (
            f"{both(held)} is held for reading when it is taken for reading again{through(pair)}: a writer that "
            "arrives between the two waits for the first, and keeps the second out for ever; read under one of them"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "is taken again"), *hazard.others(analysis)]
        repairs = (*taking_once(analysis, pair, held), Advise(primary(analysis, pair), _ADVICE))
        yield finding(analysis, "LCK504", "recursive-read-lock", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in analysis.holding():
        held = tuple(h for h in own if _again(pair, h))
        if held and not guarded(analysis, pair):
            yield pair, held, certainty(pair, held)


def _again(pair: CriticalPair, held: Held) -> bool:
    """Whether the pair reads under the very lock that is held for reading, where a writer may stand between."""
    event = pair.event
    if not isinstance(event, Acquire) or not event.blocking or event.timed:
        return False
    if held.mode != "read" or event.mode != "read" or held.lock.path != event.lock.path:
        return False
    kind = held.lock.kind
    return certain(event.lock.path) and kind is not None and not kind.rereads
