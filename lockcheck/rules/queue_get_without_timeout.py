"""A `get` from a queue can wait for ever.

## What it does
Finds `get` on a queue (`queue`, `multiprocessing`, `asyncio`, `janus`, memory channels) that has no timeout, outside
any timeout scope. It must be selected: in a worker that lives as long as its program, waiting for ever is its job.

## Why it hurts
A `get` returns when somebody puts. If the producer has died, was never started or has left early, the consumer waits
for ever, and with it whoever joins it. Nothing is logged: the thread is alive and idle.

## How to repair it
- Give `get` a timeout and look, when it runs out, whether the producer is still there.
- Let the producer put a sentinel in its `finally`, and leave the loop when it comes.
- In coroutines put a scope around it: `async with asyncio.timeout(…)`.

## When it is quiet
- A timeout is given, or `block=False`, or it is `get_nowait`.
- A timeout scope is around it, in the function or around every call of a private one.
- The loop looks at what it got and can leave: a sentinel or a shutdown reaches it.

## Bad: the parent counts the results of its workers
```python
import multiprocessing


def collect(count: int) -> list[int]:
    results: "multiprocessing.Queue[int]" = multiprocessing.Queue()
    found = []
    for _ in range(count):
        found.append(results.get())  # LCK402
    return found
```

## Bad: a reply that may never come
```python
import queue


class Client:
    def __init__(self) -> None:
        self._replies: queue.Queue[str] = queue.Queue()

    def ask(self, text: str) -> str:
        print(text)
        return self._replies.get()  # LCK402
```

## Fixed
```python
import queue


class Client:
    def __init__(self) -> None:
        self._replies: queue.Queue[str] = queue.Queue()

    def ask(self, text: str) -> str:
        print(text)
        return self._replies.get(timeout=30)
```

## Bad: a coroutine
```python
import asyncio

JOBS: asyncio.Queue[str] = asyncio.Queue()


async def work() -> None:
    while True:
        print(await JOBS.get())  # LCK402
```

## Good: a timeout
```python
import queue

JOBS: queue.Queue[str] = queue.Queue()


def work() -> None:
    print(JOBS.get(True, 5))
    print(JOBS.get(timeout=5))
```

## Good: nothing waits
```python
import queue

JOBS: queue.Queue[str] = queue.Queue()


def work() -> None:
    print(JOBS.get(block=False))
    print(JOBS.get_nowait())
```

## Good: a sentinel reaches the loop
```python
import queue

JOBS: "queue.Queue[str | None]" = queue.Queue()


def work() -> None:
    while True:
        job = JOBS.get()
        if job is None:
            break
        print(job)


def also() -> None:
    for job in iter(JOBS.get, None):
        print(job)
```

## Good: the loop returns on a sentinel
```python
import asyncio

STOP = "stop"


async def work(jobs: asyncio.Queue[str]) -> None:
    while (job := await jobs.get()) != STOP:
        print(job)
```

## Good: a timeout scope
```python
import asyncio

JOBS: asyncio.Queue[str] = asyncio.Queue()


async def work() -> None:
    async with asyncio.timeout(5):
        print(await JOBS.get())
    print(await asyncio.wait_for(JOBS.get(), 5))
```

## Good: get of a dictionary
```python
JOBS: dict[str, str] = {}


def work() -> None:
    print(JOBS.get("job"))
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import limiting
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.sentinels import leaves
from lockcheck.analysis.witness import notes, primary
from lockcheck.model.events import LockRef, QueueWait
from lockcheck.model.findings import Finding
from lockcheck.rules.registry import rule


@rule(code="LCK402", default=False, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each `get` that can wait for ever."""
    seen: set[object] = set()
    for function, pair in analysis.pairs(QueueWait):
        event, step = pair.event, pair.trace[0]
        if not isinstance(event, QueueWait) or event.operation != "get" or len(pair.trace) > 1:
            continue
        place = primary(analysis, pair)
        if event.timed or event.scoped or place in seen or analysis.bounded(function):
            continue
        if leaves(analysis.program.body(function), step.span):
            continue
        seen.add(place)
        message = (
            f"`{event.name}` waits for ever when nobody puts into the queue any more; give it a timeout, or have the "
            "producer put a sentinel in its `finally`"
        )
        locks = () if event.queue is None else notes(analysis, (LockRef(event.queue, None, None),))
        yield Finding(
            "LCK402",
            "queue-get-without-timeout",
            message,
            pair.confidence,
            place,
            locks=locks,
            symbol=str(function),
            subject=event.name,
            repairs=(limiting(place, event),),
        )
