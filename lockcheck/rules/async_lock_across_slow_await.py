"""A task keeps an asynchronous lock while it waits for something slow.

## What it does
Finds an `await` under a lock of asyncio, anyio or trio that can last without bound: for the network, a subprocess, a
sleep, a queue, an event or another task. The wait may lie in a coroutine that is awaited, any number of calls away.

## Why it hurts
The event loop stays free, but all who want the lock stand in a queue behind one slow peer. The service answers one
request at a time, and when the peer hangs, it answers none. When what is waited for needs the lock itself, nobody
ever wakes up.

## How to repair it
- Wait before or after the region, and keep in it only what must not be interleaved.
- Bound the wait: `asyncio.wait_for`, `asyncio.timeout`, `anyio.fail_after`, `trio.fail_after`.
- If the point is to limit how many do it at once, say so: `asyncio.Semaphore(n)`.

## When it is quiet
- The wait stands inside a timeout scope: `asyncio.timeout`, `wait_for`, `anyio.fail_after`, `move_on_after` …
- A semaphore with more than one permit: to limit is its purpose.
- A wait on the lock's own condition, which releases the lock.
- A single-flight refresh: who gets the lock tests the condition again before it fetches, so the others wait for the
  one fetch that they all need.
- A lock that serialises one connection or stream, so that requests and replies don't mix (every use of it in the
  program is under this lock), is reported with low confidence only.
- So is a lock that only those take who wait for the same kind of thing, or who start and stop something, and an
  object that closes itself or what it owns.
- A queue that is asked first how full it is, and tasks that were all cancelled before they are gathered.

## Bad: a connection is opened under the lock
```python
import asyncio


class Registry:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._hosts: list[str] = []

    async def announce(self, host: str) -> None:
        async with self._lock:  # (1)
            self._hosts.append(host)
            _, writer = await asyncio.open_connection(host, 7000)  # LCK102
        writer.close()
```

## Fixed
```python
import asyncio


class Registry:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._hosts: list[str] = []

    async def announce(self, host: str) -> None:
        async with self._lock:
            self._hosts.append(host)
        _, writer = await asyncio.open_connection(host, 7000)
        writer.close()
```

## Bad: the wait lies two calls away, in another module
```python
# file: pool/core.py
import asyncio

from pool import health


class Pool:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._open = True

    async def close(self) -> None:
        async with self._lock:  # (1)
            self._open = False
            await health.settle()  # LCK102
```
```python
# file: pool/health.py
import asyncio


async def settle() -> None:
    for _ in range(3):
        await pause()  # (2)


async def pause() -> None:
    await asyncio.sleep(5)  # (3)
```

## Bad: a consumer waits for a job and keeps the lock
Who wants to put a job under the same lock never gets there.

```python
import asyncio


class Worker:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._jobs: asyncio.Queue[str] = asyncio.Queue()
        self._busy = False

    async def next(self) -> str:
        await self._lock.acquire()  # (1)
        try:
            job = await self._jobs.get()  # LCK102
            self._busy = True
            return job
        finally:
            self._lock.release()
```

## Bad: a semaphore with one permit is a lock
```python
import asyncio

GATE = asyncio.Semaphore(1)
READY = asyncio.Event()


async def begin() -> None:
    async with GATE:  # (1)
        await READY.wait()  # LCK102
```

## Bad: anyio
```python
import anyio


class Mailbox:
    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.letters: list[str] = []

    async def collect(self) -> None:
        async with self.lock:  # (1)
            self.letters.clear()
            await anyio.run_process(["fetchmail"])  # LCK102
```

## Bad: trio
```python
import trio


class Turnstile:
    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.passed = 0

    async def enter(self) -> None:
        async with self.lock:  # (1)
            self.passed += 1
            await trio.sleep(10)  # LCK102
```

## Good: bounded by wait_for
```python
import asyncio


class Registry:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def announce(self, host: str) -> None:
        async with self._lock:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, 7000), 5)
        writer.close()
```

## Good: inside asyncio.timeout
```python
import asyncio


class Registry:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def announce(self, host: str) -> None:
        async with self._lock:
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection(host, 7000)
        writer.close()
```

## Good: inside fail_after or move_on_after
```python
import anyio
import trio

LOCK = anyio.Lock()
GATE = trio.Lock()


async def collect() -> None:
    with anyio.fail_after(5):
        async with LOCK:
            await anyio.run_process(["fetchmail"])


async def enter() -> None:
    async with GATE:
        with trio.move_on_after(5):
            await trio.sleep(10)
```

## Good: several permits limit, they do not exclude
```python
import asyncio

CONNECTIONS = asyncio.Semaphore(10)


async def probe(host: str) -> None:
    async with CONNECTIONS:
        _, writer = await asyncio.open_connection(host, 7000)
    writer.close()
```

## Good: a wait on the lock's own condition
```python
import asyncio


class Mailbox:
    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._letters: list[str] = []

    async def next(self) -> str:
        async with self._changed:
            while not self._letters:
                await self._changed.wait()
            return self._letters.pop()
```

## Good: a single-flight refresh
```python
import asyncio


class Session:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None

    async def writer(self) -> asyncio.StreamWriter:
        if self._writer is None:
            async with self._lock:
                if self._writer is None:
                    _, self._writer = await asyncio.open_connection("hub.example", 7000)
        return self._writer
```

## Good: a lock that serialises one connection
```python
import asyncio


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lock = asyncio.Lock()
        self._reader = reader
        self._writer = writer

    async def ask(self, question: bytes) -> bytes:
        async with self._lock:
            self._writer.write(question)
            await self._writer.drain()
            return await self._reader.readline()
```

## Good: a coroutine that waits for nothing
```python
import asyncio


class Ledger:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._total = 0

    async def _add(self, amount: int) -> None:
        self._total += amount

    async def deposit(self, amount: int) -> None:
        async with self._lock:
            await self._add(amount)
        await asyncio.sleep(1)
```

## Good: a task is made under the lock and awaited after it
```python
import asyncio


class Backup:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def _copy(self) -> None:
        await asyncio.sleep(60)

    async def start(self) -> None:
        async with self._lock:
            task = self._running or asyncio.create_task(self._copy())
            self._running = task
        await task
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.known import looked
from lockcheck.analysis.summarise.purpose import by_design
from lockcheck.analysis.summarise.refresh import single_flight
from lockcheck.analysis.witness import PlaceOfHazard, are, both, finding, hazards, plausible, reached, taken, through
from lockcheck.model.events import Block, CriticalPair, Held, QueueWait
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.identity import FunctionId
from lockcheck.rules.registry import rule

_WAITS = {
    "network": "waits for the network",
    "database": "waits for the database",
    "subprocess": "waits for another process",
    "sleep": "sleeps",
    "join": "waits for something to end",
    "result": "waits for another task",
    "wait": "waits to be woken",
    "queue": "waits for a queue",
}


@rule(code="LCK102", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each region and slow wait."""
    for hazard in hazards(_places(analysis), by_region=True):
        pair, held, confidence = hazard.best
        what = _WAITS[pair.event.category] if isinstance(pair.event, Block) else "waits for a queue"
        message = (
            f"{both(held)} {are(held)} held while `{pair.trace[-1].text}` {what}{through(pair)}: every task that needs the "
            "lock waits as long; await it outside, or bound it with a timeout"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, f"{what} here"), *hazard.others(analysis)]
        yield finding(
            analysis,
            "LCK102",
            "async-lock-across-slow-await",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        if not _waits(analysis, pair) or analysis.bounded(function):
            continue
        held = tuple(
            h
            for h in own
            if h.lock.domain == "async" and h.lock.exclusive and single_flight(analysis, function, pair, h) is None
        )
        if held:
            yield pair, held, min(_confidence(analysis, function, pair, h) for h in held)


def _waits(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether an event is an awaited wait without a bound."""
    match pair.event:
        case Block(category=category, awaited=True, timed=False, bounded=False):
            return category in _WAITS
        case QueueWait(awaited=True, timed=False, scoped=False, operation=operation, bounded=bounded):
            last = pair.trace[-1]
            asked = looked(analysis.program.body(last.function), last.span)  # then it waits only if others are quicker
            return (operation != "put" or bool(bounded)) and not asked
        case _:
            return False


def _confidence(analysis: Analysis, function: FunctionId, pair: CriticalPair, held: Held) -> Confidence:
    return Confidence.LOW if by_design(analysis, function, pair, held) else plausible(pair, (held,))
