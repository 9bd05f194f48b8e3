"""A lock is released that nobody holds.

## What it does
Finds `release()` of a lock that no path of the function, no caller and no other function of the program has taken;
a second release on a path that has given the lock back already; and a `finally` that gives a lock back though the
acquisition inside its `try` may not have succeeded: an awaited one that is cancelled while it waits, or any where only
`locked()` is asked, which tells that somebody holds the lock.

## Why it hurts
It raises `RuntimeError`; or, worse, somebody else holds the lock just then and loses it.

## How to repair it
- Remove it, or take the lock on every path that leads here.
- Take the lock before the `try`, or use `async with`.

## When it is quiet
- Hand-over between functions: one takes it, another gives it back.
- Semaphores as signals.
- A lock that the caller holds.
- A `finally` that asks a flag which is set once the lock is taken.

## Bad: released twice
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> None:
        self._lock.acquire()
        self._items.pop(key, None)
        self._lock.release()
        self._lock.release()  # LCK607
```

## Bad: never taken
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> None:
        self._items.pop(key, None)
        self._lock.release()  # LCK607
```

## Bad: an acquisition that is cancelled while it waits
```python
import asyncio


class Link:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        try:
            await self._lock.acquire()
            await asyncio.wait_for(asyncio.sleep(1), 2)
        finally:
            if self._lock.locked():
                self._lock.release()  # LCK607

    async def send(self) -> None:
        try:
            await self._lock.acquire()
            print("sent")
        finally:
            self._lock.release()  # LCK607
```

## Good: taken before the `try`, or told by a flag
```python
import asyncio
import threading


class Link:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._own = threading.Lock()

    async def open(self) -> None:
        await self._lock.acquire()
        try:
            print("opened")
        finally:
            if self._lock.locked():
                self._lock.release()

    async def send(self) -> None:
        taken = False
        try:
            await self._lock.acquire()
            taken = True
        finally:
            if taken:
                self._lock.release()

    def note(self) -> None:
        try:
            self._own.acquire()
            print("noted")
        finally:
            self._own.release()
```

## Good: handed over
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def begin(self) -> None:
        self._lock.acquire()

    def end(self) -> None:
        self._lock.release()
```

## Good: a semaphore that is a signal
```python
import threading


class Mail:
    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        self._letters.append(letter)
        self._arrived.release()
```

## Good: a pool takes it
```python
import asyncio
import threading

LOCK = threading.Lock()


async def write(names: list[str]) -> None:
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(None, LOCK.acquire)
        names.clear()
    finally:
        LOCK.release()
```

## Good: the caller holds it
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def give(self) -> None:
        self._lock.release()

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self.give()
            self._lock.acquire()
```

## Good: released on each of two paths
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def drop(self, key: str) -> bool:
        self._lock.acquire()
        if key not in self._items:
            self._lock.release()
            return False
        del self._items[key]
        self._lock.release()
        return True
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import blocks, expressions, walk
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import Holders, given, lent, operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import Operation
from lockcheck.model.expression import Attr, Call
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.flow import Block, Branch, Do, Try
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.repairs import Advise, DropStatement
from lockcheck.model.source import Span
from lockcheck.rules.registry import rule


@rule(code="LCK607", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each release of what nobody holds."""
    holders = Holders(analysis)
    finals: dict[FunctionId, dict[Span, tuple[Try, bool]]] = {}
    taken: dict[LockId, list[tuple[FunctionId, Operation]]] = {}
    for function, operation in operations(analysis, "acquire"):
        assert operation.lock.id is not None
        taken.setdefault(operation.lock.id, []).append((function, operation))
    for function, operation in operations(analysis, "release"):
        lock = operation.lock.id
        kind = operation.lock.kind
        assert lock is not None
        assert kind is not None
        if operation.callee or kind.shape not in ("mutex", "condition") or kind.domain == "process":
            continue
        known = taken.get(lock, [])
        if operation.held:
            if function not in finals:
                finals[function] = dict(_given_back(analysis.program.body(function)))
            given_back = finals[function].get(operation.span)
            tried = _tried(*given_back, [o for f, o in known if f == function]) if given_back is not None else None
            if tried is not None:
                yield _unsure(analysis, function, operation, tried)
            continue
        if lock in holders.left or holders.may_hold(function, lock) or any(f != function or o.handed for f, o in known):
            continue
        before = [o for _, o in known if o.span < operation.span]
        if len(before) == len(known) and not given(operation) and (before or not lent(analysis, function, lock)):
            yield _finding(analysis, function, operation, before)


def _finding(analysis: Analysis, function: FunctionId, operation: Operation, before: list[Operation]) -> Finding:
    name = named(operation.lock)
    message = f"{name} is released where nobody holds it: that raises `RuntimeError`"
    if before:
        message = f"{name} is released a second time, when it is not held any more: that raises `RuntimeError`"
    related = [Related(analysis.place(function, o.span), f"{name} is taken") for o in before]
    level = Confidence.HIGH if before else Confidence.MEDIUM
    place = analysis.place(function, operation.span)
    advice = Advise(place, "remove it, or take the lock on every way that leads here")
    repairs = (DropStatement(place), advice) if before else (advice,)
    return misuse(
        analysis,
        "LCK607",
        "release-without-acquire",
        message + "; remove it",
        function,
        operation,
        related,
        level,
        repairs,
    )


def _tried(node: Try, asked: bool, taken: list[Operation]) -> Operation | None:
    """The acquisition in the body of a `try` that may have failed when its `finally` gives the lock back."""
    inside = _calls(node.body)
    unsure = [o for o in taken if o.waits or (asked and (o.attempt or o.timed))]
    own = [o for o in unsure if o.span in inside and not o.handed]
    return own[0] if own and all(o.span >= own[0].span for o in taken) else None


def _given_back(nodes: Block) -> Iterator[tuple[Span, tuple[Try, bool]]]:
    """The calls that a `finally` makes on every way through it, or where a `locked()` says so (True), and its `try`."""
    for node in nodes:
        if isinstance(node, Try):
            for last in node.final:
                if isinstance(last, Do):
                    yield from dict.fromkeys(_calls((last,)), (node, False)).items()
                elif isinstance(last, Branch) and _asks_locked(last):
                    yield from dict.fromkeys(_calls(last.then), (node, True)).items()
        for inner in blocks(node):
            yield from _given_back(inner)


def _asks_locked(node: Branch) -> bool:
    asked = [c.func.name for c in walk(node.test) if isinstance(c, Call) and isinstance(c.func, Attr)]
    return asked == ["locked"]


def _calls(nodes: Block) -> set[Span]:
    """The calls that statements make, those inside them included."""
    found = {c.span for node in nodes for e in expressions(node) for c in walk(e) if isinstance(c, Call)}
    return found.union(*(_calls(inner) for node in nodes for inner in blocks(node)))


def _unsure(analysis: Analysis, function: FunctionId, operation: Operation, taken: Operation) -> Finding:
    name = named(operation.lock)
    why = "is cancelled while it waits" if taken.waits else "fails"
    message = (
        f"{name} is released here even where the acquisition in the `try` {why}: then somebody else loses it, or it "
        "raises `RuntimeError`; take the lock before the `try`"
    )
    related = [Related(analysis.place(function, taken.span), f"{name} is taken inside the `try`")]
    repairs = (Advise(analysis.place(function, operation.span), f"take {name} before the `try`"),)
    level = Confidence.MEDIUM
    return misuse(analysis, "LCK607", "release-without-acquire", message, function, operation, related, level, repairs)
