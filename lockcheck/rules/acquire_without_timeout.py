"""An acquisition that can wait for ever.

## What it does
Finds every `with lock:` and `acquire()` that no timeout bounds. Opt-in: for programs that must never stop silently.

## Why it hurts
Where a lock is lost or two wait for each other, nothing is logged and nothing ends.

## How to repair it
- `if not lock.acquire(timeout=…): raise TimeoutError`
- In a coroutine, `async with asyncio.timeout(…):` around it.

## When it is quiet
- A timeout, `blocking=False`, or a timeout scope around it.

## Bad: with
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        with self._lock:  # LCK609
            self._items[key] = value
```

## Fixed
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        if not self._lock.acquire(timeout=30):
            raise TimeoutError("self._lock could not be taken")
        try:
            self._items[key] = value
        finally:
            self._lock.release()
```

## Bad: acquire
```python
import asyncio

LOCK = asyncio.Lock()


async def clear(names: list[str]) -> None:
    await LOCK.acquire()  # LCK609
    names.clear()
    LOCK.release()
```

## Fixed
```python
import asyncio

LOCK = asyncio.Lock()


async def clear(names: list[str]) -> None:
    await asyncio.wait_for(LOCK.acquire(), timeout=30)
    names.clear()
    LOCK.release()
```

## Good: a timeout
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        if not self._lock.acquire(timeout=5):
            raise TimeoutError(key)
        try:
            self._items[key] = value
        finally:
            self._lock.release()
```

## Good: an attempt that does not wait
```python
import threading

LOCK = threading.Lock()


def clear(names: list[str]) -> None:
    if LOCK.acquire(blocking=False):
        names.clear()
        LOCK.release()
```

## Good: a timeout scope
```python
import asyncio

LOCK = asyncio.Lock()


async def clear(names: list[str]) -> None:
    async with asyncio.timeout(5):
        async with LOCK:
            names.clear()
```

## Good: awaited under a limit
```python
import asyncio

LOCK = asyncio.Lock()


async def clear(names: list[str]) -> None:
    await asyncio.wait_for(LOCK.acquire(), 5)
    names.clear()
    LOCK.release()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import limiting_acquisition
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import finding, named, primary
from lockcheck.model.events import Acquire, Held
from lockcheck.model.findings import Confidence, Finding
from lockcheck.rules.registry import rule


@rule(code="LCK609", default=False, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition without a bound."""
    seen: set[object] = set()
    for _, pair in analysis.pairs(Acquire):
        event = pair.event
        step = pair.trace[0]
        if not isinstance(event, Acquire) or len(pair.trace) > 1 or step in seen:
            continue
        if not event.blocking or event.timed or event.lock.id is None or event.lock.guessed:
            continue
        seen.add(step)
        message = f"{named(event.lock)} is waited for without a limit; give `acquire` a timeout and test its result"
        if event.awaited:
            message = f"{named(event.lock)} is waited for without a limit; put a timeout scope around it"
        held = (Held(event.lock, event.mode, True, pair.trace),)
        place = primary(analysis, pair)
        repairs = limiting_acquisition(place, event.lock, awaited=event.awaited)
        yield finding(analysis, "LCK609", "acquire-without-timeout", message, pair, held, (), Confidence.HIGH, repairs)
