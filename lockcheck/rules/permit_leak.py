"""A cancellation or an exception loses a permit.

## What it does
Finds a semaphore's permit that is not given back where an exception, or the cancellation of the task, leaves the
function between `acquire()` and `release()`; a lock of a coroutine that only the cancellation loses (an `except Exception`
does not catch `CancelledError`); and an `async def acquire` of the program that marks its object taken and then awaits.

## Why it hurts
Each loss makes the pool smaller by one. Nothing is seen of that until the last permit is gone: then everything waits.

## How to repair it
- Take the permit by `with` or `async with`.
- Give it back in a `finally`, or in an `except BaseException` that raises again.

## When it is quiet
- The permit is given back in a `finally`.
- A semaphore that is a signal: taken here, released by somebody else.
- The permit is handed to a task or callback that gives it back.

## Bad: an exception handler that misses the cancellation
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def open(self, host: str) -> asyncio.StreamWriter:
        await self._permits.acquire()  # LCK805
        try:
            _, writer = await asyncio.open_connection(host, 7000)
        except Exception:
            self._permits.release()
            raise
        return writer

    def close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._permits.release()
```

## Fixed
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def open(self, host: str) -> asyncio.StreamWriter:
        await self._permits.acquire()
        try:
            _, writer = await asyncio.open_connection(host, 7000)
        except BaseException:
            self._permits.release()
            raise
        return writer

    def close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._permits.release()
```

## Bad: an exception between
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def ask(self, host: str) -> None:
        await self._permits.acquire()  # LCK805
        await asyncio.open_connection(host, 7000)
        self._permits.release()
```

## Fixed
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def ask(self, host: str) -> None:
        async with self._permits:
            await asyncio.open_connection(host, 7000)
```

## Bad: a lock that marks itself taken and then awaits
```python
import asyncio


class Gate:
    def __init__(self) -> None:
        self._taken = False

    async def acquire(self) -> None:
        while self._taken:
            await asyncio.sleep(0.1)
        self._taken = True
        await asyncio.sleep(0)  # LCK805

    def release(self) -> None:
        self._taken = False
```

## Fixed
```python
import asyncio


class Gate:
    def __init__(self) -> None:
        self._taken = False

    async def acquire(self) -> None:
        while self._taken:
            await asyncio.sleep(0.1)
        self._taken = True
        try:
            await asyncio.sleep(0)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        self._taken = False
```

## Bad: a pool takes the lock for a task that is gone
```python
import asyncio
import threading

LOCK = threading.Lock()


async def write(path: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, LOCK.acquire)  # LCK805
    try:
        await asyncio.sleep(1)
    finally:
        LOCK.release()
```

## Good: released in a finally
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def ask(self, host: str) -> None:
        await self._permits.acquire()
        try:
            await asyncio.open_connection(host, 7000)
        finally:
            self._permits.release()
```

## Good: every exception is seen to
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def open(self, host: str) -> asyncio.StreamWriter:
        await self._permits.acquire()
        try:
            _, writer = await asyncio.open_connection(host, 7000)
        except BaseException:
            self._permits.release()
            raise
        return writer

    def close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        self._permits.release()
```

## Good: a semaphore that is a signal
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def next(self) -> None:
        await self._permits.acquire()
        await asyncio.sleep(0)

    def ready(self) -> None:
        self._permits.release()
```

## Good: a task gives it back
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(4)

    async def start(self, host: str) -> None:
        await self._permits.acquire()
        task = asyncio.create_task(self._work(host))
        task.add_done_callback(lambda _: self._permits.release())

    async def _work(self, host: str) -> None:
        await asyncio.open_connection(host, 7000)
```

## Good: the mark is taken off where the task is cancelled
```python
import asyncio


class Gate:
    def __init__(self) -> None:
        self._taken = False

    async def acquire(self) -> None:
        while self._taken:
            await asyncio.sleep(0.1)
        self._taken = True
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._taken = False
            raise

    def release(self) -> None:
        self._taken = False
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits import Leak, Mark, certainty, label, leaks, marks, story, way
from lockcheck.analysis.repairs import holding
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import misuse, title
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.repairs import AcquireInTry, CatchAll, Repair, Show, UndoOnCancel
from lockcheck.rules.registry import rule


@rule(code="LCK805", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition whose permit an exception or a cancellation loses."""
    for leak in leaks(analysis):
        if not (leak.cancelled or (leak.permit and leak.exceptional)):
            continue
        what = "a permit of " if leak.permit else ""
        message = f"{what}{label(leak)} is lost where {title(leak.function)} {way(leak.exits[0])}"
        message += _advice(leak)
        related = story(analysis, leak)
        yield misuse(
            analysis,
            "LCK805",
            "permit-leak",
            message[0].upper() + message[1:] if leak.permit else message,
            leak.function,
            leak.operation,
            related,
            certainty(leak),
            _repairs(analysis, leak),
        )
    for mark in marks(analysis):
        yield _marked(analysis, mark)


_IN_TRY = (
    "acquire it inside the `try`, and release it only if it was acquired: a pool that still waits goes on to take it"
)
"""Nobody can tell in the `finally` whether the pool had it already: that is for a person to decide."""


def _repairs(analysis: Analysis, leak: Leak) -> tuple[Repair, ...]:
    place = analysis.place(leak.function, leak.operation.span)
    if leak.operation.handed:
        return (Show(AcquireInTry(place), _IN_TRY),)
    return (*([CatchAll(place)] if leak.undone else []), *holding(place, leak.operation))


def _marked(analysis: Analysis, mark: Mark) -> Finding:
    message = (
        f"{title(mark.function)} has marked its lock taken by `{mark.attribute}` when it awaits: if the task is cancelled "
        f"here, nobody calls {title(mark.counterpart)}; undo it in an `except BaseException` and raise again"
    )
    place = analysis.place(mark.function, mark.awaits)
    related = (
        Related(analysis.place(mark.function, mark.set_at), f"`{mark.attribute}` says from here on that it is taken"),
    )
    undo = mark.counterpart.qualname.rpartition(".")[2]
    return Finding(
        "LCK805",
        "permit-leak",
        message,
        Confidence.MEDIUM,
        place,
        related,
        symbol=str(mark.function),
        subject=mark.attribute,
        repairs=(UndoOnCancel(place, undo),),
    )


def _advice(leak: Leak) -> str:
    if leak.operation.handed:
        return ": the pool takes the lock all the same; await the acquisition inside the `try` that releases"
    if leak.undone:
        return ", for no handler there catches `CancelledError`; release it in a `finally` or an `except BaseException`"
    return "; use `async with`, or release it in a `finally`" if leak.operation.waits else "; use `with`"
