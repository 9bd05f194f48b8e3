"""A process is forked while a lock is held or other threads run.

## What it does
Finds `os.fork` and processes of `multiprocessing` that are forked while a thread lock is held, directly or through
calls; forks in a function that has started threads before; and functions that are made to run after a fork (they
compare `os.getpid()` with the process they remember, or are registered by `os.register_at_fork(after_in_child=…)`)
and take a lock that the child may have inherited locked.

## Why it hurts
A fork copies the memory of a process, locked locks included, but only the thread that forks. A lock that another
thread holds at that moment is locked in the child for ever: the first who wants it there hangs. Logging and the
allocator of some libraries have such locks too. Python 3.12 warns of forks in a process with threads.

## How to repair it
- Start processes with `multiprocessing.get_context("spawn")` (or `forkserver`).
- Fork before any thread is started, and outside every lock.
- Give the child a new lock: `os.register_at_fork(after_in_child=…)`.

## When it is quiet
- Contexts `spawn` and `forkserver`, and programs that set them as their start method.
- Locks of `multiprocessing`, which are shared and not copied.
- Threads that are joined before the fork.
- A lock that is made anew after a fork or taken before each one, and attempts with a timeout.
- Locks that a factory keeps in a collection, in a program that registers what to do at a fork.
- A lock that is only ever held for a moment, under which nothing waits and no thread is started: a child can inherit
  it locked, but hardly ever will, and this has low confidence.

## Bad: a process is started under a lock that it needs
```python
import multiprocessing
import threading

LOCK = threading.Lock()


def work() -> None:
    with LOCK:
        print("never")


def begin() -> None:
    process = multiprocessing.get_context("fork").Process(target=work)
    with LOCK:  # (1)
        process.start()  # LCK804
```

## Bad: a fork after a thread was started
```python
import os
import threading


def serve() -> None:
    watcher = threading.Thread(target=print)
    watcher.start()  # (1)
    if os.fork() == 0:  # LCK804
        print("child")
```

## Bad: made to survive a fork, but not its lock
```python
import os
import threading


class Monitor:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None

    def ensure_running(self) -> None:
        if self._pid == os.getpid():
            return
        with self._lock:  # LCK804
            threading.Thread(target=print, daemon=True).start()
            self._pid = os.getpid()
```

## Bad: taken in every child
```python
import os
import threading
import time

LOCK = threading.Lock()
SEEN: list[int] = []


def work() -> None:
    with LOCK:
        time.sleep(1)


def forget() -> None:
    with LOCK:  # LCK804
        SEEN.clear()


os.register_at_fork(after_in_child=forget)
```

## Good: held for a moment only
```python
import os
import threading


class Counter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._count = 0

    def next(self) -> int:
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._count = os.getpid(), 0
            self._count += 1
            return self._count
```

## Good: taken before each fork, and given back after it
```python
import os
import threading
import time

LOCK = threading.Lock()
SEEN: list[int] = []


def work() -> None:
    with LOCK:
        time.sleep(1)


def forget() -> None:
    LOCK.release()
    with LOCK:
        SEEN.clear()


os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=forget)
```

## Good: a factory keeps the locks, for what is registered
```python
# file: app/locks.py
import threading
import weakref

KEPT: "weakref.WeakSet[threading.Lock]" = weakref.WeakSet()


def make() -> threading.Lock:
    lock = threading.Lock()
    KEPT.add(lock)
    return lock


def free() -> None:
    for lock in KEPT:
        if lock.locked():
            lock.release()
```
```python
# file: app/monitor.py
import os
import threading

from app.locks import make


class Monitor:
    def __init__(self) -> None:
        self._lock = make()
        self._changed = threading.Condition(self._lock)
        self._pid: int | None = None

    def ensure_running(self) -> None:
        if self._pid == os.getpid():
            return
        with self._changed:
            threading.Thread(target=print, daemon=True).start()
            self._pid = os.getpid()
```
```python
# file: app/main.py
import os

from app.locks import free

os.register_at_fork(after_in_child=free)
```

## Good: the spawn context
```python
import multiprocessing
import threading

LOCK = threading.Lock()


def work() -> None:
    with LOCK:
        print("a lock of its own")


def begin() -> None:
    threading.Thread(target=print).start()
    process = multiprocessing.get_context("spawn").Process(target=work)
    with LOCK:
        process.start()
```

## Good: the forkserver context, set for the whole program
```python
import multiprocessing
import threading

LOCK = threading.Lock()


def work() -> None:
    with LOCK:
        print("a lock of its own")


def begin() -> None:
    with LOCK:
        multiprocessing.Process(target=work).start()


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    begin()
```

## Good: forked before the threads, and after they have ended
```python
import os
import threading


def serve() -> None:
    if os.fork() == 0:
        print("child")
    threading.Thread(target=print).start()


def serve_again() -> None:
    watcher = threading.Thread(target=print)
    watcher.start()
    watcher.join()
    os.fork()
```

## Good: the child has a new lock
```python
import os
import threading


class Monitor:
    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None

    def ensure_running(self) -> None:
        if self._pid == os.getpid():
            return
        with self._lock:
            threading.Thread(target=print, daemon=True).start()
            self._pid = os.getpid()
```

## Good: an attempt with a timeout
```python
import os
import threading


class Pool:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def check(self) -> None:
        if self._pid != os.getpid():
            if not self._lock.acquire(timeout=5):
                raise ChildProcessError
            self._lock.release()
```

## Good: a lock that processes share
```python
import multiprocessing


def work() -> None:
    print("here")


def begin() -> None:
    lock = multiprocessing.Lock()
    with lock:
        multiprocessing.Process(target=work).start()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.forks import forks, start_method, started_before
from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.survivors import Inherited
from lockcheck.analysis.witness import (
    PlaceOfHazard,
    both,
    certainty,
    finding,
    hazards,
    named,
    primary,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Acquire, Block, Held, Step
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.repairs import Advise, Repair, Show
from lockcheck.rules.registry import rule

_NAME = "fork-while-threaded"
_OUTSIDE = 'fork outside of the region, or start the process by `multiprocessing.get_context("spawn")`'
_BEFORE = 'fork before the first thread is started, or start the process by `multiprocessing.get_context("spawn")`'
_ANEW = "make the lock anew in the child: `os.register_at_fork(after_in_child=…)`"


@rule(code="LCK804", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each fork, and for each lock that is taken after one."""
    yield from _under_lock(analysis)
    yield from _after_start(analysis)
    yield from _inherited(analysis)


def _under_lock(analysis: Analysis) -> Iterator[Finding]:
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        message = (
            f"{both(held)} is held while `{pair.trace[-1].text}` forks{through(pair)}: in the child it is locked, and "
            "who needs it there may hang; fork outside the region, or use the spawn context"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "forks here"), *hazard.others(analysis)]
        outside = [Show(each, _OUTSIDE) for each in leaving(analysis, pair, held)]
        repairs: list[Repair] = [*outside, Advise(primary(analysis, pair), _OUTSIDE)]
        yield finding(analysis, "LCK804", _NAME, message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in analysis.holding():
        held = tuple(h for h in own if h.lock.domain == "thread" and h.lock.exclusive)
        if not held or not forks(analysis, pair):
            continue
        assert isinstance(pair.event, Block)
        needed = tuple(h for h in held if _needs(analysis, pair.event, h))
        if needed:
            yield pair, needed, min(certainty(pair, needed), _sure(analysis, pair.trace[-1]))
        else:
            known = Confidence.LOW if pair.event.runs else Confidence.MEDIUM
            yield pair, held, min(certainty(pair, held), known)


def _sure(analysis: Analysis, step: Step) -> Confidence:
    """How sure it is that the process is forked: what the default is depends on the system and the version."""
    return Confidence.HIGH if start_method(analysis, step) == "fork" else Confidence.MEDIUM


def _needs(analysis: Analysis, event: Block, held: Held) -> bool:
    """Whether what the new process runs takes the held lock."""
    return any(
        isinstance(pair.event, Acquire) and pair.event.blocking and pair.event.lock.id == held.lock.id
        for function in event.runs
        for pair in analysis.engine.summary(function).pairs
    )


def _after_start(analysis: Analysis) -> Iterator[Finding]:
    for function, pair in analysis.pairs(Block):
        if len(pair.trace) != 1 or not forks(analysis, pair):
            continue
        step = pair.trace[0]
        started = started_before(analysis, step)
        if started is None:
            continue
        message = (
            f"{title(function)} forks by `{step.text}` after it has started a thread: what that thread has locked "
            "stays locked in the child; fork first, or use the spawn context"
        )
        yield Finding(
            "LCK804",
            _NAME,
            message,
            _sure(analysis, step),
            primary(analysis, pair),
            (Related(analysis.place(function, started.span), "a thread is started"),),
            symbol=str(function),
            subject=step.text,
            repairs=(Advise(primary(analysis, pair), _BEFORE),),
        )


def _inherited(analysis: Analysis) -> Iterator[Finding]:
    """Locks that are taken in the child, where they may have been copied locked."""
    seen: set[object] = set()
    inherited = Inherited(analysis)
    ways = (
        ("is made to run after a fork (it compares `os.getpid()`)", inherited.after_comparing()),
        ("runs in every forked child", inherited.in_children()),
    )
    for why, found in ways:
        for function, pair in found:
            assert isinstance(pair.event, Acquire)
            lock = pair.event.lock
            if (function, lock.id) in seen or len(pair.trace) > 2:
                continue
            seen.add((function, lock.id))
            message = (
                f"{title(function)} {why}, but takes {named(lock)}{through(pair)}, which another thread may have held "
                "then: the child hangs; make the lock anew in `os.register_at_fork(after_in_child=…)`"
            )
            direct = len(pair.trace) == 1
            level = min(pair.confidence, Confidence.HIGH if direct else Confidence.MEDIUM)
            level = level if inherited.lasting(lock.id) else Confidence.LOW
            related = reached(analysis, pair, "is taken here")
            repairs = (Advise(primary(analysis, pair), _ANEW),)
            yield finding(analysis, "LCK804", _NAME, message, pair, (), related, level, repairs)
