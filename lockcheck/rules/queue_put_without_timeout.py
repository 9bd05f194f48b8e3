"""A producer can wait for ever for room in a queue.

## What it does
Finds `put` on a queue with a bound, and `send` on a bounded channel, that waits without a timeout: those of `queue`,
`asyncio`, `multiprocessing`, `janus`, `anyio` and `trio`.

## Why it hurts
A bound is there to slow producers down. When the consumer has died (an exception that nobody caught, a cancelled task,
a killed process), the queue fills once and every producer stops: silently, since waiting is no error. The service
accepts requests and answers none.

## How to repair it
- Wait with a timeout and say in the error which queue was full; this is what the fix does.
- Use `put_nowait` and decide what happens to what doesn't fit: drop and count it, or reject it.
- Put the wait into a timeout scope where the library has them.

## When it is quiet
- Unbounded queues: no `maxsize`, zero, `SimpleQueue`.
- `put_nowait`, `block=False`.
- A timeout, or a timeout scope around the wait.
- The function that makes the queue puts no more into it than it has room for.

## Bad: a bounded queue between threads
```python
import queue


class Exporter:
    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(maxsize=1000)

    def write(self, line: str) -> None:
        self._lines.put(line)  # LCK401
```

## Fixed
```python
import queue


class Exporter:
    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(maxsize=1000)

    def write(self, line: str) -> None:
        self._lines.put(line, timeout=30)
```

## Bad: a bounded queue between tasks
```python
import asyncio

JOBS: asyncio.Queue[str] = asyncio.Queue(10)


async def add(job: str) -> None:
    await JOBS.put(job)  # LCK401
```

## Fixed
```python
import asyncio

JOBS: asyncio.Queue[str] = asyncio.Queue(10)


async def add(job: str) -> None:
    await asyncio.wait_for(JOBS.put(job), timeout=30)
```

## Bad: the queue is made in another module
```python
# file: jobs/queues.py
from queue import PriorityQueue

URGENT: PriorityQueue[tuple[int, str]] = PriorityQueue(50)
```
```python
# file: jobs/api.py
from jobs import queues


def submit(name: str, priority: int = 5) -> None:
    queues.URGENT.put((priority, name))  # LCK401
```

## Bad: a queue between processes
```python
from multiprocessing import JoinableQueue


class Feeder:
    def __init__(self) -> None:
        self._rows: "JoinableQueue[int]" = JoinableQueue(10)

    def feed(self, row: int) -> None:
        self._rows.put(row)  # LCK401
```

## Bad: memory channels
```python
import anyio
import trio


async def feed() -> None:
    send, receive = anyio.create_memory_object_stream(5)
    async with send, receive:
        await send.send("row")  # LCK401


async def pump() -> None:
    sender, receiver = trio.open_memory_channel(5)
    async with sender, receiver:
        await sender.send("row")  # LCK401
```

## Good: unbounded queues
```python
import asyncio
import queue
from multiprocessing import Queue

LINES: queue.Queue[str] = queue.Queue()
ROWS: queue.Queue[str] = queue.Queue(maxsize=0)
EVENTS: queue.SimpleQueue[str] = queue.SimpleQueue()
TASKS: asyncio.Queue[str] = asyncio.Queue()
RESULTS: "Queue[str]" = Queue()


async def publish(text: str) -> None:
    LINES.put(text)
    ROWS.put(text)
    EVENTS.put(text)
    RESULTS.put(text)
    await TASKS.put(text)
```

## Good: put_nowait
```python
import queue


class Exporter:
    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(maxsize=1000)
        self._dropped = 0

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1
```

## Good: block=False
```python
import queue

LINES: queue.Queue[str] = queue.Queue(1000)


def write(line: str) -> None:
    LINES.put(line, block=False)


def write_now(line: str) -> None:
    LINES.put(line, False)
```

## Good: a timeout
```python
import queue

LINES: queue.Queue[str] = queue.Queue(1000)


def write(line: str) -> None:
    LINES.put(line, timeout=5)


def write_soon(line: str) -> None:
    LINES.put(line, True, 0.5)
```

## Good: a timeout scope
```python
import asyncio

import anyio

JOBS: asyncio.Queue[str] = asyncio.Queue(10)


async def add(job: str) -> None:
    async with asyncio.timeout(5):
        await JOBS.put(job)


async def add_soon(job: str) -> None:
    await asyncio.wait_for(JOBS.put(job), 5)


async def add_or_fail(job: str) -> None:
    with anyio.fail_after(5):
        await JOBS.put(job)
```

## Good: as many items as there is room for
```python
import queue


class Pool:
    def __init__(self, size: int) -> None:
        self._free: queue.LifoQueue[int] = queue.LifoQueue(size)
        for number in range(size):
            self._free.put(number)
```

## Good: put is also a word of others
```python
import requests


class Store:
    def __init__(self) -> None:
        self._rows: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        self._rows[key] = value


def save(store: Store, key: str) -> None:
    store.put(key, "value")
    requests.put("https://shop.example", data=key, timeout=5)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.capacity import fits
from lockcheck.analysis.repairs import limiting
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import notes, primary
from lockcheck.model.events import LockRef, QueueWait
from lockcheck.model.findings import Confidence, Finding
from lockcheck.rules.registry import rule


@rule(code="LCK401", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each `put` that can wait for ever."""
    seen: set[object] = set()
    for function, pair in analysis.pairs(QueueWait):
        event = pair.event
        if not isinstance(event, QueueWait) or event.operation != "put" or len(pair.trace) > 1:
            continue
        place = primary(analysis, pair)
        if not event.bounded or event.timed or event.scoped or place in seen or analysis.bounded(function):
            continue
        if fits(analysis, function, pair):
            continue
        seen.add(place)
        bound = "probably bounded" if event.guessed else "bounded"
        message = (
            f"`{event.name}` waits for ever when the {bound} queue is full and nobody takes from it any more; "
            "give it a timeout and say what happens then"
        )
        confidence = min(pair.confidence, Confidence.MEDIUM) if event.guessed else pair.confidence
        locks = () if event.queue is None else notes(analysis, (LockRef(event.queue, None, None),))
        yield Finding(
            "LCK401",
            "queue-put-without-timeout",
            message,
            confidence,
            place,
            locks=locks,
            symbol=str(function),
            subject=event.name,
            repairs=(limiting(place, event),),
        )
