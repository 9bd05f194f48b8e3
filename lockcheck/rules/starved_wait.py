"""Whoever would end a wait can be gone before.

## What it does
Looks at both sides of a wait without a timeout: `get` of a queue or channel, `wait` of an event or condition, `result`
of a future that is filled by hand. It reports the wait where every call that would end it is made by a worker (a
thread, a process, a job of a pool, a task) and each of these workers can be left before that call: input or output, or
code from elsewhere, fails outside any handler, a handler of the failure returns, or the worker returns early. It also reports `join` of a
queue all of whose consumers can die, and `put` on a queue that the same function has closed.

## Why it hurts
The worker ends with a traceback on a console that nobody reads, or with an exception in a future that nobody asks. The
waiter does not learn of it: it waits for ever, without using any time, and holds up whoever waits for it.

## How to repair it
- Set the event, close the queue or put the sentinel in a `finally` of the worker.
- Or catch everything in the worker and hand the exception to the waiter.
- Give the wait a timeout and look, when it runs out, whether the worker is alive.

## When it is quiet
- A sentinel, `close` or `set` in a `finally`, or in the handler that catches the failure.
- The wait has a timeout, or the waiter asks whether the worker is alive.
- Somebody else can end the wait too: another worker that is not seen to fail, or any function that others may call.
- The failure ends the waiter as well: tasks of one task group or nursery, a job whose result is asked for before.
- Not everybody who may have the queue or event is known.
- The waiter is a worker itself that takes from its queue for as long as the program runs.

## Bad: the event is set once the connection stands
```python
import socket
import threading


class Feed:
    def __init__(self, host: str) -> None:
        self._host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()  # LCK406

    def _run(self) -> None:
        connection = socket.create_connection((self._host, 80), timeout=5)
        self._ready.set()
        while data := connection.recv(1024):
            print(data)
```

## Bad: the sentinel is put at the end
```python
import queue
import threading
import urllib.request
from collections.abc import Iterator


def rows(urls: list[str]) -> Iterator[bytes]:
    found: "queue.Queue[bytes | None]" = queue.Queue()

    def load() -> None:
        for url in urls:
            found.put(urllib.request.urlopen(url, timeout=5).read())
        found.put(None)

    threading.Thread(target=load, daemon=True).start()
    while True:
        row = found.get()  # LCK406
        if row is None:
            return
        yield row
```

## Bad: results are counted
```python
import queue
import threading

import requests

JOBS: "queue.Queue[str]" = queue.Queue()
RESULTS: "queue.Queue[str]" = queue.Queue()


def _work() -> None:
    while True:
        url = JOBS.get()
        RESULTS.put(requests.get(url, timeout=5).text)


def fetch(urls: list[str]) -> list[str]:
    for _ in range(4):
        threading.Thread(target=_work, daemon=True).start()
    for url in urls:
        JOBS.put(url)
    return [RESULTS.get() for _ in urls]  # LCK406
```

## Bad: the handler returns
```python
import threading


class Index:
    def __init__(self, path: str) -> None:
        self._path = path
        self._loaded = threading.Event()
        self._words: list[str] = []
        threading.Thread(target=self._load).start()

    def _load(self) -> None:
        try:
            with open(self._path) as file:
                self._words = file.read().split()
        except OSError as error:
            return print("no index", error)
        self._loaded.set()

    def words(self) -> list[str]:
        self._loaded.wait()  # LCK406
        return self._words
```

## Bad: a callback between the task and its event
```python
import asyncio
from collections.abc import Callable


class Job:
    def __init__(self, work: Callable[[], str]) -> None:
        self._work = work
        self._done = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        print(self._work())
        self._done.set()

    async def wait(self) -> None:
        await self._done.wait()  # LCK406
```

## Bad: all consumers die and the queue is joined
```python
import queue
import threading
import urllib.request

URLS: "queue.Queue[str]" = queue.Queue()


def _fetch() -> None:
    while True:
        url = URLS.get()
        try:
            urllib.request.urlopen(url, timeout=5)
        finally:
            URLS.task_done()


def fetch(urls: list[str]) -> None:
    threading.Thread(target=_fetch, daemon=True).start()
    for url in urls:
        URLS.put(url)
    URLS.join()  # LCK406
```

## Bad: put after close
```python
import multiprocessing


def send(rows: list[int]) -> None:
    out: "multiprocessing.Queue[int | None]" = multiprocessing.Queue()
    for row in rows:
        out.put(row)
    out.close()
    out.put(None)  # LCK406
```

## Good: set in finally
```python
import socket
import threading


class Feed:
    def __init__(self, host: str) -> None:
        self._host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        try:
            connection = socket.create_connection((self._host, 80), timeout=5)
        finally:
            self._ready.set()
        while data := connection.recv(1024):
            print(data)
```

## Good: the sentinel is put in finally
```python
import queue
import threading
import urllib.request
from collections.abc import Iterator


def rows(urls: list[str]) -> Iterator[bytes]:
    found: "queue.Queue[bytes | None]" = queue.Queue()

    def load() -> None:
        try:
            for url in urls:
                found.put(urllib.request.urlopen(url, timeout=5).read())
        finally:
            found.put(None)

    threading.Thread(target=load, daemon=True).start()
    while True:
        row = found.get()
        if row is None:
            return
        yield row
```

## Good: the handler hands the failure on
```python
import queue
import threading

import requests


def fetch(url: str) -> "str | Exception":
    result: "queue.Queue[str | Exception]" = queue.Queue()

    def work() -> None:
        try:
            result.put(requests.get(url, timeout=5).text)
        except Exception as error:
            result.put(error)

    threading.Thread(target=work).start()
    return result.get()
```

## Good: a timeout
```python
import socket
import threading


class Feed:
    def __init__(self, host: str) -> None:
        self._host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(10):
            raise TimeoutError

    def _run(self) -> None:
        socket.create_connection((self._host, 80), timeout=5)
        self._ready.set()
```

## Good: somebody else may set it
```python
import socket
import threading


class Feed:
    def __init__(self, host: str) -> None:
        self._host = host
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._ready.set()

    def _run(self) -> None:
        socket.create_connection((self._host, 80), timeout=5)
        self._ready.set()
```

## Good: one producer survives
```python
import queue
import threading
import time

import requests

ROWS: "queue.Queue[str | None]" = queue.Queue()


def _load() -> None:
    ROWS.put(requests.get("https://rows.example", timeout=5).text)


def _tick() -> None:
    time.sleep(60)
    ROWS.put(None)


def first() -> "str | None":
    threading.Thread(target=_load, daemon=True).start()
    threading.Thread(target=_tick, daemon=True).start()
    return ROWS.get()
```

## Good: the queue is given to code that is not seen
```python
import queue
import threading

import requests
from elsewhere import watch


def first() -> str:
    rows: "queue.Queue[str]" = queue.Queue()

    def load() -> None:
        rows.put(requests.get("https://rows.example", timeout=5).text)

    watch(rows)
    threading.Thread(target=load, daemon=True).start()
    return rows.get()
```

## Good: tasks of one group end together
```python
import asyncio

import aiohttp


async def main(session: aiohttp.ClientSession) -> None:
    rows: "asyncio.Queue[str]" = asyncio.Queue()

    async def load() -> None:
        async with session.get("https://rows.example") as response:
            await rows.put(await response.text())

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        print(await rows.get())
```

## Good: the job is asked for its result first
```python
import queue
from concurrent.futures import ThreadPoolExecutor

import requests

POOL = ThreadPoolExecutor(4)


def first() -> str:
    rows: "queue.Queue[str]" = queue.Queue()

    def load() -> None:
        rows.put(requests.get("https://rows.example", timeout=5).text)

    job = POOL.submit(load)
    job.result()
    return rows.get()
```

## Good: to wait is what the worker lives for
```python
import queue
import threading

import requests

ROWS: "queue.Queue[str]" = queue.Queue()


def _load() -> None:
    while True:
        ROWS.put(requests.get("https://rows.example", timeout=5).text)


def _show() -> None:
    while True:
        print(ROWS.get())


threading.Thread(target=_load, daemon=True).start()
threading.Thread(target=_show, daemon=True).start()
```

## Good: closed at the end
```python
import multiprocessing


def send(rows: list[int]) -> None:
    out: "multiprocessing.Queue[int | None]" = multiprocessing.Queue()
    for row in rows:
        out.put(row)
    out.put(None)
    out.close()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.closed import after_close
from lockcheck.analysis.repairs import limiting
from lockcheck.analysis.starving import Starved, starved
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import notes, primary, title
from lockcheck.model.events import Block, Event, LockRef, QueueWait
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.repairs import Advise, RaiseOnFailure, Repair, Show
from lockcheck.model.source import Place
from lockcheck.rules.registry import rule

_HOW = {
    "failure": "an exception of `{}` leaves it",
    "handler": "the handler of an exception of `{}` leaves it",
    "raise": "it raises `{}`",
    "return": "it returns{}",
}

_TOLD = ("threading.Event.wait", "multiprocessing.Event.wait")
_BEFORE = "put before it is closed, or handle what `put` raises once it is closed"


@rule(code="LCK406", default=True, since="0.1.0", supersedes=("LCK402",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wait that may never end, and for each `put` on what is closed."""
    for found in starved(analysis):
        yield _waiting(analysis, found)
    for put in after_close(analysis):
        place = analysis.place(put.function, put.span)
        message = f"`{put.name}` comes after `{put.closed_by}`: the queue takes nothing any more, and this raises"
        yield Finding(
            "LCK406",
            "starved-wait",
            message,
            Confidence.HIGH,
            place,
            (Related(analysis.place(put.function, put.closed_at), "it is closed here"),),
            notes(analysis, (LockRef(put.queue, None, None),)),
            symbol=str(put.function),
            subject=put.name,
            repairs=(Advise(place, _BEFORE),),
        )


def _waiting(analysis: Analysis, found: Starved) -> Finding:
    worker, ending = found.endings[0]
    event = found.pair.event
    name = found.pair.trace[-1].text
    if isinstance(event, QueueWait) and event.operation == "drain":
        what = f"once its consumer {title(worker)} has died with items left in the queue"
        advice = "catch it inside the consumer's loop"
        shown = f"catch what fails inside the loop of {title(worker)}, or give the wait a timeout"
    else:
        what = f"where {title(worker)} ends before it comes to `{found.wakers[0].text}`"
        advice = "see to it in a `finally`, or give the wait a timeout"
        shown = f"come to `{found.wakers[0].text}` in a `finally`, or give the wait a timeout"
    message = f"`{name}` waits for ever {what}: {_HOW[ending.how].format(ending.text)}; {advice}"
    related = [
        Related(analysis.place(ending.function, ending.span), _HOW[ending.how].format(ending.text))
        for _, ending in found.endings
    ]
    related += [Related(analysis.place(w.function, w.span), f"`{w.text}` would end the wait") for w in found.wakers]
    place = primary(analysis, found.pair)
    queue = event.queue if isinstance(event, QueueWait) else None
    return Finding(
        "LCK406",
        "starved-wait",
        message,
        min(found.pair.confidence, *(e.confidence for _, e in found.endings)),
        place,
        tuple(related),
        notes(analysis, (LockRef(queue, None, None),)),
        symbol=str(found.function),
        subject=name,
        repairs=(*_limited(place, event, shown), Advise(place, shown)),
    )


def _limited(place: Place, event: Event, advice: str) -> Iterator[Repair]:
    """Give the wait an end: one that says so by its result, and does not raise, is tested."""
    if isinstance(event, Block) and not event.awaited and (event.releases is not None or event.name in _TOLD):
        yield Show(RaiseOnFailure(place, waits=True), advice)
    elif isinstance(event, QueueWait | Block):
        yield Show(limiting(place, event), advice)
