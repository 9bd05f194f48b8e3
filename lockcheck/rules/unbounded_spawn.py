"""A thread or task is started for every item of an input that has no end.

## What it does
Finds loops that wait for something from outside (a connection, an item of a queue, a message of a stream) and start a
thread, process or task for each, with nothing that limits how many there are at a time. It must be selected: for a
handful of known peers it is fine.

## Why it hurts
Who sends decides how many threads there are. Each has a stack; each task has its frame and what it holds. Under load all
of them get slower together, and then the process is out of memory or of threads: for everybody.

## How to repair it
- Use a pool: `ThreadPoolExecutor(max_workers=…)`, or a fixed number of workers that take from a bounded queue.
- Take a permit of a semaphore before you start, and give it back when the work is done.
- Start a batch, and wait for it to end before the next one.

## When it is quiet
- A pool does the work.
- A semaphore or capacity limiter is taken in the loop, or is the first thing in what is started.
- The loop waits for what it has started, or looks how many there are.
- The input ends: a list, a range.
- The loop waits for nothing from outside: it ticks.

## Bad: a thread for each connection
```python
import socket
import threading


def serve(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_handle, args=(connection,)).start()  # LCK803


def _handle(connection: socket.socket) -> None:
    connection.sendall(connection.recv(100))
```

## Bad: a task for each item of a queue
```python
import asyncio

TASKS: "set[asyncio.Task[None]]" = set()


async def dispatch(jobs: "asyncio.Queue[str]") -> None:
    while True:
        job = await jobs.get()
        task = asyncio.create_task(_work(job))  # LCK803
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)


async def _work(job: str) -> None:
    await asyncio.sleep(len(job))
```

## Bad: a task for each message
```python
import asyncio
from collections.abc import AsyncIterator


async def pump(messages: AsyncIterator[str]) -> None:
    async with asyncio.TaskGroup() as group:
        async for message in messages:
            group.create_task(_show(message))  # LCK803


async def _show(message: str) -> None:
    print(message)
```

## Bad: a class of threads
```python
import queue
import threading

JOBS: "queue.Queue[str]" = queue.Queue(10)


class Worker(threading.Thread):
    def __init__(self, job: str) -> None:
        super().__init__()
        self._job = job

    def run(self) -> None:
        print(self._job)


def dispatch() -> None:
    while True:
        worker = Worker(JOBS.get())  # LCK803
        worker.start()
```

## Good: a pool
```python
import socket
from concurrent.futures import ThreadPoolExecutor


def serve(listener: socket.socket) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        while True:
            connection, _ = listener.accept()
            pool.submit(_handle, connection)


def _handle(connection: socket.socket) -> None:
    connection.sendall(connection.recv(100))
```

## Good: a semaphore
```python
import asyncio
import socket
import threading

PERMITS = threading.BoundedSemaphore(8)
SLOTS = asyncio.Semaphore(8)


def serve(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        PERMITS.acquire()
        threading.Thread(target=_handle, args=(connection,)).start()


def _handle(connection: socket.socket) -> None:
    try:
        connection.sendall(connection.recv(100))
    finally:
        PERMITS.release()


async def dispatch(jobs: "asyncio.Queue[str]") -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_work(await jobs.get()))


async def _work(job: str) -> None:
    async with SLOTS:
        await asyncio.sleep(len(job))
```

## Good: the batch is waited for
```python
import queue
import threading

JOBS: "queue.Queue[list[str]]" = queue.Queue(10)


def dispatch() -> None:
    while True:
        threads = [threading.Thread(target=print, args=(job,)) for job in JOBS.get()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
```

## Good: they are counted
```python
import asyncio

TASKS: "set[asyncio.Task[None]]" = set()


async def dispatch(jobs: "asyncio.Queue[str]") -> None:
    while True:
        job = await jobs.get()
        if len(TASKS) < 100:
            TASKS.add(asyncio.create_task(_work(job)))


async def _work(job: str) -> None:
    await asyncio.sleep(len(job))
```

## Good: the input ends
```python
import threading


def run(jobs: list[str]) -> None:
    for job in jobs:
        threading.Thread(target=print, args=(job,)).start()
```

## Good: it ticks
```python
import asyncio

TASKS: "set[asyncio.Task[None]]" = set()


async def tick() -> None:
    while True:
        await asyncio.sleep(60)
        TASKS.add(asyncio.create_task(_save()))


async def _save() -> None:
    print("saved")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.spawning import Spawning, spawnings
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule

_ADVICE = (
    "use a pool or a fixed number of workers, take a permit of a semaphore before each start, or wait for the batch"
)


@rule(code="LCK803", default=False, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each call in an endless loop that starts something for what the loop has waited for."""
    for found in spawnings(analysis):
        message = (
            f"`{found.name}` starts a {found.what} for every item that `{found.source}` gives, and nothing limits how "
            f"many there are at a time; {_ADVICE}"
        )
        yield Finding(
            "LCK803",
            "unbounded-spawn",
            message,
            Confidence.HIGH,
            analysis.place(found.function, found.span),
            _story(analysis, found),
            symbol=str(found.function),
            subject=found.name,
            repairs=(Advise(analysis.place(found.function, found.span), _ADVICE),),
        )


def _story(analysis: Analysis, found: Spawning) -> tuple[Related, ...]:
    return (Related(analysis.place(found.function, found.input), f"`{found.source}` is waited for in each round"),)
