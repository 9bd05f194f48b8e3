"""A generator holds a lock while its consumer runs.

## What it does
Finds a synchronous generator that yields while it holds a lock: of threads, processes or tasks, in whatever way it
was taken.

## Why it hurts
At a `yield` the consumer goes on, with the lock held in its name. How long is up to the consumer: it may do I/O for
each item, it may call back into the object and wait for itself, and if it stops half-way (`break`, an exception, an
iterator that somebody keeps), the lock is held until the garbage collector finds the generator. `zip`, `islice` and
`next` leave generators half-way every day.

## How to repair it
- Take a snapshot under the lock (`items = list(self._items)`), release the lock, and yield from the snapshot.
- Lock around each step, not around the iteration.
- If to hold the lock around the caller's block is the purpose, say so: `@contextlib.contextmanager`.

## When it is quiet
- `@contextmanager`, fixtures, and generators that another decorator turns into something else.
- A private generator of which every use makes a list (or the like) at once.
- A generator with one `yield` outside of loops may be meant as a context manager: low confidence.

## Bad: iterating over an object holds its lock
```python
import threading


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    def __iter__(self):
        with self._lock:  # (1)
            for name in self._names:
                yield name  # LCK103
```

## Fixed
```python
import threading


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    def __iter__(self):
        with self._lock:
            names = list(self._names)
        for name in names:
            yield name
```

## Bad: taken by acquire, delegated to another generator
```python
import threading

LOCK = threading.RLock()
ROWS: dict[str, list[str]] = {}


def cells(key: str):
    LOCK.acquire()  # (1)
    try:
        yield from ROWS[key]  # LCK103
    finally:
        LOCK.release()
```

## Bad: the lock is taken by a context manager of another module
```python
# file: store/locking.py
import contextlib
import threading

_LOCK = threading.Lock()


@contextlib.contextmanager
def exclusive():
    with _LOCK:  # (2)
        yield _LOCK
```
```python
# file: store/pages.py
from store.locking import exclusive


def pages(count: int):
    with exclusive():  # (1)
        number = 0
        while number < count:
            number += 1
            yield number  # LCK103
```

## Good: a contextmanager is made to hold it
```python
import contextlib
import threading
from contextlib import contextmanager


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    @contextmanager
    def locked(self):
        with self._lock:
            yield self._names

    @contextlib.contextmanager
    def also(self):
        self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()
```

## Good: a fixture
```python
import threading

import pytest

LOCK = threading.Lock()


@pytest.fixture
def alone():
    with LOCK:
        yield


@pytest.fixture(scope="session")
def alone_for_long():
    with LOCK:
        yield LOCK
```

## Good: a snapshot is yielded
```python
import threading


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    def names(self):
        self._lock.acquire()
        names = self._names[:]
        self._lock.release()
        yield from names
```

## Good: locked for each step, released before the yield
```python
import threading


class Jobs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: list[str] = []

    def take(self):
        while True:
            with self._lock:
                if not self._jobs:
                    return
                job = self._jobs.pop()
            yield job
```

## Good: consumed in the same function
```python
import threading


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    def upper(self) -> list[str]:
        def names():
            with self._lock:
                for name in self._names:
                    yield name.upper()

        return list(names())

    def _all(self):
        with self._lock:
            for name in self._names:
                yield name

    def count(self) -> int:
        return len(tuple(self._all())) + len(sorted(self._all()))
```

## Good: the consumer holds the lock, not the generator
```python
import threading


class Registry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []

    def _each(self):
        for name in self._names:
            yield name

    def join(self) -> str:
        with self._lock:
            return ", ".join(name for name in self._each())
```

## Good: permits limit, they do not exclude
```python
import threading

SLOTS = threading.BoundedSemaphore(4)


def lines(names: list[str]):
    with SLOTS:
        for name in names:
            yield name
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.generators import decorated, drained, pauses_once
from lockcheck.analysis.witness import PlaceOfHazard, both, certainty, finding, hazards, taken
from lockcheck.model.events import Suspend
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule


@rule(code="LCK103", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each region, at its first `yield`; the others are named with it."""
    for hazard in hazards(_places(analysis), by_region=True):
        pair, held, confidence = hazard.best
        message = (
            f"{both(held)} is held while the generator's consumer runs, for as long as that likes and for ever if it "
            "stops half-way; take a snapshot under the lock and yield from that"
        )
        spans = dict.fromkeys(p.trace[0].span for p, _, _ in hazard.more if p.trace[0] != pair.trace[0])
        others = [
            Related(analysis.place(pair.trace[0].function, span), f"{both(held)} is still held here") for span in spans
        ]
        related = [*taken(analysis, held), *others]
        yield finding(
            analysis,
            "LCK103",
            "lock-across-yield",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        if not isinstance(pair.event, Suspend) or pair.event.what != "yield" or len(pair.trace) > 1:
            continue
        held = tuple(h for h in own if h.lock.exclusive)
        if not held or analysis.facts(function).is_async:
            continue
        if decorated(analysis, function) or drained(analysis, function):
            continue
        sure = Confidence.LOW if pauses_once(analysis, function) else Confidence.HIGH
        yield pair, held, min(certainty(pair, held), sure)
