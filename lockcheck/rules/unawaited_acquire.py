"""An asynchronous lock's `acquire()` that nothing awaits.

## What it does
Finds `acquire()` of an asynchronous lock whose coroutine is thrown away or taken for a result, in a coroutine or in a
plain function; likewise `async def acquire` and `async def release` of the program's own locks and semaphores.

## Why it hurts
The coroutine never runs: nothing is held, or nothing is given back. The code behind it works without the lock, and its
`release()` raises or lets a third one in.

## How to repair it
- Await it.
- In a plain function, use a lock of threads.

## When it is quiet
- The coroutine is awaited later, returned, or handed to something that awaits it.

## Bad: in a coroutine
```python
import asyncio

LOCK = asyncio.Lock()


async def add(names: list[str], name: str) -> None:
    LOCK.acquire()  # LCK603
    try:
        names.append(name)
    finally:
        LOCK.release()
```

## Fixed
```python
import asyncio

LOCK = asyncio.Lock()


async def add(names: list[str], name: str) -> None:
    await LOCK.acquire()
    try:
        names.append(name)
    finally:
        LOCK.release()
```

## Bad: in a plain function
```python
import asyncio


class Session:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def update(self, names: list[str]) -> None:
        try:
            self._lock.acquire()  # LCK603
            names.clear()
        finally:
            self._lock.release()
```

## Bad: a release of the program's own
```python
import asyncio


class Permits:
    def __init__(self, count: int) -> None:
        self._inner = asyncio.Semaphore(count)

    async def acquire(self) -> None:
        await self._inner.acquire()

    async def release(self) -> None:
        self._inner.release()


class Streams:
    def __init__(self) -> None:
        self._permits = Permits(10)

    async def open(self, host: str) -> None:
        await self._permits.acquire()
        try:
            await asyncio.open_connection(host, 7000)
        except BaseException:
            self._permits.release()  # LCK603
            raise
```

## Fixed
```python
import asyncio


class Permits:
    def __init__(self, count: int) -> None:
        self._inner = asyncio.Semaphore(count)

    async def acquire(self) -> None:
        await self._inner.acquire()

    async def release(self) -> None:
        self._inner.release()


class Streams:
    def __init__(self) -> None:
        self._permits = Permits(10)

    async def open(self, host: str) -> None:
        await self._permits.acquire()
        try:
            await asyncio.open_connection(host, 7000)
        except BaseException:
            await self._permits.release()
            raise
```

## Good: awaited
```python
import asyncio

LOCK = asyncio.Lock()


async def add(names: list[str], name: str) -> None:
    await LOCK.acquire()
    try:
        names.append(name)
    finally:
        LOCK.release()
```

## Good: awaited under a limit
```python
import asyncio

LOCK = asyncio.Lock()


async def add(names: list[str], name: str) -> None:
    await asyncio.wait_for(LOCK.acquire(), 5)
    try:
        names.append(name)
    finally:
        LOCK.release()
```

## Good: returned to whoever awaits it
```python
import asyncio
from collections.abc import Awaitable

LOCK = asyncio.Lock()


def begin() -> Awaitable[bool]:
    return LOCK.acquire()
```

## Good: a lock of threads
```python
import threading

LOCK = threading.Lock()


def add(names: list[str], name: str) -> None:
    LOCK.acquire()
    try:
        names.append(name)
    finally:
        LOCK.release()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits.points import spelled
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import calls, domains, dropped, operations, tested
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import LockRef, Operation
from lockcheck.model.expression import Attr, Call
from lockcheck.model.findings import Finding
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import AwaitCall
from lockcheck.rules.registry import rule


@rule(code="LCK603", default=True, since="0.1.0", supersedes=("LCK607",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each coroutine that is made and thrown away."""
    seen: dict[FunctionId, set[object]] = {}
    for function, operation in operations(analysis, "acquire"):
        if operation.waits and not operation.handed and not operation.callee:
            body = analysis.program.body(function)
            lost = {span for span, awaited in dropped(body).items() if not awaited} | tested(body)
            if operation.span in lost and _always(analysis, function, operation):
                seen.setdefault(function, set()).add(operation.span)
                yield _finding(analysis, function, operation, named(operation.lock), "acquire")
    for function, operation in _wrappers(analysis):
        yield _finding(analysis, function, operation, named(operation.lock), "release")
    for result in analysis.results:
        for call, word, name in _own(analysis, result.function):
            if call.span not in seen.get(result.function, set()):
                operation = Operation("acquire", LockRef(None, None, None), call.span)
                yield _finding(analysis, result.function, operation, f"`{name}`", word)


def _always(analysis: Analysis, function: FunctionId, operation: Operation) -> bool:
    for call in calls(analysis, function):
        if call.span == operation.span and isinstance(call.func, Attr):
            return domains(analysis, function, call.func.value) <= {"async"}
    return False


def _finding(analysis: Analysis, function: FunctionId, operation: Operation, name: str, word: str) -> Finding:
    facts = analysis.facts(function)
    message = f"`{word}` of {name} is a coroutine that nobody awaits: it does nothing, and nothing is "
    message += "held" if word == "acquire" else "given back"
    message += "; await it" if facts.is_async else f"; await it in a coroutine, `{facts.name}` is none"
    repairs = (AwaitCall(analysis.place(function, operation.span)),) if facts.is_async else ()
    return misuse(analysis, "LCK603", "unawaited-acquire", message, function, operation, repairs=repairs)


def _own(analysis: Analysis, function: FunctionId) -> Iterator[tuple[Call, str, str]]:
    """Calls of `async def acquire` or `async def release` of a class of the program, thrown away."""
    if not {"acquire", "release"} & set(analysis.facts(function).called) or not analysis.program.visit(function):
        return
    lost = dropped(analysis.program.body(function))
    for call in calls(analysis, function):
        if lost.get(call.span, True) or not isinstance(call.func, Attr) or call.func.name not in ("acquire", "release"):
            continue
        targets = analysis.engine.targets.of(call.func, function)
        owners = {analysis.engine.types.owner(t.function) for t in targets}
        both = all(
            o is not None and {"acquire", "release"} <= analysis.engine.hierarchy.own_methods(o).keys() for o in owners
        )
        if targets and both and all(_is_coroutine(analysis, t.function) for t in targets):
            yield call, call.func.name, spelled(call.func.value) or "it"


def _wrappers(analysis: Analysis) -> Iterator[tuple[FunctionId, Operation]]:
    """Calls of `async def release` of a class of the program that is a lock itself, thrown away."""
    classes = {str(cls): cls for cls in analysis.program.classes}
    for function, operation in operations(analysis, "release"):
        kind = operation.lock.kind
        cls = classes.get(kind.name) if kind is not None else None
        method = analysis.engine.hierarchy.method(cls, "release") if cls is not None else None
        if method is not None and not operation.callee and _is_coroutine(analysis, method.function):
            if not dropped(analysis.program.body(function)).get(operation.span, True):
                yield function, operation


def _is_coroutine(analysis: Analysis, function: FunctionId) -> bool:
    facts = analysis.facts(function)
    return facts.is_async and not facts.is_generator
