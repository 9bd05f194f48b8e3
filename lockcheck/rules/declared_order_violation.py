"""A lock is taken against the order that the project has declared.

## What it does
Compares every acquisition under a lock, through any chain of calls in any module, with the order in the
configuration. Each chain names locks by `module.qualname`; a lock is to be taken before those that follow it, in one
chain or through several. A container of locks stands for each lock in it.

```toml
[tool.lockcheck]
lock-order = [
    ["shop.db.LOCK", "shop.cache.Cache._lock"],
    ["shop.cache.Cache._lock", "shop.log.LOCK"],
]
```

A function can declare that it comes last of all, and that nothing may be taken from it on:

```python
# lockcheck: no-locks
def on_signal(number, frame): ...
```

Then every acquisition on any path from it is reported, at the operation in that function, through calls too; attempts
that do not wait are acquisitions as well. The comment stands in the `def` line, on a line of its own directly above
the function and its decorators, or first in the body (a docstring may come before).

## Why it hurts
An order that everybody keeps is what makes a deadlock between several locks impossible. One place that takes them the
other way round is enough to lose that, even while the place it collides with is not written yet.

## How to repair it
- Take the lock that comes first before the other one, where both are needed.
- Release the later lock before taking the earlier one.
- If the place is right, correct the declaration.
- Under `no-locks`: leave the work to others by a flag, a `deque` or a `SimpleQueue`, or take the contract away.

## When it is quiet
- Where no order is declared between two locks.
- An attempt that cannot wait for ever: `blocking=False`, a timeout.
- A re-entrant lock that is held already: taking it again cannot wait.
- Under `no-locks`: what the function makes run elsewhere, in a thread or task, and functions that it only defines.

## Bad: the order is declared, and turned round
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> None:
    with SECOND:  # (1)
        with FIRST:  # LCK304
            pass
```

## Fixed
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> None:
    with FIRST:
        with SECOND:
            pass
```

## Bad: through calls, across modules, by two chains
```toml
# file: lockcheck.toml
lock-order = [["shop.db.LOCK", "shop.cache.Cache._lock"], ["shop.cache.Cache._lock", "shop.log.Log._lock"]]
```
```python
# file: shop/__init__.py
```
```python
# file: shop/db.py
import threading

LOCK = threading.RLock()


def flush() -> None:
    with LOCK:  # (3)
        pass


def close() -> None:
    flush()  # (2)
```
```python
# file: shop/cache.py
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
```
```python
# file: shop/log.py
import threading

from shop import db


class Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def end(self) -> None:
        with self._lock:  # (1)
            db.close()  # LCK304
```

## Bad: nothing may be taken here
```python
# file: app/audit.py
import threading

LOCK = threading.Lock()
SEEN: list[str] = []


def note(text: str) -> None:
    with LOCK:  # (1)
        SEEN.append(text)
```
```python
# file: app/signals.py
from app.audit import note


# lockcheck: no-locks
def stop(number: int, frame: object) -> None:
    note("stopped")  # LCK304
```

## Bad: an attempt is an acquisition too
```python
import threading

LOCK = threading.Lock()


def poll() -> bool:  # lockcheck: no-locks
    if LOCK.acquire(blocking=False):  # LCK304
        LOCK.release()
        return True
    return False
```

## Good: no-locks, and none is taken
```python
import queue
import threading

LOCK = threading.Lock()
EVENTS: "queue.SimpleQueue[str]" = queue.SimpleQueue()


def _work() -> None:
    with LOCK:
        print(EVENTS.get(timeout=1))


def stop(number: int, frame: object) -> None:
    # lockcheck: no-locks

    def later() -> None:
        with LOCK:
            print("later")

    EVENTS.put("stop")
    threading.Thread(target=_work).start()
    print(later)
```

## Good: in the declared order
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> None:
    with FIRST, SECOND:
        pass
```

## Good: one after another
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> None:
    with SECOND:
        pass
    with FIRST:
        pass
```

## Good: no order is declared
```python
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> None:
    with SECOND, FIRST:
        pass
```

## Good: locks of the same name elsewhere
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.Cache._lock", "shop.LOCK"]]
```
```python
# file: shop.py
import threading

LOCK = threading.Lock()


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def sell(self) -> None:
        with LOCK:
            with self._lock:
                pass
```

## Good: an attempt that cannot wait for ever
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def sell() -> bool:
    with SECOND:
        if FIRST.acquire(blocking=False):
            FIRST.release()
            return True
        if FIRST.acquire(timeout=0.1):
            FIRST.release()
            return True
        return False
```

## Good: held already
```toml
# file: pyproject.toml
[tool.lockcheck]
lock-order = [["shop.FIRST", "shop.SECOND"]]
```
```python
# file: shop.py
import threading

FIRST = threading.RLock()
SECOND = threading.Lock()


def count() -> int:
    with FIRST:
        return 1


def sell() -> int:
    with FIRST:
        with SECOND:
            return count()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving, nesting
from lockcheck.analysis.summarise import Analysis
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
from lockcheck.model.events import Acquire, CriticalPair, Held, LockRef
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.identity import AttributeLock, ElementLock, FunctionId, qualified_name
from lockcheck.model.repairs import Advise, Repair, Show, SwapNesting
from lockcheck.model.settings import precedes
from lockcheck.model.source import Span
from lockcheck.rules.registry import rule


@rule(code="LCK304", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition that should have come before another, or that a contract forbids."""
    if analysis.settings.lock_order:
        yield from _against_order(analysis)
    yield from _against_contracts(analysis)


def _against_contracts(analysis: Analysis) -> Iterator[Finding]:
    for function, contracts in sorted(analysis.program.contracts.items()):
        result = analysis.engine.results.get(function)
        if result is not None and any(c.kind == "no-locks" for c in contracts):
            yield from _forbidden(analysis, function, result.pairs)


def _forbidden(analysis: Analysis, function: FunctionId, pairs: tuple[CriticalPair, ...]) -> Iterator[Finding]:
    """One finding for each operation of the function that takes a lock: the nearest that it takes."""
    seen: set[Span] = set()
    for pair in sorted(pairs, key=lambda p: (len(p.trace), -p.confidence, p.trace)):
        event = pair.event
        if not isinstance(event, Acquire) or event.lock.id is None or pair.trace[0].span in seen:
            continue
        seen.add(pair.trace[0].span)
        message = (
            f"{named(event.lock)} is taken{through(pair)}, but the contract of {title(function)} says that nothing is "
            "taken on any path from it; leave that to code without this contract"
        )
        held = (Held(event.lock, event.mode, True, pair.trace),)
        level = Confidence.LOW if event.lock.guessed else pair.confidence
        related = reached(analysis, pair, "is taken")
        advice = f"leave what takes {named(event.lock)} to code without this contract: to a thread, or a queue that it puts into"
        repairs = (Advise(primary(analysis, pair), advice),)
        yield finding(analysis, "LCK304", "declared-order-violation", message, pair, held, related, level, repairs)


def _against_order(analysis: Analysis) -> Iterator[Finding]:
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Acquire)
        name = named(pair.event.lock)
        message = (
            f"{name} is taken{through(pair)} while {both(held)} is held, but `lock-order` says that {name} comes "
            f"first; take it before {both(held)}, or after that is released"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "is taken"), *hazard.others(analysis)]
        repairs = _repairs(analysis, pair, held, name)
        yield finding(analysis, "LCK304", "declared-order-violation", message, pair, held, related, confidence, repairs)


def _repairs(analysis: Analysis, pair: CriticalPair, held: tuple[Held, ...], name: str) -> tuple[Repair, ...]:
    """Swapped where the two are taken right after one another, else taken after the other is released."""
    adjacent = nesting(analysis, pair, held[-1])
    swapped = (SwapNesting(*adjacent),) if adjacent is not None else ()
    advice = f"take {name} before {both(held)}, or after that is released"
    shown = tuple(Show(repair, advice) for repair in (*swapped, *leaving(analysis, pair, held)))
    return (*shown, Advise(primary(analysis, pair), advice))


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Acquire) or not event.blocking or event.timed:
            continue
        if event.lock.reentrant and any(
            h.lock.id == event.lock.id and h.lock.path == event.lock.path for h in pair.held
        ):
            continue
        held = tuple(h for h in own if _against(analysis, event.lock, h))
        if held:
            yield pair, held, certainty(pair, held)


def _against(analysis: Analysis, lock: LockRef, held: Held) -> bool:
    chains = analysis.settings.lock_order
    return any(precedes(chains, inner, outer) for inner in _names(lock) for outer in _names(held.lock))


def _names(lock: LockRef) -> Iterator[str]:
    """The names under which the configuration may speak of a lock: where it is made, and the class at hand."""
    if lock.id is None:
        return
    yield qualified_name(lock.id)
    attribute = lock.id.container if isinstance(lock.id, ElementLock) else lock.id
    if lock.receiver is not None and isinstance(attribute, AttributeLock) and lock.receiver != attribute.owner:
        yield f"{lock.receiver}.{attribute.name}"
