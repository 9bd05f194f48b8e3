"""A lock is held while a queue keeps its caller waiting.

## What it does
Finds `put` on a bounded queue, `get` and `join` of a queue between threads or processes that wait without a timeout
while a lock is held, directly or through calls. Where the other side of the queue needs that lock (the consumer of a
`put` or `join`, the producer of a `get`), the report shows both halves and says that neither can go on. A queue of
asyncio that is awaited under an asynchronous lock is an LCK102.

## Why it hurts
`put` returns when somebody takes, `get` when somebody puts. If that somebody wants the lock first, both wait for ever.
If he has died, the lock is never given back either, and what was one stuck thread becomes a stuck program.

## How to repair it
- Collect under the lock what is to be put, release the lock, and put then; get first and lock after.
- Use `put_nowait`/`get_nowait` under the lock, and decide what `Full` and `Empty` mean.
- Wait with a timeout.

## When it is quiet
- `put` on an unbounded queue: it never waits.
- `put_nowait`, `get_nowait`, `block=False`, and a timeout.
- A `get` behind a test of `empty()` or `qsize()`, a `put` behind one of `full()`, are shown with low confidence only.

## Bad: the consumer needs the lock that the producer holds
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue(maxsize=20)
        self._written = 0

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            with self._lock:  # (2)
                self._written += len(line)

    def write(self, line: str) -> None:
        with self._lock:  # (1)
            self._lines.put(line)  # LCK206
```

## Fixed
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue(maxsize=20)
        self._written = 0

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            with self._lock:
                self._written += len(line)

    def write(self, line: str) -> None:
        self._lines.put(line)
```

## Bad: the producer needs the lock that the consumer holds
```python
import threading
from queue import SimpleQueue

LOCK = threading.Lock()
JOBS: "SimpleQueue[str]" = SimpleQueue()


def add(job: str) -> None:
    with LOCK:  # (2)
        JOBS.put(job)


def take() -> str:
    with LOCK:  # (1)
        return JOBS.get()  # LCK206
```

## Bad: flushing waits until everything is done
```python
# file: events/queue.py
import queue


class Buffer:
    def __init__(self) -> None:
        self._items: queue.Queue[bytes] = queue.Queue(20)

    def flush(self) -> None:
        self._items.join()  # (2)
```
```python
# file: events/writer.py
import threading

from events.queue import Buffer


class Writer:
    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._buffer = Buffer()

    def close(self) -> None:
        self._guard.acquire()  # (1)
        try:
            self._buffer.flush()  # LCK206
        finally:
            self._guard.release()
```

## Bad: a queue between processes
```python
import multiprocessing


class Results:
    def __init__(self) -> None:
        self._lock = multiprocessing.Lock()
        self._queue: "multiprocessing.Queue[int]" = multiprocessing.Queue(5)

    def add(self, value: int) -> None:
        with self._lock:
            self._queue.put(value)  # LCK206
```

## Good: put on an unbounded queue
```python
import multiprocessing
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue()
        self._rows: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._others: "multiprocessing.Queue[str]" = multiprocessing.Queue()

    def write(self, line: str) -> None:
        with self._lock:
            self._lines.put(line)
            self._rows.put(line)
            self._others.put(line)
```

## Good: put_nowait and get_nowait
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue(20)

    def write(self, line: str) -> None:
        with self._lock:
            self._lines.put_nowait(line)

    def drain(self) -> list[str]:
        found = []
        with self._lock:
            try:
                while True:
                    found.append(self._lines.get(block=False))
                    found.append(self._lines.get_nowait())
            except queue.Empty:
                return found
```

## Good: with a timeout
```python
import queue
import threading

LOCK = threading.Lock()
LINES: queue.Queue[str] = queue.Queue(20)


def write(line: str) -> str:
    with LOCK:
        LINES.put(line, timeout=1)
        return LINES.get(True, 0.5)
```

## Good: put after the region
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue(20)
        self._count = 0

    def write(self, line: str) -> None:
        with self._lock:
            self._count += 1
            line = f"{self._count} {line}"
        self._lines.put(line)

    def take(self) -> str:
        line = self._lines.get()
        with self._lock:
            self._count -= 1
        return line
```

## Good: taken until it is empty
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: queue.Queue[str] = queue.Queue(20)

    def drain(self) -> list[str]:
        found = []
        with self._lock:
            while not self._lines.empty():
                found.append(self._lines.get())
            if self._lines.qsize() > 0:
                found.append(self._lines.get())
        return found
```

## Good: get and put are also words of others
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        with self._lock:
            return self._values.get(key)

    def put(self, key: str, value: str) -> None:
        with self._lock:
            self._values[key] = value


CACHE = Cache()
LOCK = threading.Lock()


def remember(key: str) -> None:
    with LOCK:
        CACHE.put(key, "value")
        print(", ".join(CACHE.get(key) or ""))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.known import looked
from lockcheck.analysis.summarise.waking import need
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
from lockcheck.model.events import CriticalPair, QueueWait
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule

_WAITS = {
    "put": "waits for room in the queue",
    "get": "waits for an item",
    "drain": "waits until every item is done",
}
_SIDES = {"put": "takes from the queue", "get": "puts into the queue", "drain": "works off the queue"}


@rule(code="LCK206", default=True, since="0.1.0", supersedes=("LCK701", "LCK401"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and wait; with both halves where the other side needs the lock."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, QueueWait)
        what, side = _WAITS[pair.event.operation], _SIDES[pair.event.operation]
        needed = next((n for h in held if (n := need(analysis, pair.event, h)) is not None), None)
        message = f"{both(held)} is held while `{pair.trace[-1].text}` {what}{through(pair)}"
        related = [*taken(analysis, held), *reached(analysis, pair, f"{what} here")]
        if needed is None:
            message += f": if who {side} needs the lock or has died, neither can go on"
        else:
            message += f", and {title(needed.function)}, which {side}, needs that lock: neither can go on"
            place = analysis.place(needed.step.function, needed.step.span)
            related.append(Related(place, f"{title(needed.function)} needs {both(held)} here", end=True))
        message += "; wait outside the region, or with a timeout"
        related += hazard.others(analysis)
        yield finding(
            analysis,
            "LCK206",
            "queue-wait-under-lock",
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
        if not isinstance(event, QueueWait) or event.timed or event.scoped or event.awaited:
            continue
        if (event.operation == "put" and not event.bounded) or analysis.bounded(function):
            continue
        held = tuple(h for h in own if h.lock.exclusive)
        needed = tuple(h for h in held if need(analysis, event, h) is not None)
        if needed and not (event.guessed and event.operation == "put"):
            yield pair, needed, min(certainty(pair, needed), _looked(analysis, pair))
        elif held:
            yield pair, held, min(plausible(pair, held), Confidence.MEDIUM, _looked(analysis, pair))


def _looked(analysis: Analysis, pair: CriticalPair) -> Confidence:
    """Who asks the queue first how full it is waits only where others are quicker."""
    last = pair.trace[-1]
    asked = looked(analysis.program.body(last.function), last.span)
    return Confidence.LOW if asked else Confidence.HIGH
