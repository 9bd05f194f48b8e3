"""Locks are taken in one order here and in another order there.

## What it does
Builds the order graph of the whole program: lock A before lock B wherever B is taken while A is held, across
functions, classes and modules. Each cycle in it, of any length, is reported once: at the inner acquisition of its
rarest edge (the order that the fewest places use, then the first by path and line), with a complete witness for every
edge, each call on the way included. Where the inner lock is taken by a callee, the report stands at the call in the
function that holds the outer one.

## Why it hurts
Two threads meet once in a million runs: the one holds A and wants B, the other holds B and wants A. Both wait for
ever, with everybody who needs either lock behind them. No test shows it, and no log tells of it.

## How to repair it
- Decide on one order and keep to it; write it down in the configuration (`lock-order`), and LCK304 guards it.
- Release the first lock before the second is taken: copy under the one, work under the other.
- Take one lock for both.

## When it is quiet
- Two of the edges hold a common exclusive lock: a gate that lets only one of them happen at a time.
- The inner acquisition cannot block: `blocking=False`, a timeout.
- The inverse order occurs only in an `__init__`, before anybody else knows the object.
- All edges belong to one thread.

## Bad: two methods of one class
```python
import threading


class Bank:
    def __init__(self) -> None:
        self._accounts_lock = threading.Lock()
        self._audit_lock = threading.Lock()
        self._accounts: dict[str, int] = {}
        self._audit: list[str] = []

    def deposit(self, name: str, amount: int) -> None:
        with self._accounts_lock:  # (1)
            with self._audit_lock:  # LCK301
                self._accounts[name] += amount
                self._audit.append(name)

    def replay(self) -> None:
        with self._audit_lock:  # (2)
            with self._accounts_lock:  # (3)
                for name in self._audit:
                    self._accounts[name] = 0
```

## Fixed
```python
import threading


class Bank:
    def __init__(self) -> None:
        self._accounts_lock = threading.Lock()
        self._audit_lock = threading.Lock()
        self._accounts: dict[str, int] = {}
        self._audit: list[str] = []

    def deposit(self, name: str, amount: int) -> None:
        with self._audit_lock:
            with self._accounts_lock:
                self._accounts[name] += amount
                self._audit.append(name)

    def replay(self) -> None:
        with self._audit_lock:
            with self._accounts_lock:
                for name in self._audit:
                    self._accounts[name] = 0
```

## Bad: each side lies in its own module
Neither file shows more than one lock.

```python
# file: chat/room.py
from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.users import Directory


class Room:
    def __init__(self, directory: Directory) -> None:
        self._members_lock = threading.Lock()
        self._members: set[str] = set()
        self._directory = directory

    def enter(self, name: str) -> None:
        with self._members_lock:  # (1)
            self._members.add(name)
            self._directory.touch(name)  # LCK301

    def drop(self, name: str) -> None:
        with self._members_lock:  # (5)
            self._members.discard(name)
```
```python
# file: chat/users.py
from __future__ import annotations

import threading

from chat.room import Room


class Directory:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._rooms: list[Room] = []

    def touch(self, name: str) -> None:
        with self._lock:  # (2)
            self._seen.add(name)

    def remove(self, name: str) -> None:
        with self._lock:  # (3)
            self._seen.discard(name)
            for room in self._rooms:
                room.drop(name)  # (4)
```

## Bad: a cycle of three
```python
import threading

CACHE_LOCK = threading.Lock()
INDEX_LOCK = threading.Lock()
STORE_LOCK = threading.Lock()


def load() -> None:
    with CACHE_LOCK:  # (1)
        with INDEX_LOCK:  # LCK301
            print("load")


def store() -> None:
    with INDEX_LOCK, STORE_LOCK:  # (2) (3)
        print("store")


def evict() -> None:
    STORE_LOCK.acquire()  # (4)
    with CACHE_LOCK:  # (5)
        print("evict")
    STORE_LOCK.release()
```

## Bad: the rare order is reported, not the usual one
```python
import threading


class Table:
    def __init__(self) -> None:
        self.rows_lock = threading.Lock()
        self.index_lock = threading.Lock()

    def insert(self) -> None:
        with self.rows_lock:  # (2)
            with self.index_lock:  # (3)
                print("insert")

    def delete(self) -> None:
        with self.rows_lock, self.index_lock:
            print("delete")

    def rebuild(self) -> None:
        with self.index_lock:  # (1)
            with self.rows_lock:  # LCK301
                print("rebuild")
```

## Bad: the locks of two objects, through a helper
```python
# file: net/peer.py
import threading

from net.router import Router


class Peer:
    def __init__(self, router: Router) -> None:
        self.lock = threading.Lock()
        self.router = router

    def leave(self) -> None:
        with self.lock:  # (1)
            self._forget()  # LCK301

    def _forget(self) -> None:
        self.router.forget(self)  # (2)
```
```python
# file: net/router.py
from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from net.peer import Peer


class Router:
    def __init__(self) -> None:
        self.table_lock = threading.Lock()
        self.table: list[Peer] = []

    def forget(self, peer: Peer) -> None:
        with self.table_lock:  # (3)
            self.table.remove(peer)

    def announce(self, peer: Peer) -> None:
        with self.table_lock:  # (4)
            with peer.lock:  # (5)
                self.table.append(peer)
```

## Good: one order everywhere
```python
import threading


class Bank:
    def __init__(self) -> None:
        self._accounts_lock = threading.Lock()
        self._audit_lock = threading.Lock()
        self._accounts: dict[str, int] = {}
        self._audit: list[str] = []

    def deposit(self, name: str, amount: int) -> None:
        with self._accounts_lock, self._audit_lock:
            self._accounts[name] += amount
            self._audit.append(name)

    def replay(self) -> None:
        with self._accounts_lock:
            with self._audit_lock:
                for name in self._audit:
                    self._accounts[name] = 0
```

## Good: the first lock is released before the second is taken
```python
import threading

A = threading.Lock()
B = threading.Lock()


def forward() -> None:
    with A:
        print("a")
    with B:
        print("b")


def backward() -> None:
    B.acquire()
    print("b")
    B.release()
    with A:
        print("a")
```

## Good: a gate
Whoever takes both holds the gate, so no two of them can meet.

```python
import threading


class Switch:
    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._left = threading.Lock()
        self._right = threading.Lock()

    def forward(self) -> None:
        with self._gate:
            with self._left, self._right:
                print("forward")

    def backward(self) -> None:
        with self._gate:
            with self._right, self._left:
                print("backward")
```

## Good: an attempt, or a timeout
```python
import threading

A = threading.Lock()
B = threading.Lock()


def forward() -> None:
    with A, B:
        print("both")


def backward() -> bool:
    with B:
        if not A.acquire(blocking=False):
            return False
        A.release()
        if not A.acquire(timeout=0.1):
            return False
        try:
            print("both")
            return True
        finally:
            A.release()
```

## Good: an inversion in `__init__` only
```python
import threading


class Journal:
    def __init__(self) -> None:
        self._file_lock = threading.Lock()
        self._index_lock = threading.Lock()
        self._index: dict[str, int] = {}
        with self._index_lock:
            with self._file_lock:
                self._index["start"] = 0

    def write(self, name: str) -> None:
        with self._file_lock:
            with self._index_lock:
                self._index[name] = len(self._index)
```

## Good: both orders in one thread
```python
import threading

_GROWING = threading.Lock()
_SHRINKING = threading.Lock()


def _grow() -> None:
    with _GROWING, _SHRINKING:
        print("grow")


def _shrink() -> None:
    with _SHRINKING, _GROWING:
        print("shrink")


def _run() -> None:
    while True:
        _grow()
        _shrink()


threading.Thread(target=_run, daemon=True).start()
```

## Good: locks of the same name in two classes
```python
import threading


class Reader:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = threading.Lock()

    def read(self) -> None:
        with self._lock, self._state:
            print("read")


class Writer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = threading.Lock()

    def write(self) -> None:
        with self._state, self._lock:
            print("write")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.order import Cycle, OrderGraph, Witness
from lockcheck.analysis.repairs import leaving, nesting, taking_first
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import certainty, ending, named, notes, primary, reached, taken, through, title
from lockcheck.model.findings import Finding, Related
from lockcheck.model.repairs import Repair, SwapNesting
from lockcheck.rules.registry import rule


@rule(code="LCK301", default=True, since="0.1.0", supersedes=("LCK302",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each cycle in the order of the program's locks."""
    for cycle in OrderGraph(analysis).cycles():
        yield _report(analysis, cycle)


def _report(analysis: Analysis, cycle: Cycle) -> Finding:
    witnesses = [witness for _, witness in cycle.steps]
    first = witnesses[0]
    related: list[Related] = []
    for group, witness in enumerate(witnesses, 1):
        related += taken(analysis, (witness.held,), group)
        if group > 1:
            related.append(_inner(analysis, witness, group))
        related += ending(reached(analysis, witness.pair, "is taken", group))
    locks = [witness.held.lock for witness in witnesses]
    names = ", ".join(sorted(named(lock) for lock in locks))
    return Finding(
        "LCK301",
        "inconsistent-lock-order",
        _message(witnesses) + _others(cycle),
        min(certainty(w.pair, (w.held,)) for w in witnesses),
        primary(analysis, first.pair),
        tuple(related),
        notes(analysis, locks),
        symbol=str(first.function),
        subject=names,
        repairs=_repairs(analysis, first),
        sides=tuple(witness.function.qualname for witness in witnesses),
    )


def _others(cycle: Cycle) -> str:
    if cycle.uncounted:
        return f" (at least {cycle.more} more cycles of these locks are not shown: there were too many to count)"
    return f" ({cycle.more} more cycles of these locks are not shown)" if cycle.more else ""


def _repairs(analysis: Analysis, witness: Witness) -> tuple[Repair, ...]:
    """Turn the rarest nesting round, or take the second lock only when the first is released, or before it."""
    taken_here = nesting(analysis, witness.pair, witness.held)
    swap = (SwapNesting(*taken_here),) if taken_here is not None else ()
    after = leaving(analysis, witness.pair, (witness.held,))
    return (*swap, *after, *taking_first(analysis, witness.pair, witness.held))


def _inner(analysis: Analysis, witness: Witness, group: int) -> Related:
    """The place in another side's function at which it comes to want the next lock."""
    step = witness.pair.trace[0]
    what = "is taken" if len(witness.pair.trace) == 1 else "is called"
    return Related(
        primary(analysis, witness.pair), f"`{step.text}` {what} in {title(witness.function)}", group, end=True
    )


def _message(witnesses: list[Witness]) -> str:
    first, others = witnesses[0], witnesses[1:]
    sides = "; ".join(
        f"{title(w.function)} takes {named(w.inner)} while it holds {named(w.held.lock)}{through(w.pair)}"
        for w in others
    )
    return (
        f"{named(first.inner)} is taken while {named(first.held.lock)} is held{through(first.pair)}, but {sides}: "
        "each can wait for the other for ever; take them in one order everywhere"
    )
