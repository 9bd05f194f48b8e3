"""Every consumer of a bounded queue can die while a producer waits in `put`.

## What it does
Looks at both ends of a bounded queue. It reports a `put` that can wait for ever where every loop that takes from the
queue can be left by an exception: input or output, or a call into code from elsewhere, outside any `try` that catches
it. Both halves must be seen; the pairing is what makes the report.

## Why it hurts
The consumer's thread ends, perhaps with a traceback on a console that nobody reads. The producers go on until the
queue is full, and then each of them waits in `put`, for ever and with whatever locks it holds.

## How to repair it
- Catch everything inside the consumer's loop, and say what happens to the item.
- Or let the consumer tell its producers that it is gone: an event, a stored exception, and look at it before `put`.
- Give `put` a timeout, and look at the consumer when it runs out.

## When it is quiet
- The consumer catches all exceptions inside its loop, or what it calls there does.
- The producer is told: `put` has a timeout, or a handler around the consumer's loop says that it is gone.
- The queue has no bound: `put` does not wait.
- A loop takes from the queue whose body is not known to fail.

An exception of input or output is high confidence, one of a call into the unknown medium.

## Bad: the writer dies of a full disk
```python
import queue
import threading


class Log:
    def __init__(self, path: str) -> None:
        self._path = path
        self._lines: queue.Queue[str] = queue.Queue(maxsize=20)
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def write(self, line: str) -> None:
        self._lines.put(line)  # LCK404

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            with open(self._path, "a") as file:
                file.write(line)
```

## Bad: a narrow except around the get only
```python
import queue
import threading

import requests


class Exporter(threading.Thread):
    def __init__(self, rows: "queue.Queue[str]") -> None:
        super().__init__()
        self._rows = rows

    def run(self) -> None:
        while True:
            try:
                row = self._rows.get(timeout=1)
            except queue.Empty:
                continue
            requests.post("https://collector.example", data=row, timeout=5)


class Source:
    def __init__(self) -> None:
        self._rows: queue.Queue[str] = queue.Queue(100)
        self._exporter = Exporter(self._rows)
        self._exporter.start()

    def add(self, row: str) -> None:
        self._rows.put(row)  # LCK404
```

## Good: the consumer catches everything
```python
import queue
import threading


class Log:
    def __init__(self, path: str) -> None:
        self._path = path
        self._lines: queue.Queue[str] = queue.Queue(maxsize=20)
        threading.Thread(target=self._run, daemon=True).start()

    def write(self, line: str) -> None:
        self._lines.put(line, timeout=5)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                with open(self._path, "a") as file:
                    file.write(line)
            except Exception as error:
                print("lost", line, error)
```

## Good: the producer is told by a timeout
```python
import queue
import threading

ROWS: queue.Queue[str] = queue.Queue(10)


def add(row: str) -> None:
    ROWS.put(row, timeout=1)


def _run() -> None:
    while True:
        with open(ROWS.get()) as file:
            print(file.read())


threading.Thread(target=_run, daemon=True).start()
```

## Good: no bound
```python
import queue
import threading

ROWS: queue.Queue[str] = queue.Queue()


def add(row: str) -> None:
    ROWS.put(row)


def _run() -> None:
    while True:
        with open(ROWS.get()) as file:
            print(file.read())


threading.Thread(target=_run, daemon=True).start()
```

## Good: nothing in the loop is known to fail
```python
import queue
import threading

ROWS: queue.Queue[str] = queue.Queue(10)
FOUND: list[str] = []


def add(row: str) -> None:
    ROWS.put(row)  # noqa: LCK401


def _run() -> None:
    while True:
        row = ROWS.get()
        FOUND.append(row.strip())


threading.Thread(target=_run, daemon=True).start()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.capacity import fits
from lockcheck.analysis.repairs import limiting
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.workers import Queues, Way, Worker
from lockcheck.analysis.witness import notes, primary, title
from lockcheck.model.events import LockRef, QueueWait
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import LockId
from lockcheck.model.repairs import Advise, Show
from lockcheck.rules.registry import rule


@rule(code="LCK404", default=True, since="0.1.0", supersedes=("LCK401", "LCK403"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each `put` into a queue whose consumers can all die."""
    queues = Queues(analysis)
    for queue in queues.uses:
        exits = _exits(queues, queue)
        if exits:
            yield from _reports(analysis, queues, queue, exits)


def _exits(queues: Queues, queue: LockId) -> list[tuple[Worker, Way]]:
    """For each consumer its surest way out; empty if one has none, or if not all consumers are known."""
    found: list[tuple[Worker, Way]] = []
    for worker in queues.workers(queue) or ():
        ways = queues.ways_out(worker)
        if not ways:
            return []
        found.append((worker, ways[0]))
    return found


def _reports(analysis: Analysis, queues: Queues, queue: LockId, exits: list[tuple[Worker, Way]]) -> Iterator[Finding]:
    for function, pair in queues.direct(queue, "put"):
        event = pair.event
        if not isinstance(event, QueueWait) or not event.bounded or event.timed or event.scoped:
            continue
        if fits(analysis, function, pair):
            continue
        worker, way = exits[0]
        message = (
            f"`{event.name}` waits for ever once the queue is full and its consumer has died: an exception of "
            f"`{way.text}` leaves the loop of {title(worker.function)}; catch it there, or give `put` a timeout"
        )
        related = [
            related
            for consumer, out in exits
            for related in (
                Related(analysis.place(consumer.function, consumer.span), f"{title(consumer.function)} takes from it"),
                Related(analysis.place(consumer.function, out.span), f"an exception of `{out.text}` ends the loop"),
            )
        ]
        sure = min(out.confidence for _, out in exits)
        place = primary(analysis, pair)
        advice = f"catch what `{way.text}` raises inside the loop of {title(worker.function)}, or give `put` a timeout"
        yield Finding(
            "LCK404",
            "abandoned-queue",
            message,
            min(sure, Confidence.MEDIUM) if event.guessed else sure,
            place,
            tuple(related),
            notes(analysis, (LockRef(queue, None, None),)),
            symbol=str(function),
            subject=event.name,
            repairs=(Show(limiting(place, event), advice), Advise(place, advice)),
        )
