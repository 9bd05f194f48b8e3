"""A condition is notified, or waited for, while it is not held; or a helper that needs its lock is called without it.

## What it does
Finds `notify`, `notify_all` and `wait` on a condition that neither the function nor a caller holds. The same is asked
of functions whose contract says that the caller holds a lock:

```python
# lockcheck: holds self._lock
def _drop(self, key): ...
```

Inside, the lock counts as held from the first statement on; a call without it is reported. The comment stands in the
`def` line, on a line of its own directly above the function and its decorators, or first in the body (a docstring may
come before). It names one lock or several, with commas: `self._lock`, `cls._lock`, `LOCK`, `pool.lock` for a
parameter `pool`. What happens under the lock inside such a function is told of the caller that is seen to hold it,
and of the function itself where none is.

## Why it hurts
It raises `RuntimeError`, in a path that is seldom taken, and whoever waits is not woken. A helper that counts on its
caller's lock raises nothing: it reads and writes what others change just then.

## How to repair it
- Put it under `with condition:`, and the call of the helper under its lock.
- Where the caller's own caller holds the lock, give the caller the same contract.

## When it is quiet
- A helper whose every caller holds it.
- Two conditions on one lock: holding one is holding both.
- A class that takes and leaves the lock by methods of its own.
- A private caller all of whose callers hold the lock, and a constructor, whose object nobody else knows yet.

## Bad: notified outside
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
        self._changed.notify()  # LCK606
```

## Bad: waited for outside
```python
import asyncio

CHANGED = asyncio.Condition()


async def changed() -> None:
    while True:
        await CHANGED.wait()  # LCK606
```

## Bad: a contract that a caller does not keep
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    # lockcheck: holds self._lock
    def _drop(self, key: str) -> None:  # (1)
        self._items.pop(key, None)

    def drop(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def forget(self, key: str) -> None:
        self._drop(key)  # LCK606
```

## Fixed
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    # lockcheck: holds self._lock
    def _drop(self, key: str) -> None:
        self._items.pop(key, None)

    def drop(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def forget(self, key: str) -> None:
        with self._lock:
            self._drop(key)
```

## Bad: across modules, the lock of a parameter
```python
# file: shop/stock.py
import threading


class Stock:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.goods: list[str] = []


def take(stock: Stock) -> str:  # lockcheck: holds stock.lock
    return stock.goods.pop()
```
```python
# file: shop/sale.py
from shop.stock import Stock, take


def sell(stock: Stock) -> str:
    with stock.lock:
        first = take(stock)
    return first + take(stock)  # LCK606
```

## Good: notified inside
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
            self._changed.notify()
```

## Good: a helper whose caller holds it
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def wake(self) -> None:
        self._changed.notify_all()

    def put(self, letter: str) -> None:
        with self._changed:
            self._letters.append(letter)
            self.wake()
```

## Good: two conditions on one lock
```python
import threading


class Line:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._emptied:
            while self._letters:
                self._emptied.wait()
            self._letters.append(letter)
            self._filled.notify()
```

## Good: a condition for each who waits, all on one lock
```python
import threading


class Line:
    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiters: list[threading.Condition] = []

    def wait(self) -> None:
        with self._lock:
            mine = threading.Condition(self._lock)
            self._waiters.append(mine)
            while mine in self._waiters:
                mine.wait(1)

    def wake(self) -> None:
        with self._lock:
            if self._waiters:
                self._waiters[0].notify()
```

## Good: a contract that every caller holds to
One has the same contract, one is private and its own caller holds the lock, and a constructor needs none.

```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}
        self._put("first", "")

    def _put(self, key: str, value: str) -> None:  # lockcheck: holds self._lock
        self._items[key] = value

    def _swap(self, key: str, other: str) -> None:
        # lockcheck: holds self._lock
        self._put(key, other)
        self._put(other, key)

    def _twice(self, key: str) -> None:
        self._put(key, key)

    def fill(self, key: str) -> None:
        with self._lock:
            self._swap(key, "")
            self._twice(key)
```

## Good: methods that take and leave it
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def begin(self) -> None:
        self._changed.acquire()

    def end(self) -> None:
        self._changed.release()

    def wake(self) -> None:
        self._changed.notify_all()
```

## Good: a condition that the caller gives
```python
import threading


def settle(changed: threading.Condition, seconds: float) -> bool:
    return changed.wait(seconds)


class Box:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def wait(self) -> bool:
        with self._lock:
            return settle(self._changed, 5)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import Holders, given, operations
from lockcheck.analysis.witness import misuse, named, title
from lockcheck.model.events import Need
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import Advise, TakeLock
from lockcheck.rules.registry import rule


@rule(code="LCK606", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each notification or wait outside the lock, and for each call that breaks a contract."""
    yield from _conditions(analysis)
    yield from _contracts(analysis)


def _conditions(analysis: Analysis) -> Iterator[Finding]:
    holders = Holders(analysis)
    for function, operation in operations(analysis, "notify", "wait"):
        lock = operation.lock.id
        assert lock is not None
        if operation.held or given(operation) or lock in holders.left or holders.may_hold(function, lock):
            continue
        verb = "notified" if operation.action == "notify" else "waited for"
        message = (
            f"{named(operation.lock)} is {verb} while it is not held: that raises `RuntimeError`; put it under "
            f"`{'async with' if operation.lock.domain == 'async' else 'with'}` of the condition"
        )
        place = analysis.place(function, operation.span)
        repairs = (
            TakeLock(place, operation.lock.domain == "async"),
            Advise(place, f"do it while {named(operation.lock)} is held"),
        )
        level = Confidence.MEDIUM
        yield misuse(
            analysis, "LCK606", "notify-without-lock", message, function, operation, (), level, repairs=repairs
        )


def _contracts(analysis: Analysis) -> Iterator[Finding]:
    for result in analysis.results:
        function = result.function
        for need in result.needs:
            lock = need.lock
            if need.held or lock.id is None or lock.id in analysis.entry(function):
                continue
            if analysis.within_construction(function, need.span.row):
                continue
            yield _broken(analysis, function, need)


def _broken(analysis: Analysis, function: FunctionId, need: Need) -> Finding:
    name = named(need.lock)
    advice = "take it here, or give this function the same contract"
    message = (
        f"{title(need.callee)} is called while {name} is not held, but its contract says that the caller holds it: "
        f"what the lock guards may change in between; {advice}"
    )
    callee = Related(analysis.place(need.callee, analysis.facts(need.callee).span), f"is to be called with {name} held")
    note = analysis.note(need.lock)
    return Finding(
        "LCK606",
        "notify-without-lock",
        message,
        Confidence.HIGH if analysis.program.has_blocks(function) else Confidence.MEDIUM,
        analysis.place(function, need.span),
        (callee,),
        (note,) if note is not None else (),
        symbol=str(function),
        subject=f"{name} {need.callee.qualname}",
        repairs=(Advise(analysis.place(function, need.span), f"{advice} (`# lockcheck: holds …`)"),),
    )
