"""A lock is held while a future, an event, a barrier, a condition or a task is waited for.

## What it does
Finds waits without a timeout under a lock: `Future.result` and `exception`, `Event.wait`, `Barrier.wait`,
`concurrent.futures.wait` and `as_completed`, `Condition.wait` on a condition of another lock, directly or through
calls. Where what is waited for needs the held lock, the report shows both halves and says that neither can go on: the
job behind the future takes the lock, or everybody who sets the event takes the lock before. An awaited task, event or
`gather` under an asynchronous lock is reported here only in that case; that it is slow is the business of LCK102.

## Why it hurts
Whoever is to end the wait is other code, in another thread or task, and sooner or later it needs the lock: to hand in
its result, to look whether it should stop, to log. Then one waits for the other for ever. Even where it never needs
the lock, everybody else stands in a queue behind a wait of which nobody knows how long it takes.

## How to repair it
- Make the future, or look at the state, under the lock; release the lock; wait then.
- Wait with a timeout, and say what happens when it runs out.
- To wait until a state changes that the lock guards, use a `Condition` made on that very lock: it gives it back.

## When it is quiet
- A wait with a timeout, or inside a timeout scope.
- A future whose `done()` was checked, one that was waited for before, and one that a callback was given.
- A wait on the lock's own condition, which gives the lock back meanwhile.
- A future that is settled by known code, none of which needs the lock before: low confidence only.

## Bad: the job needs the lock that its submitter holds
```python
import threading
from concurrent.futures import ThreadPoolExecutor


class Index:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)
        self._words: set[str] = set()

    def _load(self) -> None:
        with self._lock:  # (2)
            self._words.add("one")

    def reload(self) -> None:
        with self._lock:  # (1)
            self._words.clear()
            future = self._pool.submit(self._load)
            future.result()  # LCK204
```

## Fixed
```python
import threading
from concurrent.futures import ThreadPoolExecutor


class Index:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)
        self._words: set[str] = set()

    def _load(self) -> None:
        with self._lock:
            self._words.add("one")

    def reload(self) -> None:
        with self._lock:
            self._words.clear()
            future = self._pool.submit(self._load)
        future.result()
```

## Bad: who sets the event needs the lock
```python
import threading


class Gate:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._guests = 0

    def open(self) -> None:
        with self._lock:  # (2)
            self._guests = 0
            self._opened.set()

    def enter(self) -> None:
        with self._lock:  # (1)
            self._guests += 1
            self._opened.wait()  # LCK204
```

## Bad: a condition of another lock
```python
import threading


class Depot:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._filled = threading.Condition()
        self._boxes: list[str] = []

    def fetch(self) -> str:
        with self._lock:  # (1)
            with self._filled:
                while not self._boxes:
                    self._filled.wait()  # LCK204
                return self._boxes.pop()
```

## Bad: the wait lies in another module
```python
# file: press/jobs.py
import concurrent.futures


class Jobs:
    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(2)
        self._running = [self._pool.submit(print, "page") for _ in range(3)]

    def finish(self) -> None:
        concurrent.futures.wait(self._running)  # (2)
```
```python
# file: press/main.py
import threading

from press.jobs import Jobs

LOCK = threading.Lock()
JOBS = Jobs()


def close() -> None:
    with LOCK:  # (1)
        JOBS.finish()  # LCK204
```

## Bad: a task that needs the asynchronous lock
```python
import asyncio


class Feed:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._items: list[str] = []

    async def _fill(self) -> None:
        async with self._lock:  # (2)
            self._items.append("item")

    async def refresh(self) -> None:
        async with self._lock:  # (1)
            task = asyncio.create_task(self._fill())
            await task  # LCK204
```

## Bad: several tasks
```python
import asyncio

LOCK = asyncio.Lock()


async def work(number: int) -> int:
    async with LOCK:
        return number


async def all_of_them() -> None:
    async with LOCK:
        tasks = [asyncio.create_task(work(number)) for number in range(3)]
        await asyncio.gather(*tasks)  # LCK204
```

## Good: waited for after the region
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Index:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)
        self._loads: list[Future[None]] = []

    def reload(self) -> None:
        with self._lock:
            self._loads.append(self._pool.submit(print, "load"))
            loads, self._loads = self._loads, []
        for load in loads:
            load.result()
```

## Good: with a timeout
```python
import threading
from concurrent.futures import ThreadPoolExecutor, wait


class Gate:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._all = threading.Barrier(3, timeout=5)
        self._pool = ThreadPoolExecutor(4)

    def enter(self) -> bool:
        with self._lock:
            future = self._pool.submit(print, "enter")
            future.result(5)
            wait([future], timeout=1)
            self._all.wait()
            return self._opened.wait(timeout=0.5)
```

## Good: done() was checked before
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Index:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)
        self._load: Future[int] | None = None
        self._loads = [self._pool.submit(len, "load")]

    def size(self) -> int:
        with self._lock:
            if self._load is None:
                self._load = self._pool.submit(len, "load")
            if not self._load.done():
                return -1
            return self._load.result()

    def ready(self) -> int:
        with self._lock:
            future = self._pool.submit(len, "load")
            return future.result() if future.done() else 0

    def sizes(self) -> list[int]:
        with self._lock:
            return [load.result() for load in self._loads if load.done()]
```

## Good: the future of a callback is done
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Index:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)
        self._sizes: list[int] = []

    def _loaded(self, future: "Future[int]") -> None:
        with self._lock:
            self._sizes.append(future.result())

    def load(self) -> None:
        self._pool.submit(len, "load").add_done_callback(self._loaded)
```

## Good: waited for before the lock was taken
```python
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

LOCK = threading.Lock()
POOL = ThreadPoolExecutor(4)
SIZES: list[int] = []


def load(words: list[str]) -> None:
    futures = [POOL.submit(len, word) for word in words]
    wait(futures)
    with LOCK:
        for future in futures:
            SIZES.append(future.result())


def stream(words: list[str]) -> None:
    for future in as_completed([POOL.submit(len, word) for word in words]):
        with LOCK:
            SIZES.append(future.result())
```

## Good: the lock's own condition
```python
import threading


class Depot:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._boxes: list[str] = []

    def fetch(self) -> str:
        with self._lock:
            while not self._boxes:
                self._filled.wait()
            self._emptied.notify()
            return self._boxes.pop()
```

## Good: the lock is given back around the wait
```python
import threading


class Gate:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._guests = 0

    def enter(self) -> None:
        with self._lock:
            self._guests += 1
            self._lock.release()
            try:
                self._opened.wait()
            finally:
                self._lock.acquire()
            self._guests -= 1
```

## Good: a task that does not need the lock
What it does may be slow, which LCK102 looks at.

```python
import asyncio


class Feed:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._items: list[str] = []

    async def _fill(self) -> None:
        self._items.append("item")

    async def refresh(self) -> None:
        async with self._lock:
            task = asyncio.create_task(self._fill())
            await task
```

## Good: permits limit, they do not exclude
```python
import threading
from concurrent.futures import ThreadPoolExecutor

SLOTS = threading.Semaphore(8)
POOL = ThreadPoolExecutor(4)


def size(word: str) -> int:
    with SLOTS:
        return POOL.submit(len, word).result()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.waking import need, settled_without
from lockcheck.analysis.witness import (
    PlaceOfHazard,
    both,
    certainty,
    finding,
    hazards,
    plausible,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Block
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule

_WAITS = {"result": "waits for work that is done elsewhere", "wait": "waits to be woken"}


@rule(code="LCK204", default=True, since="0.1.0", supersedes=("LCK102", "LCK701", "LCK401"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and wait; with both halves where what is waited for needs the lock."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Block)
        what = _WAITS[pair.event.category]
        needed = next((n for h in held if (n := need(analysis, pair.event, h)) is not None), None)
        message = f"{both(held)} is held while `{pair.trace[-1].text}` {what}{through(pair)}"
        related = [*taken(analysis, held), *reached(analysis, pair, f"{what} here")]
        if needed is None:
            message += ": if the other side needs the lock, neither can go on; wait after the region, or with a timeout"
        else:
            message += f", and {title(needed.function)}, which is to end the wait, needs that lock first: neither can go on; wait after the region"
            place = analysis.place(needed.step.function, needed.step.span)
            related.append(Related(place, f"{title(needed.function)} needs {both(held)} here", end=True))
        related += hazard.others(analysis)
        yield finding(
            analysis,
            "LCK204",
            "wait-under-lock",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held, free=True),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Block) or event.category not in _WAITS or event.timed or event.bounded:
            continue
        if analysis.bounded(function):
            continue
        held = tuple(h for h in own if h.lock.exclusive and (not event.awaited or h.lock.domain == "async"))
        needed = tuple(h for h in held if need(analysis, event, h) is not None)
        if needed:
            yield pair, needed, certainty(pair, needed)
        elif held and not event.awaited:
            slow = settled_without(analysis, event, held)
            yield pair, held, Confidence.LOW if slow else min(plausible(pair, held), Confidence.MEDIUM)
