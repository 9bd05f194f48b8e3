"""A function that is called back under a lock takes that lock again.

## What it does
Finds callbacks and handlers that are called while a lock that is not re-entrant is held, where the program itself
registers a function that takes the very same lock: at once or through further calls, in any module. The same goes for
futures of threads: `add_done_callback` runs the callback at once, in this thread, if the future is done already;
`set_result`, `set_exception` and `cancel` run all that were registered.

## Why it hurts
The thread (or the task) waits for itself and never goes on. Neither the caller nor the callback shows it: the one does
not say what it calls, the other not that it is called with the lock held.

## How to repair it
- Copy what is to be called under the lock, release the lock, then call.
- Register with a future, and finish it, after the lock is released.
- Where the callback only needs a value, hand it over as an argument.

## When it is quiet
- The lock is an RLock (LCK205 still speaks of the callback).
- The function that is registered takes the lock of another object.
- The callback is called after the lock was released.
- A future of asyncio, whose callbacks the loop calls later, and a future that was made just now and can't be done.
- Nothing that the program registers comes back: what others may register is the matter of LCK205.

## Bad: a subscriber asks back
```python
# file: bus/core.py
import threading


class Bus:
    def __init__(self):
        self._lock = threading.Lock()
        self._handlers = {}

    def subscribe(self, name, handler):
        with self._lock:
            self._handlers.setdefault(name, []).append(handler)

    def size(self):
        with self._lock:  # (4)
            return len(self._handlers)

    def publish(self, name, event):
        with self._lock:  # (1)
            for handler in list(self._handlers.get(name, ())):
                handler(event)  # LCK502
```
```python
# file: bus/client.py
from bus.core import Bus


class Client:
    def __init__(self, bus: Bus):
        self._bus = bus

    def attach(self):
        self._bus.subscribe("joined", self._on_joined)  # (2)

    def _on_joined(self, event):
        print(event, self._bus.size())  # (3)
```

## Bad: a table of the object's own handlers
```python
import threading


class Machine:
    def __init__(self):
        self._lock = threading.Lock()
        self._state = "idle"
        self._actions = {"stop": self.stop}

    def stop(self):
        with self._lock:
            self._state = "stopped"

    def handle(self, word):
        with self._lock:
            self._actions[word]()  # LCK502
```

## Bad: a function of a module
```python
import threading


class Signal:
    def __init__(self):
        self._lock = threading.Lock()
        self._slots = []

    def connect(self, slot):
        with self._lock:
            self._slots.append(slot)

    def emit(self, value):
        with self._lock:
            for slot in self._slots:
                slot(value)  # LCK502


CHANGED = Signal()


def chain(value):
    CHANGED.connect(print)


CHANGED.connect(chain)
```

## Bad: a coroutine under an asynchronous lock
```python
import asyncio


class Room:
    def __init__(self):
        self._lock = asyncio.Lock()
        self._on_join = None
        self._members = []

    def set_callback(self, callback):
        self._on_join = callback

    async def members(self):
        async with self._lock:
            return list(self._members)

    async def join(self, name):
        async with self._lock:
            self._members.append(name)
            await self._on_join(name)  # LCK502


class Greeter:
    def __init__(self, room: Room):
        self._room = room
        self._room.set_callback(self._greet)

    async def _greet(self, name):
        print(name, await self._room.members())
```

## Fixed
```python
import asyncio


class Room:
    def __init__(self):
        self._lock = asyncio.Lock()
        self._on_join = None
        self._members = []

    def set_callback(self, callback):
        self._on_join = callback

    async def members(self):
        async with self._lock:
            return list(self._members)

    async def join(self, name):
        async with self._lock:
            self._members.append(name)
            on_join = self._on_join
        await on_join(name)


class Greeter:
    def __init__(self, room: Room):
        self._room = room
        self._room.set_callback(self._greet)

    async def _greet(self, name):
        print(name, await self._room.members())
```

## Bad: registered with a future that may be done
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Jobs:
    def __init__(self):
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor()
        self._running = set()

    def submit(self, job):
        with self._lock:  # (1)
            future = self._pool.submit(job)
            self._running.add(future)
            future.add_done_callback(self._done)  # LCK502

    def _done(self, future):
        with self._lock:  # (2)
            self._running.discard(future)
```

## Fixed
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor


class Jobs:
    def __init__(self):
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor()
        self._running = set()

    def submit(self, job):
        with self._lock:
            future = self._pool.submit(job)
            self._running.add(future)
        future.add_done_callback(self._done)

    def _done(self, future):
        with self._lock:
            self._running.discard(future)
```

## Bad: a future is finished under the lock
```python
import threading
from concurrent.futures import Future


class Start:
    def __init__(self):
        self._lock = threading.Lock()
        self._ready = Future()
        self._ready.add_done_callback(self._begun)  # (2)

    def _begun(self, future):
        self.count()  # (3)

    def count(self):
        with self._lock:  # (4)
            return 1

    def begin(self):
        with self._lock:  # (1)
            self._ready.set_result(True)  # LCK502
```

## Good: called after the region
```python
import threading


class Machine:
    def __init__(self):
        self._lock = threading.Lock()
        self._state = "idle"
        self._actions = {"stop": self.stop}

    def stop(self):
        with self._lock:
            self._state = "stopped"

    def handle(self, word):
        with self._lock:
            action = self._actions[word]
        action()
```

## Good: an RLock
```python
import threading


class Machine:
    def __init__(self):
        self._lock = threading.RLock()
        self._state = "idle"
        self._actions = {"stop": self.stop}

    def stop(self):
        with self._lock:
            self._state = "stopped"

    def handle(self, word):
        with self._lock:
            self._actions[word]()
```

## Good: the lock of another object
A mirror subscribes to one bus and asks another.

```python
import threading


class Bus:
    def __init__(self):
        self._lock = threading.Lock()
        self._handlers = []

    def subscribe(self, handler):
        with self._lock:
            self._handlers.append(handler)

    def size(self):
        with self._lock:
            return len(self._handlers)

    def publish(self, event):
        with self._lock:
            for handler in self._handlers:
                handler(event)


class Mirror:
    def __init__(self, source: Bus, target: Bus):
        self._source = source
        self._target = target
        self._source.subscribe(self._on_event)

    def _on_event(self, event):
        print(self._target.size())
```

## Good: the handler takes a lock of its own
```python
import threading


class Bus:
    def __init__(self):
        self._lock = threading.Lock()
        self._handlers = []

    def subscribe(self, handler):
        with self._lock:
            self._handlers.append(handler)

    def publish(self, event):
        with self._lock:
            for handler in self._handlers:
                handler(event)


class Log:
    def __init__(self, bus: Bus):
        self._lock = threading.Lock()
        self._lines = []
        bus.subscribe(self._on_event)

    def _on_event(self, event):
        with self._lock:
            self._lines.append(event)
```

## Good: an attempt that does not wait
```python
import threading


class Machine:
    def __init__(self):
        self._lock = threading.Lock()
        self._state = "idle"
        self._actions = {"stop": self.stop}

    def stop(self):
        if self._lock.acquire(blocking=False):
            try:
                self._state = "stopped"
            finally:
                self._lock.release()

    def handle(self, word):
        with self._lock:
            self._actions[word]()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.registrants import WayBack, way_back
from lockcheck.analysis.repairs import leaving, reentrant
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.guards import guarded
from lockcheck.analysis.witness import (
    Hazard,
    PlaceOfHazard,
    certainty,
    finding,
    hazards,
    named,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Callback, Comeback
from lockcheck.model.findings import Finding, Related
from lockcheck.rules.registry import rule


@rule(code="LCK502", default=True, since="0.1.0", supersedes=("LCK205",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each region and what comes back into it."""
    yield from _registered(analysis)
    for hazard in hazards(_futures(analysis)):
        yield _of_future(analysis, hazard)


def _registered(analysis: Analysis) -> Iterator[Finding]:
    """Callbacks that are called under the lock."""
    back: dict[object, WayBack] = {}
    for hazard in hazards(_places(analysis, back)):
        pair, held, confidence = hazard.best
        found = back[pair, held]
        handler = title(found.registration.function)
        message = (
            f"{named(held[0].lock)} is held while `{pair.trace[-1].text}` is called{through(pair)}: {handler} is "
            f"registered there and takes that lock again{through(found.pair)}, so it waits for itself for ever; "
            "copy what is to be called, release the lock, then call"
        )
        site = found.registration
        story = [
            *taken(analysis, held),
            *reached(analysis, pair, "is called here"),
            Related(analysis.place(site.site, site.span), f"{handler} is registered here"),
            *(
                Related(analysis.place(step.function, step.span), f"calls `{step.text}`")
                for step in found.pair.trace[:-1]
            ),
            _again(analysis, found),
        ]
        related = [*story, *hazard.others(analysis)]
        repairs = (*leaving(analysis, pair, held, foreign=True), *reentrant(analysis, held))
        yield finding(analysis, "LCK502", "reentry-through-callback", message, pair, held, related, confidence, repairs)


def _again(analysis: Analysis, found: WayBack) -> Related:
    last = found.pair.trace[-1]
    return Related(analysis.place(last.function, last.span), f"{named(found.held.lock)} is taken again")


def _places(analysis: Analysis, back: dict[object, WayBack]) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Callback):
            continue
        held = tuple(
            h for h in own if h.lock.exclusive and not h.lock.reentrant and (h.lock.domain != "async" or event.awaited)
        )
        found = way_back(analysis, function, event, held) if held else None
        if found is None or guarded(analysis, pair) or guarded(analysis, found.pair):
            continue
        back[pair, (found.held,)] = found
        yield pair, (found.held,), min(certainty(pair, (found.held,)), found.pair.confidence)


def _futures(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    """Callbacks of futures that run in the middle of a call made under the lock."""
    for _, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Comeback) or not certain(event.lock.path) or event.lock.reentrant:
            continue
        held = tuple(h for h in own if h.lock.path == event.lock.path and h.lock.exclusive and not h.lock.reentrant)
        if held and not guarded(analysis, pair):
            yield pair, held, certainty(pair, held)


def _of_future(analysis: Analysis, hazard: Hazard) -> Finding:
    pair, held, confidence = hazard.best
    assert isinstance(pair.event, Comeback)
    at = next(place for place, step in enumerate(pair.trace) if step.action == "event")
    handler = "the lambda" if "<lambda" in pair.event.handler.qualname else title(pair.event.handler)
    lock, call = named(held[0].lock), f"`{pair.trace[at].text}`"
    when = "runs it at once if the future is done" if pair.event.at_once else "runs it now"
    message = (
        f"{lock} is held while {call} is called, and {handler} that it calls back takes that lock: {call} {when}, so the thread waits for "
        f"itself for ever; {'register it' if pair.event.at_once else 'finish the future'} after the lock is released"
    )
    after = [Related(analysis.place(s.function, s.span), f"calls `{s.text}`") for s in pair.trace[1:-1]]
    site = pair.event.registered
    given = Related(analysis.place(site.function, site.span), f"{handler} is registered here")
    last = pair.trace[-1]
    again = Related(analysis.place(last.function, last.span), f"{lock} is taken again")
    related = [*taken(analysis, held), *([] if pair.event.at_once else [given]), *after, again]
    related += hazard.others(analysis)
    repairs = (*leaving(analysis, pair, held), *reentrant(analysis, held))
    return finding(analysis, "LCK502", "reentry-through-callback", message, pair, held, related, confidence, repairs)
