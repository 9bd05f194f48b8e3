"""A coroutine calls something that blocks, and with it stops the whole event loop.

## What it does
Finds what a coroutine calls without `await` and that waits: `time.sleep`, the network, a database, a subprocess, a
queue, a thread, a future of another thread. The call may lie any number of synchronous functions away, in any module;
the report stands at the call in the coroutine and tells the way.

## Why it hurts
An event loop runs one thing at a time. While a coroutine blocks, nothing else on the loop moves: no other request is
answered, no timeout fires, no heartbeat is sent. If what it waits for must be done by the loop itself, it waits for ever.

## How to repair it
- Use the asynchronous counterpart: `await asyncio.sleep(…)`, `asyncio.create_subprocess_exec`, an asynchronous client.
- Or let a thread wait: `await asyncio.to_thread(function, …)`.

## When it is quiet
- What is handed to `asyncio.to_thread`, `loop.run_in_executor`, or a thread pool, runs in a thread.
- Plain functions that nothing on a loop calls: web frameworks run them in a pool of threads.
- Functions and lambdas that are only defined in the coroutine, or handed on.
- The result of a future that is done, a wait that is given no time, a queue that is known not to be empty.
- What is awaited is the coroutine of that name, not its synchronous twin.
- A way that the arguments close: `stop(wait=False)` where the wait stands under `if wait:`.
- Reported with low confidence only: local files; what lies more than five calls away, or behind a call that may run
  three functions or more; what a decorator remembers; what a main coroutine does before its first `await`, when
  nothing else can be on its loop; a name or an address of this machine.

One slow function is one report, whatever in it waits and whoever calls it; the other coroutines are named with it.

## Bad: sleeping between two attempts
```python
import asyncio
import time


async def connect(host: str) -> None:
    for _ in range(3):
        try:
            await asyncio.open_connection(host, 7000)
            break
        except OSError:
            time.sleep(1)  # LCK701
```

## Fixed
```python
import asyncio
import time


async def connect(host: str) -> None:
    for _ in range(3):
        try:
            await asyncio.open_connection(host, 7000)
            break
        except OSError:
            await asyncio.sleep(1)
```

## Bad: the request lies two calls away, in another module
```python
# file: shop/views.py
from shop import prices


async def price(article: str) -> str:
    return prices.lookup(article)  # LCK701
```
```python
# file: shop/prices.py
import requests


def lookup(article: str) -> str:
    return _fetch(f"https://prices.example/{article}")  # (1)


def _fetch(url: str) -> str:
    return requests.get(url).text  # (2)
```

## Bad: one blocking function, several coroutines
```python
import subprocess


def _version() -> str:
    return subprocess.check_output(["git", "describe"], text=True)  # (1)


async def about() -> str:
    return _version()  # LCK701


async def banner() -> str:
    return "running " + _version()  # (2)
```

## Bad: waiting for another thread
```python
import queue
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(4)
JOBS: queue.Queue[str] = queue.Queue()


async def resize(image: str) -> bytes:
    return POOL.submit(str.encode, image).result()  # LCK701


async def next_job() -> str:
    return JOBS.get()  # LCK701
```

## Bad: a decorator's coroutine
```python
import time
from functools import wraps


def patient(function):
    @wraps(function)
    async def attempt(*args):
        while True:
            try:
                return await function(*args)
            except ConnectionError:
                time.sleep(1)  # LCK701

    return attempt
```

## Good: handed to to_thread
```python
import asyncio
import time


def _settle() -> None:
    time.sleep(1)


async def close() -> None:
    await asyncio.to_thread(_settle)
    await asyncio.to_thread(time.sleep, 1)
```

## Good: handed to run_in_executor
```python
import asyncio
import urllib.request


def _fetch(url: str) -> bytes:
    return urllib.request.urlopen(url).read()


async def fetch(url: str) -> bytes:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, _fetch, url)


async def fetch_again(url: str) -> bytes:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: _fetch(url))
```

## Good: handed to a thread pool
```python
import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(4)


async def version() -> bytes:
    return await asyncio.wrap_future(POOL.submit(subprocess.check_output, ["git", "describe"]))
```

## Good: a plain function of a web framework runs in a pool
```python
import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/price")
def price(article: str) -> str:
    return requests.get(f"https://prices.example/{article}").text
```

## Good: only defined here, and run by a thread
```python
import threading
import time


async def begin() -> threading.Thread:
    def work() -> None:
        time.sleep(10)

    thread = threading.Thread(target=work)
    thread.start()
    return thread
```

## Good: a future that is done, and waits without time
```python
import asyncio
import queue
from concurrent.futures import Future

JOBS: queue.Queue[str] = queue.Queue()


async def outcome(future: Future[str]) -> str:
    await asyncio.wrap_future(future)
    return future.result()


async def peek(future: Future[str]) -> str:
    if future.done():
        return future.result()
    while JOBS.empty():
        await asyncio.sleep(0.1)
    return JOBS.get()
```

## Good: a local file
```python
import json


async def settings() -> object:
    with open("settings.json") as file:
        return json.load(file)
```

## Good: the asynchronous counterparts
```python
import asyncio


async def version() -> bytes:
    process = await asyncio.create_subprocess_exec("git", "describe", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    await asyncio.sleep(0.1)
    return out
```

## Good: something that is closed waits for its own thread
```python
import threading


class Poller:
    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopped.is_set():
            print("still here")

    async def close(self) -> None:
        self._stopped.set()
        self._thread.join()
```

## Bad: the thread that is joined asks the loop
```python
import asyncio
import threading


class Poller:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(target=self._run)

    async def _look(self) -> None:
        await asyncio.sleep(1)

    def _run(self) -> None:
        asyncio.run_coroutine_threadsafe(self._look(), self._loop).result()

    async def close(self) -> None:
        self._thread.join()  # LCK701
```

## Good: a wait for another thread that is given up in time
```python
import threading

READY = threading.Event()


async def settle() -> bool:
    return READY.wait(timeout=0.5)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.loops import asks_for_loop, followed, is_instant, runs_loop, synchronous, waits
from lockcheck.analysis.mains import has_loop_to_itself
from lockcheck.analysis.sockets import may_not_wait
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.sections import ends
from lockcheck.analysis.witness import PlaceOfHazard, finding, hazards, plausible, primary, reached, through, title
from lockcheck.model.events import Block, Callback, CriticalPair
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.repairs import RunElsewhere
from lockcheck.rules.registry import rule

_WAITS = {
    "network": "waits for the network",
    "database": "waits for the database",
    "subprocess": "waits for another process",
    "file": "waits for a file",
    "sleep": "sleeps",
    "join": "waits for a thread or process to end",
    "result": "waits for another thread",
    "wait": "waits to be woken",
    "queue": "waits for a queue",
    "input": "waits for a person",
}


@rule(code="LCK701", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each blocking call, at the coroutine that is nearest to it."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        category = _category(pair)
        what = _WAITS[category]
        cure = "`await asyncio.sleep(…)`" if category == "sleep" else "`await asyncio.to_thread(…)`"
        message = (
            f"the event loop stands still while {title(pair.trace[0].function)} calls `{pair.trace[-1].text}`"
            f"{through(pair)}, which {what}: no other task runs; use {cure}"
        )
        repairs = (RunElsewhere(primary(analysis, pair), sleeps=category == "sleep" and len(pair.trace) == 1),)
        related = [*reached(analysis, pair, f"{what} here"), *hazard.others(analysis)]
        yield finding(
            analysis, "LCK701", "blocking-call-in-coroutine", message, pair, held, related, confidence, repairs
        )


def _category(pair: CriticalPair) -> str:
    return pair.event.category if isinstance(pair.event, Block) else "queue"


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair in synchronous(analysis):
        if waits(pair.event) and _category(pair) in _WAITS and not runs_loop(analysis, pair):
            level = _confidence(analysis, pair)
            if not asks_for_loop(analysis, pair) and not is_instant(analysis, pair, thorough=level > Confidence.LOW):
                yield pair, (), level


def _confidence(analysis: Analysis, pair: CriticalPair) -> Confidence:
    level = plausible(pair, ())
    if level == Confidence.LOW or _category(pair) == "file" or _pool_left(pair) or _given_up(pair):
        return Confidence.LOW
    if may_not_wait(analysis, pair) or has_loop_to_itself(analysis, pair) or _ending(analysis, pair):
        return Confidence.LOW
    return min(level, followed(analysis, pair.trace))


def _given_up(pair: CriticalPair) -> bool:
    """Whether a wait for another thread has an end that somebody thought of."""
    return isinstance(pair.event, Block) and pair.event.timed and pair.event.category in ("join", "result", "wait")


def _pool_left(pair: CriticalPair) -> bool:
    """Whether a `with` over a pool ends here: most coroutines have awaited its work by then."""
    return _category(pair) == "join" and pair.trace[-1].text.endswith(("Executor", "Pool"))


def _ending(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether something that is being closed waits for a thread of which it is known what it does, to end.

    One that calls others back, or waits for a result, may wait for the very loop.
    """
    if _category(pair) != "join" or not any(ends(analysis.facts(step.function)) for step in pair.trace):
        return False
    joined = pair.event.runs if isinstance(pair.event, Block) else ()
    results = analysis.engine.results
    busy = [p.event for f in joined if f in results for p in results[f].pairs]
    return bool(joined) and not any(
        isinstance(e, Callback) or (isinstance(e, Block) and e.category == "result") for e in busy
    )
