"""A coroutine waits for a thread lock that other code holds across something slow.

## What it does
Finds a coroutine that takes a lock of `threading`, itself or through synchronous calls, where some plain function
holds that lock while it waits for the network, a database, a subprocess, a sleep, a queue, a thread or a future. The
report stands at the acquisition in the coroutine and leads to the other side.

## Why it hurts
To wait for a thread lock stops the whole event loop: every task, every connection, every timer. As long as the lock
only guards a few lines nobody notices. Where somebody keeps it during a request of ten seconds, the service stands
still for ten seconds.

## How to repair it
- In the function that holds the lock, do the slow part before or after the region.
- Take the lock in a thread: `await asyncio.to_thread(…)` around the synchronous piece.
- Try it without waiting, and come back later.

## When it is quiet
- Locks only ever held for straight-line work, and waits with a timeout.
- An attempt that cannot wait for ever, and work that is handed to a thread.
- A lock that only coroutines of the loop take.
- What is held while something is set up once, under `if self._connection is None:`, which everybody waits for.
- A way that the arguments close, on either side: `put(wait=False)`.

## Bad: a thread holds the lock while it fetches
```python
import threading
import urllib.request


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices = b""

    def refresh(self) -> None:
        with self._lock:  # (1)
            self._prices = urllib.request.urlopen("https://prices.example").read()  # (2)

    async def show(self) -> bytes:
        with self._lock:  # LCK104
            return self._prices
```

## Fixed
```python
import threading
import urllib.request


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices = b""

    def refresh(self) -> None:
        prices = urllib.request.urlopen("https://prices.example").read()
        with self._lock:
            self._prices = prices

    async def show(self) -> bytes:
        with self._lock:
            return self._prices
```

## Bad: both sides lie behind calls, in another module
```python
# file: shop/stock.py
import threading
import time

_LOCK = threading.RLock()
_COUNT = 0


def _settle() -> None:
    time.sleep(5)  # (4)


def count() -> int:
    with _LOCK:  # (1)
        return _COUNT


def audit() -> None:
    with _LOCK:  # (2)
        _settle()  # (3)
```
```python
# file: shop/api.py
from shop import stock


async def show() -> int:
    return stock.count()  # LCK104
```

## Good: locks held for straight-line work
```python
import threading


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices: dict[str, int] = {}

    def refresh(self, name: str, price: int) -> None:
        with self._lock:
            self._prices[name] = price

    async def show(self, name: str) -> int:
        with self._lock:
            return self._prices[name]
```

## Good: the slow part has a timeout
```python
import threading


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh = threading.Event()

    def refresh(self) -> None:
        with self._lock:
            self._fresh.wait(0.1)

    async def show(self) -> None:
        with self._lock:
            pass
```

## Good: taken in a thread
```python
import asyncio
import threading
import time


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._price = 0

    def refresh(self) -> None:
        with self._lock:
            time.sleep(10)

    def price(self) -> int:
        with self._lock:
            return self._price

    async def show(self) -> int:
        return await asyncio.to_thread(self.price)
```

## Good: an attempt that cannot wait
```python
import threading
import time

LOCK = threading.Lock()


def refresh() -> None:
    with LOCK:
        time.sleep(10)


async def show() -> bool:
    if LOCK.acquire(blocking=False):
        LOCK.release()
        return True
    return False
```

## Good: another lock is held across the slow part
```python
import threading
import time


class Prices:
    def __init__(self) -> None:
        self._refreshing = threading.Lock()
        self._lock = threading.Lock()
        self._price = 0

    def refresh(self) -> None:
        with self._refreshing:
            time.sleep(10)
            with self._lock:
                self._price += 1

    async def show(self) -> int:
        with self._lock:
            return self._price
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.loops import followed, is_instant
from lockcheck.analysis.once import sets_up
from lockcheck.analysis.sockets import may_not_wait
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.slow import SlowRegion, slow_regions
from lockcheck.analysis.witness import (
    Hazard,
    PlaceOfHazard,
    finding,
    hazards,
    named,
    plausible,
    primary,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Acquire, CriticalPair, Held
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import LockId
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule


@rule(code="LCK104", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition, wherever coroutines reach it from."""
    slow = {lock: _again(analysis, regions) for lock, regions in slow_regions(analysis).items()}
    for hazard in hazards(_places(analysis, slow)):
        pair, held, confidence = hazard.best
        region = _elsewhere(slow, pair)
        assert region is not None
        yield _finding(analysis, hazard, held[0], region, min(confidence, region.confidence))


def _again(analysis: Analysis, regions: list[SlowRegion]) -> list[SlowRegion]:
    """The regions that are slow each time: not what sets something up once, which the others want to wait for."""
    return [
        region
        for region in regions
        if followed(analysis, region.pair.trace) > Confidence.LOW
        and not is_instant(analysis, region.pair)
        and not may_not_wait(analysis, region.pair)
        and not sets_up(analysis, region.pair)
    ]


def _places(analysis: Analysis, slow: dict[LockId, list[SlowRegion]]) -> Iterator[PlaceOfHazard]:
    for function, pair in analysis.pairs(Acquire) if slow else ():
        if not analysis.facts(function).is_async or not _blocks(analysis, pair) or _elsewhere(slow, pair) is None:
            continue
        assert isinstance(pair.event, Acquire)
        lock = pair.event.lock
        held = Held(lock, pair.event.mode, True, pair.trace)
        if not any(h.lock.id == lock.id for h in pair.held) and not analysis.ways.closed(pair.trace):
            yield pair, (held,), min(plausible(pair, (held,)), followed(analysis, pair.trace))


def _finding(analysis: Analysis, hazard: Hazard, held: Held, region: SlowRegion, confidence: Confidence) -> Finding:
    pair, other = hazard.best[0], region.pair.trace[0]
    message = (
        f"the coroutine waits for {named(held.lock)}{through(pair)}, which {title(other.function)} holds across "
        f"`{region.pair.trace[-1].text}`: until that is done the whole event loop stands still; keep the slow part "
        "out of the lock, or take it in a thread"
    )
    there, direct = primary(analysis, region.pair), len(region.pair.trace) == 1
    slow = reached(analysis, region.pair, "takes long here") or [
        Related(there, f"`{region.pair.trace[-1].text}` takes long here", 1, end=True)
    ]
    head = [] if direct else [Related(there, f"calls `{other.text}`", 1, end=True)]
    story = [*reached(analysis, pair, "is taken here"), *taken(analysis, (region.held,), 1), *head, *slow]
    story += hazard.others(analysis)
    advice = (
        f"take {named(held.lock)} in a thread, with what is done under it (`await asyncio.to_thread(…)`), or have "
        f"{title(other.function)} do `{region.pair.trace[-1].text}` after it has released it"
    )
    repairs = (Advise(primary(analysis, pair), advice),)
    return finding(
        analysis, "LCK104", "blocking-acquire-in-coroutine", message, pair, (held,), story, confidence, repairs
    )


def _blocks(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a pair is a wait for a thread lock in this coroutine, not in another one that it awaits."""
    event = pair.event
    if not isinstance(event, Acquire) or not event.blocking or event.timed or event.awaited:
        return False
    if event.lock.domain != "thread" or event.lock.id is None:
        return False
    return not any(analysis.facts(step.function).is_async for step in pair.trace[1:])


def _elsewhere(slow: dict[LockId, list[SlowRegion]], pair: CriticalPair) -> SlowRegion | None:
    """A slow region other than the one that the coroutine enters here itself: that is an LCK701."""
    event = pair.event
    if not isinstance(event, Acquire) or event.lock.id is None:
        return None
    return next((r for r in slow.get(event.lock.id, []) if r.held.trace[-1] != pair.trace[-1]), None)
