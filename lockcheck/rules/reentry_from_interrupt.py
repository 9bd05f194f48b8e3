"""A finaliser, signal handler or hook takes a lock that the code it interrupts may hold.

## What it does
Finds `__del__` methods, callbacks of weak references and of `weakref.finalize`, signal handlers, audit, trace and
profile hooks that take a lock which is not re-entrant and which ordinary code takes too; and functions registered with
`atexit` that take a lock under which other threads wait without bound. Handlers of the log, and what is put in the place
of `sys.stdout` or `sys.stderr`, run in the middle of whatever logs or prints: a lock that their `emit` or `write` takes
must not be held by who logs or prints, and a finaliser or signal handler that does may interrupt them.

## Why it hurts
The collector may run at any allocation, a signal between any two steps. If the thread that is interrupted holds the
lock at that moment, the finaliser or handler waits for it, and the holder never goes on: the thread waits for itself.
It happens rarely, under load, and never while one looks.

## How to repair it
- Take no lock there: append to a `collections.deque`, set a flag, or put into a `queue.SimpleQueue`, and let ordinary
  code do the work.
- Try the lock without waiting (`acquire(blocking=False)`), and leave the work to the next one if it fails.
- An RLock, if what it guards can bear to be changed in the middle.

## When it is quiet
- The lock is an RLock, or the attempt does not wait.
- Nobody else takes the lock.
- A finaliser or a weak reference's callback, and everybody holds the lock only to test, count or set a flag: no object
  dies there, and the collector does not begin.
- A finaliser takes the lock of the object that is finalised: nobody can hold it any more.
- The lock is asynchronous.
- A signal handler of `loop.add_signal_handler`, which runs between the steps of the loop.
- An `atexit` function and a lock that is only ever held for a moment: this has low confidence.

## Bad: a connection gives itself back when it is collected
```python
# file: db/pool.py
import threading


class Pool:
    def __init__(self):
        self._lock = threading.Lock()
        self._free = []

    def get(self):
        with self._lock:  # (3)
            return Connection(self, self._free.pop())

    def give(self, raw):
        with self._lock:  # (2)
            self._free.append(raw)


class Connection:
    def __init__(self, pool: Pool, raw):
        self._pool = pool
        self._raw = raw

    def close(self):
        self._pool.give(self._raw)  # (1)

    def __del__(self):
        self.close()  # LCK503
```

## Bad: a weak reference's callback
```python
import threading
import weakref

LOCK = threading.Lock()
KNOWN = {}


def forget(ref):
    with LOCK:  # LCK503
        KNOWN.pop(id(ref), None)


def remember(thing):
    with LOCK:
        ref = weakref.ref(thing, forget)
        KNOWN[id(ref)] = ref
```

## Fixed
```python
import threading
import weakref

LOCK = threading.RLock()
KNOWN = {}


def forget(ref):
    with LOCK:
        KNOWN.pop(id(ref), None)


def remember(thing):
    with LOCK:
        ref = weakref.ref(thing, forget)
        KNOWN[id(ref)] = ref
```

## Bad: a finaliser of the weakref module
```python
import threading
import weakref


class Arena:
    def __init__(self):
        self._lock = threading.Lock()
        self._blocks = set()

    def _free(self, number):
        with self._lock:  # LCK503
            self._blocks.discard(number)

    def attach(self, thing, number):
        with self._lock:
            self._blocks.add(number)
            weakref.finalize(thing, self._free, number)
```

## Bad: a signal handler
```python
import signal
import threading

LOCK = threading.Lock()
COUNTS = {}


def count(name):
    with LOCK:
        COUNTS[name] = COUNTS.get(name, 0) + 1


def report(signum, frame):
    with LOCK:  # LCK503
        print(sorted(COUNTS.items()))


def main():
    signal.signal(signal.SIGUSR1, report)
    while True:
        count("round")
```

## Bad: an audit hook
```python
import sys
import threading

LOCK = threading.Lock()
EVENTS = []


def hook(event, args):
    LOCK.acquire()  # LCK503
    try:
        EVENTS.append(event)
    finally:
        LOCK.release()


def events():
    with LOCK:
        return list(EVENTS)


sys.addaudithook(hook)
```

## Bad: an exit function needs a lock under which a thread waits
```python
import atexit
import socket
import threading

LOCK = threading.Lock()
PEER = socket.create_connection(("hub.example", 7000))


def listen():
    with LOCK:
        return PEER.recv(4096)


def leave():
    with LOCK:  # LCK503
        PEER.close()


atexit.register(leave)
```

## Good: held only to count, where no object dies
```python
import threading
import weakref


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self._open = 0
        self._limit = 5

    def take(self, thing):
        weakref.finalize(thing, self._gone)
        with self._lock:
            if self._open < self._limit:
                self._open += 1
                return True
            return False

    def _gone(self):
        with self._lock:
            self._open -= 1
```

## Bad: something is dropped while the lock is held
```python
import threading
import weakref


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self._open = 0
        self._last = None

    def take(self, thing):
        weakref.finalize(thing, self._gone)
        with self._lock:
            self._open += 1
            self._last = thing

    def _gone(self):
        with self._lock:  # LCK503
            self._open -= 1
```

## Good: an RLock
```python
import threading


class Pool:
    def __init__(self):
        self._lock = threading.RLock()
        self._free = []

    def get(self):
        with self._lock:
            return self._free.pop()

    def give(self, raw):
        with self._lock:
            self._free.append(raw)


class Connection:
    def __init__(self, pool: Pool, raw):
        self._pool = pool
        self._raw = raw

    def __del__(self):
        self._pool.give(self._raw)
```

## Good: a non-blocking attempt
```python
import collections
import threading


class Pool:
    def __init__(self):
        self._lock = threading.Lock()
        self._free = []
        self._late = collections.deque()

    def get(self):
        with self._lock:
            return self._free.pop()

    def give(self, raw):
        if self._lock.acquire(blocking=False):
            try:
                self._free.append(raw)
            finally:
                self._lock.release()
        else:
            self._late.append(raw)


class Connection:
    def __init__(self, pool: Pool, raw):
        self._pool = pool
        self._raw = raw

    def __del__(self):
        self._pool.give(self._raw)
```

## Good: the lock of the object that is finalised
```python
import threading


class File:
    def __init__(self, raw):
        self._lock = threading.Lock()
        self._raw = raw

    def write(self, data):
        with self._lock:
            self._raw.write(data)

    def close(self):
        with self._lock:
            self._raw.close()

    def __del__(self):
        self.close()
```

## Good: nobody else takes the lock
```python
import threading

LOCK = threading.Lock()
DEAD = []


class Node:
    def __del__(self):
        with LOCK:
            DEAD.append(1)
```

## Good: the finaliser leaves the work to others
```python
import collections
import threading


class Pool:
    def __init__(self):
        self._lock = threading.Lock()
        self._free = []
        self._returned = collections.deque()

    def get(self):
        with self._lock:
            while self._returned:
                self._free.append(self._returned.popleft())
            return self._free.pop()

    def give(self, raw):
        self._returned.append(raw)


class Connection:
    def __init__(self, pool: Pool, raw):
        self._pool = pool
        self._raw = raw

    def __del__(self):
        self._pool.give(self._raw)
```

## Good: a signal handler of the event loop
```python
import asyncio
import signal
import threading

LOCK = threading.Lock()
COUNTS = {}


def count(name):
    with LOCK:
        COUNTS[name] = COUNTS.get(name, 0) + 1


def report():
    with LOCK:
        print(COUNTS)


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, report)
    count("round")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.hearing import Heard, comes_back, spoken
from lockcheck.analysis.interrupts import Cause, Interrupt, Ordinary, acquisitions, interrupts
from lockcheck.analysis.repairs import reentrant
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.guards import guarded
from lockcheck.analysis.witness import FAR, finding, named, reached, taken, through, title
from lockcheck.model.events import Acquire, CriticalPair, Held
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule

_WHEN: dict[Cause, str] = {
    "finaliser": "runs when the collector finds the object, in the middle of whatever allocates something",
    "weakref": "runs when an object dies, in the middle of whatever drops or allocates something",
    "signal": "runs when the signal comes, between any two steps of the main thread",
    "exit": "runs when the program ends, while other threads may still wait with the lock in their hands",
    "hook": "runs in the middle of whatever it watches",
}


@rule(code="LCK503", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each finaliser or handler and each lock that it waits for."""
    ordinary = Ordinary(analysis)
    for interrupt in interrupts(analysis):
        for pair, shared in acquisitions(analysis, interrupt):
            found = _finding(analysis, ordinary, interrupt, pair, shared)
            if found is not None:
                yield found
        yield from _spoken(analysis, interrupt)
    yield from (_heard(analysis, heard) for heard in comes_back(analysis))


def _spoken(analysis: Analysis, interrupt: Interrupt) -> Iterator[Finding]:
    """What an interrupt says runs into a lock of who takes it in, and may interrupt just that one."""
    for pair, sink, taking in spoken(analysis, interrupt.function, interrupt.cause in ("finaliser", "weakref")):
        if interrupt.cause == "exit":
            continue
        assert isinstance(taking.event, Acquire)
        lock, step = named(taking.event.lock), taking.trace[-1]
        message = (
            f"{title(interrupt.function)} says something by `{pair.trace[-1].text}`{through(pair)}, for which "
            f"{title(sink.function)} takes {lock}, which is not re-entrant, and {_WHEN[interrupt.cause]}: if that holds "
            "the lock, it waits for itself for ever; say nothing here, or make it an RLock"
        )
        related = [
            *reached(analysis, pair, "is said here"),
            Related(analysis.place(step.function, step.span), f"{title(sink.function)} takes {lock}"),
        ]
        held = (Held(taking.event.lock, taking.event.mode, True, taking.trace),)
        level = Confidence.MEDIUM if sink.installed else Confidence.LOW
        level = min(level, pair.confidence, taking.confidence)
        repairs = reentrant(analysis, held)
        yield finding(analysis, "LCK503", "reentry-from-interrupt", message, pair, held, related, level, repairs)


def _heard(analysis: Analysis, heard: Heard) -> Finding:
    """Who takes in what is said takes a lock under which somebody says it."""
    lock, saying = named(heard.held.lock), heard.saying.trace
    what = "the log" if heard.sink.channel == "log" else f"`sys.{heard.sink.channel}`"
    message = (
        f"{title(heard.sink.function)} takes {lock}{through(heard.taking)}, which is not re-entrant, and runs in the "
        f"middle of whatever writes to {what}: {title(heard.function)} does by `{saying[-1].text}` while it holds the "
        "lock, and waits for itself for ever; write after the lock is released, or make it an RLock"
    )
    related = [
        *reached(analysis, heard.taking, "is taken"),
        *taken(analysis, (heard.held,)),
        *(Related(analysis.place(s.function, s.span), f"calls `{s.text}`") for s in saying[:-1]),
        Related(analysis.place(saying[-1].function, saying[-1].span), f"`{saying[-1].text}` writes to {what}"),
    ]
    held = (heard.held,)
    return finding(analysis, "LCK503", "reentry-from-interrupt", message, heard.taking, held, related, heard.confidence)


def _finding(
    analysis: Analysis, ordinary: Ordinary, interrupt: Interrupt, pair: CriticalPair, shared: Confidence
) -> Finding | None:
    assert isinstance(pair.event, Acquire)
    lock = pair.event.lock
    taker = ordinary.taker(lock.id, interrupt.cause) if lock.id is not None else None
    if taker is None or guarded(analysis, pair):
        return None
    function, other = taker
    step = other.trace[-1]
    message = (
        f"{title(interrupt.function)} takes {named(lock)}{through(pair)}, which is not re-entrant, and "
        f"{_WHEN[interrupt.cause]}: if that is {title(function)}, which holds the lock, it waits for itself for ever; "
        "take no lock here, or make it an RLock whose state can bear it"
    )
    if interrupt.cause == "exit":
        message = (
            f"{title(interrupt.function)} takes {named(lock)}{through(pair)} and {_WHEN['exit']}: then the program "
            "does not end; take no lock here, or try it with a timeout"
        )
    related = [
        *reached(analysis, pair, "is taken"),
        Related(
            analysis.place(step.function, step.span),
            f"{title(function)} takes {named(lock)} in ordinary code",
            end=True,
        ),
    ]
    held = (Held(lock, pair.event.mode, True, pair.trace),)
    confidence = _confidence(ordinary, interrupt, pair, shared)
    repairs = reentrant(analysis, held) if interrupt.cause != "exit" else ()
    return finding(analysis, "LCK503", "reentry-from-interrupt", message, pair, held, related, confidence, repairs)


def _confidence(ordinary: Ordinary, interrupt: Interrupt, pair: CriticalPair, shared: Confidence) -> Confidence:
    calls = sum(1 for step in pair.trace if step.action == "call")
    if calls > FAR:
        return Confidence.LOW
    if interrupt.cause == "exit":
        assert isinstance(pair.event, Acquire)
        assert pair.event.lock.id is not None
        return min(shared, Confidence.MEDIUM) if ordinary.slow(pair.event.lock.id) else Confidence.LOW
    return shared
