"""An asyncio primitive is used by several event loops, or by a thread.

## What it does
Finds locks, semaphores, conditions and queues of asyncio that are made when their module is imported and used by
coroutines that several event loops run (or may run: the package makes loops of its own at each call of some
function); and calls on queues, events and futures of asyncio in functions that threads
run.

## Why it hurts
A primitive of asyncio belongs to one loop: to that which was current when it was made (before Python 3.10), or to the
first that has to wait for it. In any other loop it raises `RuntimeError`, or wakes nobody. None of them is safe for
threads: `put_nowait` from a thread changes the queue under the loop's hands, and does not wake the loop, so that the
consumer sleeps on.

## How to repair it
- Make the primitive where the loop runs: in the coroutine or the object that uses it.
- From a thread: `loop.call_soon_threadsafe(queue.put_nowait, item)`.

## When it is quiet
- One loop, whoever made the primitive.
- `call_soon_threadsafe`, `run_coroutine_threadsafe`.
- A thread that runs a loop of its own with primitives of its own.
- Primitives that each object makes for itself.

## Bad: each thread runs a loop, all use one lock
```python
import asyncio
import threading

LOCK = asyncio.Lock()


async def work() -> None:
    async with LOCK:  # (1)
        await asyncio.sleep(1)


def serve() -> None:
    asyncio.run(work())  # LCK704


def begin() -> None:
    for _ in range(4):
        threading.Thread(target=serve).start()
```

## Bad: every call of a synchronous entrance makes a loop
```python
# file: store/sync.py
import asyncio

from store import client


def get(key: str) -> str:
    return asyncio.run(client.get(key))  # LCK704


def put(key: str) -> None:
    asyncio.run(client.put(key))
```
```python
# file: store/client.py
import asyncio


class Limits:
    gate = asyncio.Semaphore(4)


async def get(key: str) -> str:
    async with Limits.gate:
        await asyncio.sleep(1)
        return key


async def put(key: str) -> None:
    async with Limits.gate:
        await asyncio.sleep(1)
```

## Bad: a thread puts into the loop's queue
```python
import asyncio
import threading


class Reader:
    def __init__(self) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        threading.Thread(target=self._read).start()

    def _read(self) -> None:
        while True:
            self._lines.put_nowait(input())  # LCK704

    async def line(self) -> str:
        return await self._lines.get()
```

## Good: the loop is told from the thread
```python
import asyncio
import threading


class Reader:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        threading.Thread(target=self._read).start()

    def _read(self) -> None:
        while True:
            self._loop.call_soon_threadsafe(self._lines.put_nowait, input())
```

## Good: one loop
```python
import asyncio

LOCK = asyncio.Lock()


async def main() -> None:
    async with LOCK:
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main())
```

## Good: made by the object that uses it
```python
import asyncio
import threading


class Client:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def work(self) -> None:
        async with self._lock:
            await asyncio.sleep(1)


def serve() -> None:
    asyncio.run(Client().work())


def begin() -> None:
    threading.Thread(target=serve).start()
```

## Good: a thread with a loop and a queue of its own
```python
import asyncio
import threading


async def drain(queue: "asyncio.Queue[int]") -> None:
    await queue.get()


def serve() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)
    asyncio.run(drain(queue))


threading.Thread(target=serve).start()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.several_loops import Entrance, Touch, entrances, makes_loops, touched_by_threads, uses, using
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import finding, primary, reached, title
from lockcheck.model.events import CriticalPair
from lockcheck.model.facts import MODULE
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId, LockId, lock_name
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule

_NAME = "primitive-shared-across-loops"
_MADE_THERE = (
    "make it in the coroutine that the loop runs first, and hand it to those that use it; across threads, use one of "
    "`threading` or `queue`"
)
_HANDED = "hand the call to the loop that it belongs to: `loop.call_soon_threadsafe(…)`, or `run_coroutine_threadsafe`"


@rule(code="LCK704", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each primitive that several loops use, and for each call on one in a thread."""
    reported: set[LockId] = set()
    every = using(analysis)
    for lock, places in entrances(analysis, every).items():
        chosen = _several(places)
        if chosen is not None:
            reported.add(lock)
            yield _shared(analysis, lock, chosen)
    for use in uses(analysis, every):
        maker = makes_loops(analysis, use.function.module.partition(".")[0])
        if use.lock not in reported:
            yield _early(analysis, use.pair, use.lock, maker)
    seen: set[object] = set()
    for touch in touched_by_threads(analysis):
        place = analysis.place(touch.way[-1], touch.call.span)
        if place not in seen:
            seen.add(place)
            yield _touched(analysis, touch)


def _several(places: list[Entrance]) -> Entrance | None:
    """The entrance to report, where there is more than one loop: one in each thread, or two places of one module."""
    for place in places:
        if place.in_thread:
            return place
    again = [
        p for p in places if p.function.qualname != MODULE and not p.function.qualname.startswith(("main", "_main"))
    ]
    for place in again:
        others = {p.step for p in again if p.function.module == place.function.module}
        if len(others) > 1:
            return place
    return None


def _shared(analysis: Analysis, lock: LockId, place: Entrance) -> Finding:
    where = "in each thread" if place.in_thread else "at each call"
    message = (
        f"{title(place.function)} makes an event loop {where}, and all of them use `{lock_name(lock)}`, which is made "
        "once, at import: it belongs to one loop and fails in the others; make it where the loop runs"
    )
    related = reached(analysis, place.pair, "is used here")
    level = min(place.pair.confidence, Confidence.HIGH if place.in_thread else Confidence.MEDIUM)
    repairs = (Advise(primary(analysis, place.pair), _MADE_THERE),)
    return finding(analysis, "LCK704", _NAME, message, place.pair, (), related, level, repairs)


def _early(analysis: Analysis, pair: CriticalPair, lock: LockId, maker: FunctionId | None) -> Finding:
    """A primitive that is made before any loop runs: a risk where the package makes loops itself, else a guess."""
    message = (
        f"`{lock_name(lock)}` is made at import, when it is not known which event loop will run: it belongs to the loop "
        "that was current then, or that waits for it first, and fails in any other; make it where the loop runs"
    )
    place = () if maker is None else (analysis.place(maker, analysis.facts(maker).span),)
    related = [Related(each, "makes an event loop at each call") for each in place]
    level = Confidence.MEDIUM if place else Confidence.LOW
    repairs = (Advise(primary(analysis, pair), _MADE_THERE),)
    return finding(analysis, "LCK704", _NAME, message, pair, (), related, level, repairs)


def _touched(analysis: Analysis, touch: Touch) -> Finding:
    message = (
        f"`{touch.name}` is called by {title(touch.way[0])}, which runs in a thread: it belongs to an event loop, which "
        "is not woken and may be changing it; hand the call to `loop.call_soon_threadsafe`"
    )
    return Finding(
        "LCK704",
        _NAME,
        message,
        {1: Confidence.HIGH, 2: Confidence.MEDIUM}.get(len(touch.way), Confidence.LOW),
        analysis.place(touch.way[-1], touch.call.span),
        _story(analysis, touch),
        symbol=str(touch.way[-1]),
        subject=touch.name,
        repairs=(Advise(analysis.place(touch.way[-1], touch.call.span), _HANDED),),
    )


def _story(analysis: Analysis, touch: Touch) -> tuple[Related, ...]:
    steps = [analysis.place(function, analysis.facts(function).span) for function in touch.way[:-1]]
    return tuple(Related(place, "runs in a thread") for place in steps)
