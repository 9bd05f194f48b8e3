"""A consumer can skip `task_done()` on a queue that somebody joins.

## What it does
Finds consumers of a queue that call `task_done()` on some ways through their loop only: an exception that a handler
swallows leads round it, a `continue` does, or an exception leaves the loop before it. It is reported where the
program waits for that queue with `join()`.

## Why it hurts
`join()` counts: it returns when `task_done()` was called as often as `put()`. One item that was taken and never
marked done, and `join()` waits for ever; nothing is logged.

## How to repair it
Put the work in a `try` and `task_done()` in its `finally`.

## When it is quiet
- `task_done()` stands in a `finally`.
- Nothing that can fail stands between `get()` and `task_done()`.
- Nobody joins the queue.

## Bad: a slow item is given up
```python
import queue

ITEMS: "queue.Queue[Item]" = queue.Queue()


class Item:
    def load(self) -> str:
        return open("item").read()


def flush() -> None:
    ITEMS.join()


def work() -> None:
    while True:
        try:
            item = ITEMS.get()
            text = item.load()
            ITEMS.task_done()  # LCK403
        except OSError:
            text = ""
        print(text)
```

## Fixed
```python
import queue

ITEMS: "queue.Queue[Item]" = queue.Queue()


class Item:
    def load(self) -> str:
        return open("item").read()


def flush() -> None:
    ITEMS.join()


def work() -> None:
    while True:
        try:
            item = ITEMS.get()
            try:
                text = item.load()
            finally:
                ITEMS.task_done()
        except OSError:
            text = ""
        print(text)
```

## Bad: continue leads round it
```python
import queue

ROWS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        row = ROWS.get()
        if not row:
            continue
        print(row)
        ROWS.task_done()  # LCK403


def flush() -> None:
    ROWS.join()
```

## Fixed
```python
import queue

ROWS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        row = ROWS.get()
        try:
            if not row:
                continue
            print(row)
        finally:
            ROWS.task_done()


def flush() -> None:
    ROWS.join()
```

## Bad: an exception ends the consumer
```python
import queue
import threading
import urllib.request

URLS: queue.Queue[str] = queue.Queue()


def _fetch() -> None:
    while True:
        url = URLS.get()
        urllib.request.urlopen(url, timeout=5)
        URLS.task_done()  # LCK403


def fetch(urls: list[str]) -> None:
    threading.Thread(target=_fetch, daemon=True).start()
    for url in urls:
        URLS.put(url)
    URLS.join()
```

## Fixed
```python
import queue
import threading
import urllib.request

URLS: queue.Queue[str] = queue.Queue()


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
    URLS.join()
```

## Bad: the count is looked at by hand
```python
import queue
import time


class Feed:
    def __init__(self) -> None:
        self._jobs: "queue.Queue[Job]" = queue.Queue(8)

    def wait(self) -> None:
        while self._jobs.unfinished_tasks > 0:
            time.sleep(0.1)

    def rows(self) -> None:
        while True:
            try:
                job = self._jobs.get()
                found = job.result(30)
                self._jobs.task_done()  # LCK403
            except TimeoutError:
                found = None
            print(found)


class Job:
    def result(self, timeout: float) -> str:
        raise TimeoutError(timeout)
```

## Fixed
```python
import queue
import time


class Feed:
    def __init__(self) -> None:
        self._jobs: "queue.Queue[Job]" = queue.Queue(8)

    def wait(self) -> None:
        while self._jobs.unfinished_tasks > 0:
            time.sleep(0.1)

    def rows(self) -> None:
        while True:
            try:
                job = self._jobs.get()
                try:
                    found = job.result(30)
                finally:
                    self._jobs.task_done()
            except TimeoutError:
                found = None
            print(found)


class Job:
    def result(self, timeout: float) -> str:
        raise TimeoutError(timeout)
```

## Good: in finally
```python
import queue
import urllib.request

URLS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        url = URLS.get()
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            continue
        finally:
            URLS.task_done()


def flush() -> None:
    URLS.join()
```

## Good: nobody joins
```python
import queue
import urllib.request

URLS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        urllib.request.urlopen(URLS.get(), timeout=5)
        URLS.task_done()
```

## Good: the other way calls it too
```python
import queue

ROWS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        row = ROWS.get()
        if not row:
            ROWS.task_done()
            continue
        print(row)
        ROWS.task_done()


def flush() -> None:
    ROWS.join()
```

## Good: the exception is caught before it
```python
import queue
import urllib.request

URLS: queue.Queue[str] = queue.Queue()


def work() -> None:
    while True:
        url = URLS.get()
        try:
            urllib.request.urlopen(url, timeout=5)
        except Exception as error:
            print(url, error)
        URLS.task_done()


def flush() -> None:
    URLS.join()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.workers import Queues, Worker, done_calls, in_finally, skips
from lockcheck.analysis.witness import notes, primary, title
from lockcheck.model.events import LockRef
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId, LockId, lock_name
from lockcheck.model.repairs import DoneInFinally
from lockcheck.model.source import Span
from lockcheck.rules.registry import rule


@rule(code="LCK403", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each consumer of a joined queue."""
    queues = Queues(analysis)
    for queue in queues.uses:
        joins = [primary(analysis, pair) for _, pair in queues.direct(queue, "drain")]
        joins += [analysis.place(function, span) for function, span in queues.counted(queue)]
        seen: set[tuple[FunctionId, Span]] = set()
        for worker in queues.workers(queue) or () if joins else ():
            if (worker.function, worker.span) in seen:
                continue
            seen.add((worker.function, worker.span))
            reason = _reason(queues, worker, queue)
            if reason is not None:
                what, where, span, confidence = reason
                message = (
                    f"{title(worker.function)} may skip `{lock_name(queue)}.task_done` ({what}): who joins the queue "
                    "then waits for ever; put it into a `finally`"
                )
                related = [
                    Related(analysis.place(worker.function, worker.span), "an item is taken"),
                    Related(analysis.place(worker.function, where), what),
                    *(Related(place, "waits until every item is done") for place in joins[:3]),
                ]
                yield Finding(
                    "LCK403",
                    "task-done-not-guaranteed",
                    message,
                    confidence,
                    analysis.place(worker.function, span),
                    tuple(related),
                    notes(analysis, (LockRef(queue, None, None),)),
                    symbol=str(worker.function),
                    subject=lock_name(queue),
                    repairs=(DoneInFinally(analysis.place(worker.function, span), related[0].place),),
                )


def _reason(queues: Queues, worker: Worker, queue: LockId) -> tuple[str, Span, Span, Confidence] | None:
    """What leads round `task_done`, where, the place of `task_done`, and how sure that is."""
    done = [s for s in done_calls(queues, worker, queue) if not in_finally(worker.loop.body, s)]
    guarded = len(done) < len(done_calls(queues, worker, queue))
    if not done or guarded:
        return None
    last = max(done)
    if skips(worker.loop.body, worker.span, last) is not None:
        return "an exception or `continue` leads round it", worker.span, last, Confidence.HIGH
    for way in queues.ways_out(worker):
        if worker.span < way.span < last and way.confidence == Confidence.HIGH:
            return f"an exception of `{way.text}` leaves the loop", way.span, last, Confidence.HIGH
    return None
