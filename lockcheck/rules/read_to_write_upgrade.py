"""Who reads under a read-write lock asks for its write side and waits for himself.

## What it does
Finds a read-write lock that is requested for writing while its read side is held by the same thread or task, directly
or through calls: the locks of `readerwriterlock`, `fasteners`, `filelock` and `aiorwlock`, and classes of the program
that are taken for reading and for writing (`acquire_read` and `acquire_write`, `read_lock()` and `write_lock()`).

## Why it hurts
A writer waits until the last reader has left, and this reader can't leave before it has written. Some libraries see it
and raise an error; most wait for ever. Two readers that upgrade at the same time wait for each other even where one
alone would succeed.

## How to repair it
- Take the write side from the beginning where you may have to write.
- Leave the read side, take the write side, and look again whether there is still something to write.

## When it is quiet
- Locks that support upgrading: those of the library that say so, and classes that know which thread reads.
- The read side that is taken while the write side is held.
- An attempt that cannot wait for ever.

## Bad: a missing value is stored under the read side
```python
from readerwriterlock import rwlock


class Cache:
    def __init__(self) -> None:
        self._lock = rwlock.RWLockFair()
        self._values: dict[str, str] = {}

    def get(self, key: str) -> str:
        with self._lock.gen_rlock():  # (1)
            if key not in self._values:
                with self._lock.gen_wlock():  # LCK303
                    self._values[key] = key.upper()
            return self._values[key]
```

## Fixed
```python
from readerwriterlock import rwlock


class Cache:
    def __init__(self) -> None:
        self._lock = rwlock.RWLockFair()
        self._values: dict[str, str] = {}

    def get(self, key: str) -> str:
        with self._lock.gen_rlock():
            if key in self._values:
                return self._values[key]
        with self._lock.gen_wlock():
            return self._values.setdefault(key, key.upper())
```

## Bad: a class of the program, through a method
```python
# file: store/rwlock.py
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
```
```python
# file: store/table.py
from store.rwlock import ReadWriteLock


class Table:
    def __init__(self) -> None:
        self._lock = ReadWriteLock()
        self._rows: list[str] = []

    def add(self, row: str) -> None:
        self._lock.acquire_write()  # (2)
        try:
            self._rows.append(row)
        finally:
            self._lock.release_write()

    def add_once(self, row: str) -> None:
        self._lock.acquire_read()  # (1)
        try:
            if row not in self._rows:
                self.add(row)  # LCK303
        finally:
            self._lock.release_read()
```

## Bad: an asynchronous lock
```python
import aiorwlock


class Cache:
    def __init__(self) -> None:
        self._lock = aiorwlock.RWLock()

    async def get(self) -> None:
        async with self._lock.reader_lock:  # (1)
            async with self._lock.writer_lock:  # LCK303
                pass
```

## Good: written after reading
```python
from fasteners import ReaderWriterLock


class Cache:
    def __init__(self) -> None:
        self._lock = ReaderWriterLock()
        self._values: dict[str, str] = {}

    def get(self, key: str) -> str:
        with self._lock.read_lock():
            known = self._values.get(key)
        if known is None:
            with self._lock.write_lock():
                known = self._values.setdefault(key, key.upper())
        return known
```

## Good: reading while writing
```python
import aiorwlock


class Cache:
    def __init__(self) -> None:
        self._lock = aiorwlock.RWLock()

    async def get(self) -> None:
        async with self._lock.writer_lock:
            async with self._lock.reader_lock:
                pass
```

## Good: two locks
```python
from readerwriterlock import rwlock

NAMES = rwlock.RWLockFair()
PLACES = rwlock.RWLockFair()


def move() -> None:
    with NAMES.gen_rlock():
        with PLACES.gen_wlock():
            pass
```

## Good: a lock that supports upgrading
```python
import contextlib
import threading


class ReadWriteLock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: list[int] = []

    @contextlib.contextmanager
    def read_lock(self):
        with self._changed:
            self._readers.append(threading.get_ident())
        try:
            yield self._readers
        finally:
            with self._changed:
                self._readers.remove(threading.get_ident())
                self._changed.notify_all()

    @contextlib.contextmanager
    def write_lock(self):
        with self._changed:
            while any(reader != threading.get_ident() for reader in self._readers):
                self._changed.wait()
            yield self._readers


LOCK = ReadWriteLock()


def change() -> None:
    with LOCK.read_lock():
        with LOCK.write_lock():
            pass
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

_ADVICE = (
    "leave the read side before the write side is requested, and look again at what was read: another writer may have "
    "been there in between; or take the write side from the start"
)


@rule(code="LCK303", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and place where a reader asks to write."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        message = (
            f"{both(held)} is held for reading when it is requested for writing{through(pair)}: the writer waits until "
            "every reader has left, and this one is among them; leave the read side first, or write from the start"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "is requested"), *hazard.others(analysis)]
        repairs = (*taking_once(analysis, pair, held), Advise(primary(analysis, pair), _ADVICE))
        yield finding(analysis, "LCK303", "read-to-write-upgrade", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in analysis.holding():
        writing = any(h.mode == "write" and h.lock.path == _path(pair) for h in pair.held)
        held = tuple(h for h in own if _upgrades(pair, h))
        if held and not writing and not guarded(analysis, pair):
            yield pair, held, certainty(pair, held)


def _path(pair: CriticalPair) -> object:
    return pair.event.lock.path if isinstance(pair.event, Acquire) else None


def _upgrades(pair: CriticalPair, held: Held) -> bool:
    """Whether the pair asks to write under the very lock that is held for reading."""
    event = pair.event
    if not isinstance(event, Acquire) or not event.blocking or event.timed:
        return False
    if held.mode != "read" or event.mode != "write" or held.lock.path != event.lock.path:
        return False
    kind = held.lock.kind
    return certain(event.lock.path) and kind is not None and not kind.upgrades
