"""A call can wait for ever.

## What it does
Finds `join` of a thread, `result` of a future, `wait` of an event, condition or process, and HTTP, database and
subprocess calls that could be given a timeout and have none, and what is awaited of that kind outside any timeout
scope. It must be selected: where waiting for ever is the job, a timeout is noise.

## Why it hurts
A peer that accepts the connection and never answers, a thread that hangs, a child that waits for input: nothing is
logged, nothing fails, and one worker after another is gone. That a wait is too long can only be said where there is
a limit.

## How to repair it
- Give the call its timeout, and say in the error what was waited for.
- In coroutines put a scope around it: `async with asyncio.timeout(…)`, `anyio.fail_after`.

## When it is quiet
- A timeout is given, or the library has one by default.
- A timeout scope is around it, in the function or around every call of a private one.
- Calls that have no parameter for it, outside of coroutines.

## Bad: threads, futures and events
```python
import threading
from concurrent.futures import Future


def finish(thread: threading.Thread, future: "Future[int]", ready: threading.Event) -> int:
    ready.wait()  # LCK610
    thread.join()  # LCK610
    return future.result()  # LCK610
```

## Bad: HTTP and subprocesses
```python
import subprocess

import requests


def publish(url: str) -> None:
    subprocess.run(["make", "page"], check=True)  # LCK610
    requests.post(url, data=b"page")  # LCK610
```

## Fixed
```python
import subprocess

import requests


def publish(url: str) -> None:
    subprocess.run(["make", "page"], check=True, timeout=30)
    requests.post(url, data=b"page", timeout=30)
```

## Bad: awaited outside of any scope
```python
import asyncio

READY = asyncio.Event()


async def begin() -> None:
    await READY.wait()  # LCK610
```

## Good: a timeout
```python
import subprocess
import threading
from concurrent.futures import Future

import requests


def finish(thread: threading.Thread, future: "Future[int]", ready: threading.Event) -> int:
    if not ready.wait(5):
        raise TimeoutError("not ready")
    thread.join(timeout=5)
    subprocess.run(["make", "page"], check=True, timeout=30)
    requests.post("https://pages.example", data=b"page", timeout=(3, 30))
    return future.result(5)
```

## Good: a timeout scope
```python
import asyncio

import anyio

READY = asyncio.Event()


async def _ready() -> None:
    await READY.wait()


async def begin() -> None:
    async with asyncio.timeout(5):
        await READY.wait()
    await asyncio.wait_for(READY.wait(), 5)
    with anyio.fail_after(5):
        await _ready()
```

## Good: a future that is done
```python
from concurrent.futures import Future


def result(future: "Future[int]") -> int | None:
    return future.result() if future.done() else None
```

## Good: strings are joined too
```python
def line(words: list[str]) -> str:
    return ", ".join(words)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import limiting
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import primary
from lockcheck.model.events import Block
from lockcheck.model.findings import Finding
from lockcheck.rules.registry import rule

_WAITS = {"join", "result", "wait", "network", "database", "subprocess"}


@rule(code="LCK610", default=False, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each call that can wait for ever."""
    seen: set[object] = set()
    for function, pair in analysis.everywhere():
        event = pair.event
        if not isinstance(event, Block) or event.category not in _WAITS or len(pair.trace) > 1:
            continue
        place = primary(analysis, pair)
        if event.timed or event.bounded or place in seen or analysis.bounded(function):
            continue
        if not (event.limit or event.awaited):
            continue
        seen.add(place)
        how = "put a timeout scope around it" if event.awaited or not event.limit else f"give it `{event.limit}`"
        yield Finding(
            "LCK610",
            "wait-without-timeout",
            f"`{event.name}` can wait for ever; {how}, and say what happens then",
            pair.confidence,
            place,
            symbol=str(function),
            subject=event.name,
            repairs=(limiting(place, event),),
        )
