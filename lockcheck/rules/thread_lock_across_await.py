"""A coroutine is suspended while it holds a lock of a thread or process.

## What it does
Finds `await`, `async for`, `async with`, asynchronous comprehensions and the `yield` of asynchronous generators at
a point where a lock that blocks threads or processes is held: `threading.Lock`, `RLock`, `Condition` and
`Semaphore`, those of `multiprocessing`, file locks and read-write locks. It does not matter how the lock was taken:
by `with`, by `acquire()`, by an `ExitStack`, by a context manager or a method of another module.

## Why it hurts
While the coroutine is suspended, the event loop runs others. The first of them that wants the lock blocks the
thread, and with it the loop, which alone could resume the coroutine that holds the lock: everything stops, for ever.
An `RLock` is worse. The other coroutine runs in the same thread, so it gets the lock at once, and the region that
was meant to be exclusive is entered twice.

## How to repair it
- Take what is needed out of the region and await after it: copy under the lock, send outside.
- If every user of the lock is a coroutine of one loop, make it an `asyncio.Lock` and write `async with`.
- If threads need the lock too, do the work that holds it in a thread: `await asyncio.to_thread(…)`.

## When it is quiet
- The lock is released on every path before the await, also by hand in the middle of its `with`.
- The lock is an asynchronous one; holding that across something slow is LCK102.
- What is written under the lock runs later: nested functions, lambdas, a task that is only created there.

A lock that is held on some of the paths to the await is reported with medium confidence.

## Bad: a collection is sent while its lock is held
The lock guards the members; nothing about `drain()` needs it.

```python
import asyncio
import threading


class Room:
    def __init__(self) -> None:
        self._members_lock = threading.Lock()
        self._members: dict[str, asyncio.StreamWriter] = {}

    async def say(self, text: str) -> None:
        with self._members_lock:  # (1)
            for member in self._members.values():
                member.write(text.encode())
                await member.drain()  # LCK101
```

## Bad: the await needs nothing of the region
```python
import threading


class Profile:
    def __init__(self, feed: "Feed") -> None:
        self._lock = threading.RLock()
        self._feed = feed
        self._name = ""

    async def rename(self, name: str) -> None:
        with self._lock:  # (1)
            self._name = name
            await self._feed.publish(name)  # LCK101


class Feed:
    async def publish(self, text: str) -> None:
        print(text)
```

## Fixed
```python
import threading


class Profile:
    def __init__(self, feed: "Feed") -> None:
        self._lock = threading.RLock()
        self._feed = feed
        self._name = ""

    async def rename(self, name: str) -> None:
        with self._lock:
            self._name = name
        await self._feed.publish(name)


class Feed:
    async def publish(self, text: str) -> None:
        print(text)
```

## Bad: acquire and release
```python
import asyncio
from threading import Lock


class Exporter:
    def __init__(self) -> None:
        self.lock = Lock()
        self.batch: list[str] = []

    async def flush(self, writer: asyncio.StreamWriter) -> None:
        self.lock.acquire()  # (1)
        try:
            writer.write("".join(self.batch).encode())
            await writer.drain()  # LCK101
            self.batch.clear()
        finally:
            self.lock.release()
```

## Bad: the lock is taken by a context manager of another module
```python
# file: shop/stock.py
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count: dict[str, int] = {}

    @contextmanager
    def editing(self) -> Iterator[dict[str, int]]:
        with self._lock:
            yield self._count
```
```python
# file: shop/orders.py
import asyncio

from shop.stock import Stock


async def reserve(stock: Stock, item: str) -> None:
    with stock.editing() as count:
        count[item] -= 1
        await asyncio.sleep(0.1)  # LCK101
```

## Bad: an asynchronous generator yields
The consumer decides when, and whether, it asks for the next item.

```python
import threading
from collections.abc import AsyncIterator


class History:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[str] = []

    async def lines(self) -> AsyncIterator[str]:
        with self._lock:  # (1)
            for line in self._lines:
                yield line  # LCK101
```

## Bad: async for, async with and an asynchronous comprehension
```python
import threading

import aiofiles

LOCK = threading.Lock()
SEEN: set[str] = set()


async def load(path: str) -> list[str]:
    with LOCK:
        async with aiofiles.open(path):  # LCK101
            SEEN.add(path)
    with LOCK:
        async for line in read(path):  # LCK101
            SEEN.add(line)
    with LOCK:
        return [line async for line in read(path)]  # LCK101


async def read(path: str):
    yield path
```

## Bad: a lock file
A file lock stops other processes, and this one's event loop too.

```python
import asyncio

from filelock import FileLock


async def build(target: str) -> None:
    with FileLock(f"{target}.lock"):  # (1)
        await asyncio.create_subprocess_exec("make", target)  # LCK101
```

## Bad: released on one path only
```python
import asyncio
import threading


class Door:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False

    async def close(self) -> None:
        self._lock.acquire()
        if not self._open:
            self._lock.release()
        await asyncio.sleep(1)  # LCK101
```

## Good: released before the await
```python
import asyncio
import threading


class Room:
    def __init__(self) -> None:
        self._members_lock = threading.Lock()
        self._members: dict[str, asyncio.StreamWriter] = {}

    async def say(self, text: str) -> None:
        with self._members_lock:
            members = list(self._members.values())
        for member in members:
            member.write(text.encode())
            await member.drain()
```

## Good: released on every path
```python
import asyncio
import threading


class Door:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False

    async def close(self) -> None:
        self._lock.acquire()
        if self._open:
            self._open = False
            self._lock.release()
        else:
            self._lock.release()
            raise RuntimeError("already closed")
        await asyncio.sleep(1)
```

## Good: released by hand in the middle of its with
```python
import asyncio
import threading


class Poller:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rounds = 0

    async def run(self) -> None:
        with self._lock:
            self._rounds += 1
            self._lock.release()
            try:
                await asyncio.sleep(1)
            finally:
                self._lock.acquire()
            self._rounds -= 1
```

## Good: an asyncio lock
```python
import asyncio


class Printer:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def print(self, writer: asyncio.StreamWriter, text: str) -> None:
        async with self._lock:
            writer.write(text.encode())
            await writer.drain()
```

## Good: what is written under the lock runs later
```python
import asyncio
import threading


class Scheduler:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def later(self, seconds: float) -> None:
        with self._lock:

            async def tick() -> None:
                await asyncio.sleep(seconds)

            self._tasks.add(asyncio.create_task(tick()))
        await asyncio.gather(*self._tasks)
```

## Good: the lock is taken in a worker thread
```python
import asyncio
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[str] = []

    def _append(self, row: str) -> None:
        with self._lock:
            self._rows.append(row)

    async def append(self, row: str) -> None:
        await asyncio.to_thread(self._append, row)
```

## Good: an attempt that failed holds nothing
```python
import asyncio
import threading


class Refresher:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0

    async def refresh(self) -> None:
        while not self._lock.acquire(blocking=False):
            await asyncio.sleep(0.05)
        try:
            self._value += 1
        finally:
            self._lock.release()
```

## Good: a name that sounds like a lock
```python
import asyncio
import time


class Clock:
    def __enter__(self) -> "Clock":
        self.started = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        print(time.monotonic() - self.started)


async def measure() -> None:
    with Clock() as block:
        await asyncio.sleep(1)
    print(block.started)
```

## Good: a command of a command line, the one task of its process
```python
import asyncio
import threading

import typer

app = typer.Typer()
FOLDER = threading.Lock()


@app.command()
async def build() -> None:
    with FOLDER:
        process = await asyncio.create_subprocess_exec("make")
        await process.wait()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import asynchronous, leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.commands import is_command
from lockcheck.analysis.witness import PlaceOfHazard, both, certainty, finding, hazards, taken
from lockcheck.model.events import Suspend
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule


@rule(code="LCK101", default=True, since="0.1.0", supersedes=("LCK104", "LCK102"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each region, at its first suspension; the others are named with it."""
    for hazard in hazards(_places(analysis), by_region=True):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Suspend)
        what = "yields to its consumer" if pair.event.what == "yield" else f"is suspended by `{pair.event.what}`"
        spans = dict.fromkeys(p.trace[0].span for p, _, _ in hazard.more if p.trace[0] != pair.trace[0])
        others = [
            Related(analysis.place(pair.trace[0].function, span), f"{both(held)} is still held here") for span in spans
        ]
        message = (
            f"{both(held)} blocks threads, and the coroutine {what} while it holds it: whoever wants the lock next "
            "freezes the event loop; release it first, or use an asynchronous lock"
        )
        related = [*taken(analysis, held), *others]
        repairs = (*leaving(analysis, pair, held), *asynchronous(analysis, held))
        yield finding(analysis, "LCK101", "thread-lock-across-await", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        if not isinstance(pair.event, Suspend) or len(pair.trace) > 1:
            continue
        held = tuple(h for h in own if h.lock.domain != "async")
        if held and (pair.event.what != "yield" or analysis.facts(function).is_async):
            level = Confidence.LOW if is_command(analysis, function) else certainty(pair, held)
            yield pair, held, level
