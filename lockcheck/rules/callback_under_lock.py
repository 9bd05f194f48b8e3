"""A callable that came from outside is called while a lock is held.

## What it does
Finds calls, under a lock, of what others handed in: an element of a collection in which callables are registered, an
attribute that a constructor or setter was given, an `on_…` hook, a parameter, a method of an object that is just being
registered; awaited ones under an asynchronous lock too. The call may lie any number of calls away, in another class or
module.

## Why it hurts
Nobody here knows what the callable does. It may come back to this object, to unsubscribe or to read a value, and wait
for the lock that its own thread holds. It may take a lock of its own that another thread holds while it waits for this
one. It may be slow. An RLock cures the first of these only: under a re-entrant lock a call is reported where some
thread waits for it while it holds another lock that a public function takes.

## How to repair it
- Copy what is to be called under the lock, release the lock, then call.
- If the calls must not overtake one another, put them into a queue that one thread works off.

## When it is quiet
- The callable is resolved and harmless: a function of the program (with low confidence, since others may be registered
  as well), a default such as `time.monotonic`.
- Parameters that work something out and give it back, by their name: a factory, a key, an encoder, a clock.
- A synchronous callable under an asynchronous lock: it cannot wait for that lock.
- With low confidence: a lock that no public function takes (it only keeps the calls in order); a re-entrant lock that
  nobody waits for while holding another; a registered object that is asked for the name it goes by; a callable that
  runs with the arguments that came with it (`return function(*args)`): to run it under the lock is the purpose.
- A coroutine that is only made and runs as a task of its own.
- A decorator's wrapped function: to hold the lock around it is the purpose.

## Bad: registered callbacks
```python
import threading
from collections.abc import Callable


class Sensor:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0.0
        self._callbacks: list[Callable[[float], None]] = []

    def subscribe(self, callback: Callable[[float], None]) -> None:
        with self._lock:
            self._callbacks.append(callback)  # (2)

    def update(self, value: float) -> None:
        with self._lock:  # (1)
            self._value = value
            for callback in self._callbacks:
                callback(value)  # LCK205
```

## Fixed
```python
import threading
from collections.abc import Callable


class Sensor:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0.0
        self._callbacks: list[Callable[[float], None]] = []

    def subscribe(self, callback: Callable[[float], None]) -> None:
        with self._lock:
            self._callbacks.append(callback)

    def update(self, value: float) -> None:
        with self._lock:
            self._value = value
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback(value)
```

## Bad: a callable that the constructor was given, and a hook
```python
import threading


class Link:
    def __init__(self, on_data=None):
        self._lock = threading.Lock()
        self._on_data = on_data
        self.on_close = None
        self._gate = threading.Lock()

    def feed(self, data):
        with self._lock:
            if self._on_data is not None:
                self._on_data(data)  # LCK205

    def close(self):
        with self._gate:
            if self.on_close:
                self.on_close()  # LCK205
```

## Bad: a re-entrant lock, and a second one that is taken before it elsewhere
```python
import threading


class Jobs:
    def __init__(self):
        self._jobs_lock = threading.RLock()
        self._pools_lock = threading.RLock()
        self._listeners = []
        self._jobs = {}
        self._pools = {}

    def add_listener(self, listener):
        self._listeners.append(listener)

    def remove(self, name):
        with self._jobs_lock:
            self._jobs.pop(name)
            for listener in self._listeners:
                listener(name)  # LCK205

    def add_pool(self, name, pool):
        with self._pools_lock:
            self._pools[name] = pool

    def stop(self):
        with self._pools_lock, self._jobs_lock:
            self._pools.clear()
            self._jobs.clear()
```

## Bad: handlers by name, in tuples, called in another method
```python
import threading


class Router:
    def __init__(self):
        self._lock = threading.Lock()
        self._handlers = {}

    def add(self, topic, handler, priority=0):
        self._store(topic, handler, priority)

    def _store(self, topic, handler, priority):
        self._handlers.setdefault(topic, []).append((priority, handler))  # (3)

    def _fire(self, topic, message):
        for _, handler in list(self._handlers.get(topic, ())):
            handler(message)  # (2)

    def publish(self, topic, message):
        with self._lock:  # (1)
            self._fire(topic, message)  # LCK205
```

## Bad: awaited under an asynchronous lock
```python
import asyncio
import inspect


class Session:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._listeners = set()

    def listen(self, listener):
        self._listeners.add(listener)

    async def tell(self, event):
        async with self._lock:
            for listener in self._listeners:
                result = listener(event)  # LCK205
                if inspect.isawaitable(result):
                    await result
```

## Bad: a registered object is told, a registry in another module
```python
# file: hub/registry.py
class Registry:
    def __init__(self):
        self._watchers = []

    def add(self, watcher):
        self._watchers.append(watcher)

    def changed(self, name):
        for watcher in self._watchers:
            watcher.on_change(name)
```
```python
# file: hub/store.py
import threading

from hub.registry import Registry


class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._names = {}
        self.registry = Registry()

    def put(self, name, value):
        with self._lock:
            self._names[name] = value
            self.registry.changed(name)  # LCK205
```

## Bad: the caller's function
```python
import threading

LOCK = threading.Lock()


def locked(work):
    with LOCK:
        return work()  # LCK205
```

## Bad: a plugin is asked while it is being registered
```python
import threading


class Plugins:
    def __init__(self):
        self._lock = threading.Lock()
        self._plugins = {}

    def register(self, plugin):
        with self._lock:
            for name in plugin.names():  # LCK205
                self._plugins[name] = plugin
```

## Good: called outside the region
```python
import threading


class Router:
    def __init__(self, on_error):
        self._lock = threading.Lock()
        self._handlers = {}
        self._on_error = on_error

    def add(self, topic, handler):
        with self._lock:
            self._handlers[topic] = handler

    def publish(self, topic, message):
        with self._lock:
            handler = self._handlers.get(topic)
        if handler is None:
            self._on_error(topic)
        else:
            handler(message)
```

## Good: released by hand before the call
```python
import threading


class Timer:
    def __init__(self, callback):
        self._lock = threading.Lock()
        self._callback = callback
        self._ticks = 0

    def tick(self):
        self._lock.acquire()
        self._ticks += 1
        self._lock.release()
        self._callback()
```

## Good: the callable is resolved and harmless
```python
import json
import threading
import time


def double(value):
    return 2 * value


class Table:
    def __init__(self, clock=time.monotonic, encode=json.dumps):
        self._lock = threading.Lock()
        self._clock = clock
        self._encode = encode
        self._steps = []
        self.add_step(double)

    def add_step(self, step):
        self._steps.append(step)

    def put(self, value):
        with self._lock:
            for step in self._steps:
                value = step(value)
            return self._encode((self._clock(), value))
```

## Good: a factory, a key, a predicate
```python
import threading


class Cache:
    def __init__(self, maxsize, getsizeof=None):
        self._lock = threading.Lock()
        self._items = {}
        self._getsizeof = getsizeof

    def get(self, name, factory):
        with self._lock:
            if name not in self._items:
                self._items[name] = factory()
            return self._items[name]

    def ordered(self, key, predicate):
        with self._lock:
            return sorted((v for v in self._items.values() if predicate(v)), key=lambda v: key(v))
```

## Good: a re-entrant lock that nobody waits for while holding another
```python
import threading


class Jobs:
    def __init__(self):
        self._jobs_lock = threading.RLock()
        self._listeners = []
        self._jobs = {}

    def add_listener(self, listener):
        self._listeners.append(listener)

    def remove(self, name):
        with self._jobs_lock:
            self._jobs.pop(name)
            for listener in self._listeners:
                listener(name)
```

## Good: a lock that no public function takes
```python
import threading


class Feed:
    def __init__(self):
        self._order = threading.Lock()
        self._callbacks = []

    def subscribe(self, callback):
        self._callbacks.append(callback)

    def _deliver(self, item):
        with self._order:
            for callback in self._callbacks:
                callback(item)
```

## Good: asked for its name only, and through a method of the program's own protocol
```python
import threading


class Plugins:
    def __init__(self):
        self._lock = threading.Lock()
        self._plugins = {}

    def register(self, plugin):
        with self._lock:
            self._plugins[plugin.name()] = plugin

    def attach(self, plugin):
        with self._lock:
            plugin._set_owner(self)
            name = plugin.title()
            self._plugins[name] = plugin
```

## Good: run under the lock with the arguments that came with it
```python
import threading


class State:
    def __init__(self):
        self._mutex = threading.Lock()

    def freeze_while(self, function, *args, **kwargs):
        with self._mutex:
            return function(*args, **kwargs)
```

## Good: a decorator holds the lock around what it wraps
```python
import functools
import threading

LOCK = threading.Lock()


def synchronised(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with LOCK:
            return function(*args, **kwargs)

    return wrapper
```

## Good: a synchronous callable under an asynchronous lock
```python
import asyncio


class Session:
    def __init__(self, on_change):
        self._lock = asyncio.Lock()
        self._on_change = on_change

    async def change(self, value):
        async with self._lock:
            self._on_change(value)
```

## Good: an asynchronous lock that only keeps the calls in order
```python
import asyncio


class Session:
    def __init__(self):
        self._lock = asyncio.Lock()
        self._order = asyncio.Lock()
        self._callbacks = []

    async def subscribe(self, callback):
        async with self._lock:
            self._callbacks.append(callback)

    async def _on_event(self, event):
        async with self._lock:
            callbacks = list(self._callbacks)
        async with self._order:
            for callback in callbacks:
                await callback(event)
```

## Good: the coroutine runs as a task of its own
```python
import asyncio


class Session:
    def __init__(self, on_change):
        self._lock = asyncio.Lock()
        self._on_change = on_change
        self._tasks = set()

    async def change(self, value):
        async with self._lock:
            task = asyncio.create_task(self._on_change(value))
            self._tasks.add(task)
            await asyncio.sleep(0)
```

## Good: defined under the lock, called later
```python
import threading


class Batch:
    def __init__(self, callback):
        self._lock = threading.Lock()
        self._callback = callback
        self._jobs = []

    def later(self, value):
        with self._lock:
            self._jobs.append(lambda: self._callback(value))
```

## Good: a weak reference is followed, an exception class is called
```python
import threading
import weakref


class Links:
    def __init__(self, error):
        self._lock = threading.Lock()
        self._refs = []
        self._error = error

    def add(self, node):
        self._refs.append(weakref.ref(node))

    def alive(self):
        with self._lock:
            found = [ref() for ref in self._refs]
            if not found:
                raise self._error("none")
            return found
```

## Good: an entry that is a weak reference, or not
```python
import threading
import weakref


class Signal:
    def __init__(self):
        self._lock = threading.Lock()
        self._receivers = []

    def connect(self, receiver, weak=True):
        kept = weakref.ref(receiver) if weak else receiver
        with self._lock:
            self._receivers.append((id(receiver), kept))

    def clean(self):
        with self._lock:
            self._receivers = [
                r for r in self._receivers if not (isinstance(r[1], weakref.ReferenceType) and r[1]() is None)
            ]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.comeback import Comebacks
from lockcheck.analysis.link.foreign import told
from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.guards import guarded
from lockcheck.analysis.witness import (
    PlaceOfHazard,
    are,
    both,
    finding,
    hazards,
    plausible,
    reached,
    taken,
    through,
    title,
)
from lockcheck.model.events import Callback, CriticalPair, Held
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId, lock_name
from lockcheck.model.paths import FreeRoot, ParameterRoot
from lockcheck.rules.registry import rule

NEAR = 3
"""A callback that is called more calls away than this is a guess: some state on the way is likely to keep it off."""
NEAR_DETOUR = 2
"""The same where it takes two threads to wait for ever."""


@rule(code="LCK205", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each region and what is called back in it."""
    ways = Comebacks(analysis)
    for hazard in hazards(_places(analysis, ways)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Callback)
        message = (
            f"{both(held)} {are(held)} held while `{pair.trace[-1].text}` is called{through(pair)}, {_origin(pair.event)}: "
            f"{ways.danger(held)}; copy what is needed, release the lock, then call"
        )
        story = [*taken(analysis, held), *reached(analysis, pair, "is called here"), *_given(analysis, pair.event)]
        related = [*story, *hazard.others(analysis)]
        yield finding(
            analysis,
            "LCK205",
            "callback-under-lock",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held, foreign=True),
        )


def _places(analysis: Analysis, ways: Comebacks) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Callback):
            continue
        held = tuple(h for h in own if h.lock.exclusive and (h.lock.domain != "async" or event.awaited))
        if not held or not _from_outside(analysis, function, event) or analysis.constructing(function, pair):
            continue
        confidence = min(plausible(pair, held), _likely(event, pair, held, ways))
        yield pair, held, Confidence.LOW if guarded(analysis, pair) else confidence


def _likely(event: Callback, pair: CriticalPair, held: tuple[Held, ...], ways: Comebacks) -> Confidence:
    """How likely it is that somebody's code runs that may want the lock, or one that its waiters hold."""
    calls = sum(1 for step in pair.trace if step.action == "call")
    holder = lock_name(event.holder) if event.holder is not None else ""
    listens = told(event.name.rpartition(".")[2]) or told(holder.rpartition(".")[2])
    if event.known or calls > (NEAR if listens else 1):
        return Confidence.LOW
    if not ways.direct(held):
        near = calls <= (NEAR_DETOUR if listens else 0) and pair.confidence is Confidence.HIGH
        return Confidence.MEDIUM if near and ways.detour(held) is not None else Confidence.LOW
    if event.kind == "parameter" or not listens:
        return Confidence.MEDIUM
    return Confidence.HIGH


def _from_outside(analysis: Analysis, function: FunctionId, event: Callback) -> bool:
    """Whether it is anybody's callable: of a parameter, its function decides."""
    if event.kind != "parameter" or event.path is None:
        return event.kind != "parameter"
    match event.path.root:
        case ParameterRoot(name=name):
            return analysis.engine.origins.parameter(function, name) is not None
        case FreeRoot(function=outer, name=name):
            return analysis.engine.origins.parameter(outer, name) is not None
        case _:
            return False


def _origin(event: Callback) -> str:
    match event.kind, event.holder:
        case "element", holder if holder is not None:
            return f"which was registered in `{lock_name(holder)}`"
        case "future", holder if holder is not None:
            return f"which runs what was registered with `{lock_name(holder)}`"
        case "attribute", holder if holder is not None:
            return f"which was set from outside as `{lock_name(holder)}`"
        case _:
            return "which the caller gave"


def _given(analysis: Analysis, event: Callback) -> list[Related]:
    """Where it was given."""
    if event.source is None or event.kind == "parameter":
        return []
    step = event.source
    return [Related(analysis.place(step.function, step.span), f"{title(step.function)} keeps it here")]
