"""Two locks of one family are nested in no fixed order.

## What it does
Finds two locks of one kind of object nested in each other, where nothing says which comes first: the same attribute
of two objects of a class, two keys of a dictionary of locks. It stands at the inner acquisition, or at the call that
leads to it.

## Why it hurts
`a.transfer(b)` locks a, then b. `b.transfer(a)` locks b, then a. Let two threads do both at once, and each waits for
the other for ever. With `a.transfer(a)` one thread is enough.

## How to repair it
- Take the locks sorted by something that both objects have and that never changes: a number, a name, `id`.
- Take one after the other, not one inside the other.
- Use one lock for the whole family.

## When it is quiet
- The objects are sorted by a key, or swapped after a comparison, before they are locked.
- The one is the parent of the other: the order follows the structure.
- The second acquisition cannot block.
- Only one thread ever comes there.

## Bad: two accounts
```python
import threading


class Account:
    def __init__(self, balance: int) -> None:
        self._lock = threading.Lock()
        self._balance = balance

    def transfer(self, other: "Account", amount: int) -> None:
        with self._lock:  # (1)
            with other._lock:  # LCK302
                self._balance -= amount
                other._balance += amount
```

## Fixed
```python
import threading


class Account:
    def __init__(self, balance: int) -> None:
        self._lock = threading.Lock()
        self._balance = balance

    def transfer(self, other: "Account", amount: int) -> None:
        first, second = sorted((self, other), key=id)
        with first._lock:
            with second._lock:
                self._balance -= amount
                other._balance += amount
```

## Bad: two keys of a dictionary of locks
```python
import threading
from collections import defaultdict


class Files:
    def __init__(self) -> None:
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def rename(self, source: str, target: str) -> None:
        with self._locks[source], self._locks[target]:  # LCK302 (1)
            print(source, target)
```

## Bad: the second lock is taken by a method of the other object
```python
# file: depot/shelf.py
from __future__ import annotations

import threading


class Shelf:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._boxes: list[str] = []

    def put(self, box: str) -> None:
        with self._lock:  # (2)
            self._boxes.append(box)

    def move_to(self, other: Shelf) -> None:
        with self._lock:  # (1)
            while self._boxes:
                other.put(self._boxes.pop())  # LCK302
```

## Bad: objects that come as parameters
```python
# file: mesh/node.py
import threading


class Node:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.peers: set["Node"] = set()
```
```python
# file: mesh/link.py
from mesh.node import Node


def connect(one: Node, other: Node) -> None:
    one.lock.acquire()  # (1)
    try:
        with other.lock:  # LCK302
            one.peers.add(other)
            other.peers.add(one)
    finally:
        one.lock.release()
```

## Good: sorted by a key
```python
import threading


class Account:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lock = threading.Lock()
        self.balance = 0


def transfer(source: Account, target: Account, amount: int) -> None:
    first, second = sorted((source, target), key=lambda account: account.number)
    with first.lock, second.lock:
        source.balance -= amount
        target.balance += amount
```

## Good: swapped after a comparison
```python
import threading


class Account:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lock = threading.Lock()
        self.balance = 0


def transfer(source: Account, target: Account, amount: int) -> None:
    first, second = source, target
    if first.number > second.number:
        first, second = second, first
    with first.lock:
        with second.lock:
            source.balance -= amount
            target.balance += amount
```

## Good: from the parent to the children
```python
import threading


class Folder:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: list["Folder"] = []
        self._size = 0

    def size(self) -> int:
        with self._lock:
            return self._size + sum(child.size() for child in self._children)
```

## Good: an attempt that cannot block
```python
import threading


class Account:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._balance = 0

    def transfer(self, other: "Account", amount: int) -> bool:
        with self._lock:
            if not other._lock.acquire(blocking=False):
                return False
            try:
                self._balance -= amount
                other._balance += amount
                return True
            finally:
                other._lock.release()
```

## Good: one after the other
```python
import threading


class Account:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._balance = 0

    def transfer(self, other: "Account", amount: int) -> None:
        with self._lock:
            self._balance -= amount
        with other._lock:
            other._balance += amount
```

## Good: two families
```python
import threading


class Buyer:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.goods = 0


class Seller:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.goods = 1


def trade(buyer: Buyer, seller: Seller) -> None:
    with buyer.lock, seller.lock:
        buyer.goods += 1
        seller.goods -= 1
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.instances import comes_back, nested
from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.order import Witness, nestings, one_family
from lockcheck.analysis.repairs import nesting
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.objects import Together
from lockcheck.analysis.witness import PlaceOfHazard, both, certainty, finding, hazards, reached, taken, through
from lockcheck.model.expression import Attr, Call, Compare, Expr, Name
from lockcheck.model.findings import Finding
from lockcheck.model.flow import Block, For
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path
from lockcheck.model.repairs import TakeSorted
from lockcheck.rules.registry import rule

_ORDERING = {"<", ">", "<=", ">="}


@rule(code="LCK302", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each place that nests two locks of one family in no fixed order."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        message = (
            f"two different {both(held)} are nested{through(pair)} in no fixed order: another thread may take "
            "the same two the other way round, and each waits for the other for ever; take them sorted by a key"
        )
        related = [
            *taken(analysis, held),
            *reached(analysis, pair, "of another object is taken"),
            *hazard.others(analysis),
        ]
        both_taken = nesting(analysis, pair, held[0])
        repairs = (TakeSorted(*both_taken),) if both_taken is not None else ()
        yield finding(analysis, "LCK302", "unordered-instances", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    known: list[tuple[Witness, Together]] = []
    for witness in nestings(analysis):
        if one_family(analysis, witness.held.lock, witness.inner):
            ways = nested(analysis, witness)
            if ways is not None:
                known.append((witness, ways))
            elif _unordered(analysis, witness):
                yield witness.pair, (witness.held,), certainty(witness.pair, (witness.held,))
    for witness, ways in known:
        if any(comes_back(analysis, witness, way, known) for way in sorted(ways)):
            yield witness.pair, (witness.held,), certainty(witness.pair, (witness.held,))


def _unordered(analysis: Analysis, witness: Witness) -> bool:
    """Whether the two locks hang on two objects that the function was given, and it has not compared them."""
    if witness.gates() or analysis.entry(witness.function):
        return False
    row = witness.pair.trace[0].span.row
    if analysis.threads.apart(witness.function, row, witness.function, row, one_object=False):
        return False
    if _piled_up(analysis, witness):
        return True
    outer, inner = witness.held.lock.path, witness.inner.path
    if outer is None or inner is None or outer == inner or not certain(outer) or not certain(inner):
        return False
    if outer.root == inner.root:
        names = _key_names(outer, inner)
        given = analysis.engine.types.scope(witness.function)
        free = all(name in given.parameters and name not in given.bindings for name in names)
        return free and _two_keys(outer, inner) and not _compared(analysis, witness.function, names)
    roots = (outer.root, inner.root)
    if not all(isinstance(r, ParameterRoot | FreeRoot) for r in roots):
        return False
    names = {r.name for r in roots if isinstance(r, ParameterRoot | FreeRoot)}
    return len(outer.steps) == len(inner.steps) and not _compared(analysis, witness.function, names)


def _piled_up(analysis: Analysis, witness: Witness) -> bool:
    """Whether a loop takes one lock after another in the order in which its caller names them."""
    step = witness.pair.trace[0]
    if len(witness.pair.trace) > 1 or witness.held.trace[0] != step:
        return False
    given = analysis.engine.types.scope(witness.function)
    for loop in _loops(analysis.program.body(witness.function)):
        iterable = loop.head.iterable
        inside = any(
            isinstance(e, Call) and e.span == step.span
            for s in steps(loop.body)
            for x in expressions(s)
            for e in walk(x)
        )
        if inside and isinstance(iterable, Name):
            free = iterable.id in given.parameters and iterable.id not in given.bindings
            return free and not _sorted_in_place(analysis.program.body(witness.function), iterable)
    return False


def _sorted_in_place(nodes: Block, name: Name) -> bool:
    calls = (e for step in steps(nodes) for x in expressions(step) for e in walk(x) if isinstance(e, Call))
    return any(isinstance(c.func, Attr) and c.func.name == "sort" and c.func.value == name for c in calls)


def _loops(nodes: Block) -> Iterator[For]:
    for node in nodes:
        if isinstance(node, For):
            yield node
        for inner in blocks(node):
            yield from _loops(inner)


def _two_keys(outer: Path, inner: Path) -> bool:
    """Whether two paths differ in one subscript only, by two names: `locks[a]` and `locks[b]`."""
    if len(outer.steps) != len(inner.steps):
        return False
    different = [(a, b) for a, b in zip(outer.steps, inner.steps, strict=True) if a != b]
    return len(different) == 1 and all(step.startswith("[") and not step.startswith("[=") for step in different[0])


def _key_names(outer: Path, inner: Path) -> set[str]:
    steps_ = {s for path in (outer, inner) for s in path.steps if s.startswith("[")}
    return {s.rpartition(":")[2].rstrip("]").partition(".")[0] for s in steps_}


def _compared(analysis: Analysis, function: FunctionId, names: set[str]) -> bool:
    """Whether the function compares the two objects, or sorts: it knows about the order."""
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Compare) and inner.operator in _ORDERING:
                    if len(names & {_root(inner.left), _root(inner.right)}) == 2:
                        return True
    return False


def _root(expr: Expr) -> str:
    """The name that a side of a comparison is about: `a`, `a.id`, `id(a)`."""
    for inner in walk(expr):
        if isinstance(inner, Name) and inner.id not in ("id", "hash", "str", "repr"):
            return inner.id
    return ""
