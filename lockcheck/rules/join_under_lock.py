"""A lock is held while the end of a thread, a process or a pool is waited for.

## What it does
Finds `Thread.join`, `Process.join` and `Executor.shutdown(wait=True)` without a timeout while a lock is held,
directly or through calls. Where the joined thread's target needs that lock, the report says that the deadlock is
certain as soon as the two meet.

## Why it hurts
A thread ends when its work is done, and its work often needs the very lock: to take itself off a list, to hand in a
result, to look whether it should stop. Then the one waits for the other to end, and the other for the lock.

## How to repair it
- Under the lock, set the flag that stops the thread and copy the reference; release the lock; join then.
- Join with a timeout and look at `is_alive()` afterwards.

## When it is quiet
- A join with a timeout, and `shutdown(wait=False)`.
- `join` of a string or a path.
- The thread is joined only where a flag is set that it sets itself, in its last use of the lock, before it leaves.
- Only starting and stopping take the lock, and what is joined does not need it: low confidence only.

## Bad: the thread needs the lock to end
```python
import threading


class Worker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping:
                    return

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._thread.join()  # LCK203
```

## Fixed
```python
import threading


class Worker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping:
                    return

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
        self._thread.join()
```

## Bad: all threads of a list
```python
import threading


class Crew:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def wait(self) -> None:
        with self._lock:  # (1)
            for thread in self._threads:
                thread.join()  # LCK203
            self._threads.clear()
```

## Bad: a pool is shut down
`shutdown()` waits unless it is told not to.

```python
import threading
from concurrent.futures import ThreadPoolExecutor

LOCK = threading.Lock()
POOL = ThreadPoolExecutor(4)


def close() -> None:
    LOCK.acquire()  # (1)
    try:
        POOL.shutdown()  # LCK203
    finally:
        LOCK.release()
```

## Bad: the join lies in another module
```python
# file: service/main.py
import threading

from service.worker import Worker


class Service:
    def __init__(self) -> None:
        self._state_lock = threading.RLock()
        self._worker = Worker()

    def restart(self) -> None:
        with self._state_lock:  # (1)
            self._worker.stop()  # LCK203
            self._worker = Worker()
```
```python
# file: service/worker.py
from multiprocessing import Process


class Worker:
    def __init__(self) -> None:
        self._process = Process(target=print)
        self._process.start()

    def stop(self) -> None:
        self._process.join()  # (2)
```

## Good: joined after the region
```python
import threading


class Crew:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def wait(self) -> None:
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()
```

## Good: a join with a timeout
```python
import threading


class Crew:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def wait(self) -> bool:
        with self._lock:
            for thread in self._threads:
                thread.join(5)
                thread.join(timeout=0.5)
            return not any(thread.is_alive() for thread in self._threads)
```

## Good: a pool that is told not to wait
```python
import threading
from concurrent.futures import ThreadPoolExecutor

LOCK = threading.Lock()
POOL = ThreadPoolExecutor(4)


def close() -> None:
    with LOCK:
        POOL.shutdown(wait=False)
```

## Good: strings and paths are joined too
```python
import os
import threading


class Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[str] = []

    def text(self, folder: str) -> str:
        with self._lock:
            name = os.path.join(folder, "log.txt")
            return name + ", ".join(self._lines)
```

## Good: the join happens in a thread of its own
```python
import threading


class Janitor:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finished: list[threading.Thread] = []

    def _bury(self, thread: threading.Thread) -> None:
        thread.join()

    def sweep(self) -> None:
        with self._lock:
            for thread in self._finished:
                threading.Thread(target=self._bury, args=(thread,)).start()
            self._finished.clear()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import later, leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.farewells import announced
from lockcheck.analysis.summarise.purpose import life_cycle
from lockcheck.analysis.witness import (
    PlaceOfHazard,
    are,
    both,
    certainty,
    finding,
    hazards,
    plausible,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Acquire, Block, CriticalPair, Held
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId
from lockcheck.rules.registry import rule


@rule(code="LCK203", default=True, since="0.1.0", supersedes=("LCK204", "LCK701", "LCK401"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and join; certain where what is joined needs the lock."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Block)
        needs = _needs(analysis, pair.event, held)
        message = f"{both(held)} {are(held)} held while `{pair.trace[-1].text}` waits for a thread or process to end{through(pair)}"
        story = [*taken(analysis, held), *reached(analysis, pair, "waits here")]
        if needs is not None:
            runs, inner = needs
            message += f", and {title(runs)}, which it waits for, needs that lock: neither can go on"
            step = inner.trace[-1]
            place = analysis.place(step.function, step.span)
            story.append(Related(place, f"{title(runs)} needs {both(held)} here", end=True))
        else:
            message += ": if what it waits for needs the lock, neither can go on"
        related = [*story, *hazard.others(analysis)]
        message += "; join after the region"
        past = later(analysis, pair, held) if needs is not None else ()
        yield finding(
            analysis,
            "LCK203",
            "join-under-lock",
            message,
            pair,
            held,
            related,
            confidence,
            (*leaving(analysis, pair, held, free=True), *past),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Block) or event.category != "join" or event.timed or event.bounded or event.awaited:
            continue
        if announced(analysis, pair):
            continue
        held = tuple(h for h in own if h.lock.exclusive)
        needed = tuple(h for h in held if _needs(analysis, event, (h,)) is not None)
        if needed:
            yield pair, needed, certainty(pair, needed)
        held = tuple(h for h in held if h.lock.domain != "async")  # a thread that ends needs no lock of tasks
        if held and not needed:
            quiet = all(h.lock.id is not None and life_cycle(analysis, h.lock.id) for h in held)
            yield pair, held, Confidence.LOW if quiet else min(plausible(pair, held), Confidence.MEDIUM)


def _needs(analysis: Analysis, event: Block, held: tuple[Held, ...]) -> tuple[FunctionId, CriticalPair] | None:
    """The joined function that takes the held lock, and how."""
    for function in event.runs:
        for pair in analysis.engine.summary(function).pairs:
            if isinstance(pair.event, Acquire) and pair.event.blocking:
                if any(pair.event.lock.id == h.lock.id for h in held):
                    return function, pair
    return None
