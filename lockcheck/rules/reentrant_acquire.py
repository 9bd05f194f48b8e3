"""A lock that is not re-entrant is taken again by who holds it.

## What it does
Finds a path on which a thread takes a `threading.Lock`, or a task an `asyncio.Lock`, that it already holds: directly,
by an alias, through a `Condition` made on the lock, through methods, properties, decorators, context managers and
overridden methods, across modules. It stands at the acquisition or at the call that leads to it, in the function that
holds the lock.

## Why it hurts
The thread waits for itself. There is nothing rare about it: when the path is taken, it hangs. Such paths survive
because they are seldom taken: the error handler that closes what it is part of, the property that logs, the subclass
that calls back.

## How to repair it
- Divide the method: a public one that takes the lock, and one that expects it to be held (`_clear_locked`).
- Leave the region before the call.
- Make it an `RLock`, if the data are consistent at the inner acquisition; this is what the fix does.

## When it is quiet
- `RLock`, and `Condition()` without a lock of its own, which has one.
- Another instance that is known to be another.
- Non-blocking attempts, and attempts with a timeout, which fail where they would hang.
- A lock whose type is not known counts as re-entrant.

## Bad: a method calls another
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}

    def clear(self) -> None:
        with self._lock:  # (2)
            self._values.clear()

    def put(self, key: str, value: int) -> None:
        with self._lock:  # (1)
            if len(self._values) > 100:
                self.clear()  # LCK501
            self._values[key] = value
```

## Fixed
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._values: dict[str, int] = {}

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def put(self, key: str, value: int) -> None:
        with self._lock:
            if len(self._values) > 100:
                self.clear()
            self._values[key] = value
```

## Bad: a condition made on the lock
```python
import threading


class Mailbox:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._lock:  # (1)
            self._letters.append(letter)
            with self._filled:  # LCK501
                self._filled.notify()
```

## Bad: the error path closes what it is part of
```python
import threading


class Client:
    def __init__(self) -> None:
        self._state_lock = threading.Lock()
        self._open = True

    def close(self) -> None:
        with self._state_lock:  # (3)
            self._open = False

    def _failed(self, error: Exception) -> None:
        print(error)
        self.close()  # (2)

    def send(self, data: bytes) -> None:
        with self._state_lock:  # (1)
            try:
                print(data.decode())
            except UnicodeError as error:
                self._failed(error)  # LCK501
```

## Bad: a property
```python
import threading


class Download:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = 0

    @property
    def progress(self) -> int:
        with self._lock:  # (2)
            return self._done

    def advance(self, count: int) -> None:
        with self._lock:  # (1)
            self._done += count
            print(self.progress)  # LCK501
```

## Bad: an override in another module
The base class calls a method under its lock; a subclass asks it for something that takes the lock.

```python
# file: plugins/base.py
import threading


class Plugin:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.settings: dict[str, str] = {}

    def get(self, key: str) -> str:
        with self.lock:  # (3)
            return self.settings[key]

    def reload(self) -> None:
        with self.lock:  # (1)
            self.settings.clear()
            self.apply()  # LCK501

    def apply(self) -> None:
        raise NotImplementedError
```
```python
# file: plugins/colour.py
from plugins.base import Plugin


class Colour(Plugin):
    def apply(self) -> None:
        print(self.get("colour"))  # (2)
```

## Bad: asyncio locks are not re-entrant either
```python
import asyncio


class Session:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._token = ""

    async def token(self) -> str:
        async with self._lock:  # (2)
            return self._token

    async def login(self) -> None:
        async with self._lock:  # (1)
            self._token = await self.token()  # LCK501
```

## Bad: an alias
```python
import threading


class Counter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.guard = self._lock
        self.value = 0

    def add(self) -> None:
        guard = self.guard
        guard.acquire()  # (1)
        with self._lock:  # LCK501
            self.value += 1
        guard.release()
```

## Bad: a timeout scope only turns the freeze into an error
```python
import asyncio


class Pool:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def release(self) -> None:
        async with self._lock:
            print("released")

    async def get(self) -> None:
        async with asyncio.timeout(5):
            async with self._lock:
                await self.release()  # LCK501
```

## Good: RLock
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._values: dict[str, int] = {}

    def clear(self) -> None:
        with self._lock, self._changed:
            self._values.clear()

    def put(self, key: str, value: int) -> None:
        with self._lock:
            with self._changed:
                self.clear()
                self._values[key] = value
```

## Good: a variant that expects the lock to be held
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}

    def _clear_locked(self) -> None:
        self._values.clear()

    def clear(self) -> None:
        with self._lock:
            self._clear_locked()

    def put(self, key: str, value: int) -> None:
        with self._lock:
            self._clear_locked()
            self._values[key] = value
```

## Good: one region after the other
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def put(self, key: str, value: int) -> None:
        with self._lock:
            full = len(self._values) > 100
        if full:
            self.clear()
        with self._lock:
            self._values[key] = value
```

## Good: another instance
```python
import threading


class Counter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0

    def add(self, count: int) -> None:
        with self._lock:
            self._value += count


class Shop:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sold = Counter()
        self._total = Counter()

    def sell(self) -> None:
        with self._lock:
            self._sold.add(1)
            self._total.add(1)
```

## Good: a non-blocking attempt
```python
import threading


class Saver:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def save(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return False
        try:
            print("saved")
            return True
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self.save()
```

## Good: released before the call
```python
import threading


class Client:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = True

    def close(self) -> None:
        with self._lock:
            self._open = False

    def stop(self) -> None:
        self._lock.acquire()
        busy = self._open
        self._lock.release()
        if busy:
            self.close()
```

## Good: nobody knows what kind of lock it is
```python
class Shared:
    def __init__(self, lock) -> None:
        self._lock = lock
        self._value = 0

    def get(self) -> int:
        with self._lock:
            return self._value

    def add(self) -> None:
        with self._lock:
            self._value = self.get() + 1
```
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.order import impossible
from lockcheck.analysis.repairs import reentrant, unlocked
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.guards import guarded
from lockcheck.analysis.witness import PlaceOfHazard, are, both, certainty, finding, hazards, reached, taken, through
from lockcheck.model.events import Acquire, CriticalPair, Held
from lockcheck.model.findings import Finding
from lockcheck.rules.registry import rule


@rule(code="LCK501", default=True, since="0.1.0", supersedes=("LCK205",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and place where its holder takes it again."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        who = "task" if held[0].lock.domain == "async" else "thread"
        message = (
            f"{both(held)} {are(held)} not re-entrant and already held when it is taken again{through(pair)}: the {who} "
            "waits for itself for ever; call a variant that does not take the lock, or release it before"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "is taken again"), *hazard.others(analysis)]
        variants = unlocked(analysis, pair, held)
        repairs = (*variants[:1], *reentrant(analysis, held), *variants[1:])
        yield finding(analysis, "LCK501", "reentrant-acquire", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in itertools.chain(analysis.holding(), analysis.started()):
        held = tuple(h for h in own if _again(pair, h))
        if held and not impossible(pair) and not guarded(analysis, pair):
            yield pair, held, certainty(pair, held)


def _again(pair: CriticalPair, held: Held) -> bool:
    """Whether the pair takes the very lock that is held, and would wait for it."""
    event = pair.event
    if not isinstance(event, Acquire) or not event.blocking or not event.lock.exclusive:
        return False
    if event.timed and not event.scoped:
        return False
    same = held.lock.path == event.lock.path and certain(event.lock.path)
    return same and not held.lock.reentrant and not event.lock.reentrant and held.mode == event.mode != "read"
