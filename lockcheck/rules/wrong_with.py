"""`with` on an asynchronous lock, or `async with` on a synchronous one.

## What it does
Finds a `with` statement of the sort that the lock does not have.

## Why it hurts
It raises as soon as it is reached: the lock has no `__enter__`, or no `__aenter__`. It hides in paths that are
seldom taken, and in code that was turned from one sort into the other.

## How to repair it
- Use the other keyword; `async with` needs a coroutine.
- Or use the lock of the other sort.

## When it is quiet
- Locks that have both.
- `with await lock`, the old spelling.
- A name that holds a lock of either sort.

## Bad: with on an asyncio lock
```python
import asyncio


class Room:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._members: list[str] = []

    async def join(self, name: str) -> None:
        with self._lock:  # LCK602
            self._members.append(name)
```

## Fixed
```python
import asyncio


class Room:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._members: list[str] = []

    async def join(self, name: str) -> None:
        async with self._lock:
            self._members.append(name)
```

## Bad: async with on a lock of threads
```python
import threading

LOCK = threading.Lock()


async def add(names: list[str], name: str) -> None:
    async with LOCK:  # LCK602
        names.append(name)
```

## Fixed
```python
import threading

LOCK = threading.Lock()


async def add(names: list[str], name: str) -> None:
    with LOCK:
        names.append(name)
```

## Good: each with its own keyword
```python
import asyncio
import threading

TASKS = asyncio.Lock()
THREADS = threading.Lock()


async def add(names: list[str], name: str) -> None:
    async with TASKS:
        names.append(name)
    with THREADS:
        names.append(name)
```

## Good: a lock that has both
```python
import aiologic

LOCK = aiologic.Lock()


def add(names: list[str], name: str) -> None:
    with LOCK:
        names.append(name)


async def join(names: list[str], name: str) -> None:
    async with LOCK:
        names.append(name)
```

## Good: the old spelling
```python
import asyncio

LOCK = asyncio.Lock()


async def add(names: list[str], name: str) -> None:
    with (await LOCK):
        names.append(name)
```

## Good: a lock of either sort
```python
import asyncio
import threading


class Room:
    def __init__(self, in_loop: bool) -> None:
        self._lock = asyncio.Lock() if in_loop else threading.Lock()
        self._members: list[str] = []

    def join(self, name: str) -> None:
        with self._lock:
            self._members.append(name)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import domains, operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import Operation
from lockcheck.model.findings import Finding
from lockcheck.model.flow import Enter
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import SwitchWith
from lockcheck.rules.registry import rule


@rule(code="LCK602", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each `with` of the wrong sort."""
    for function, operation in operations(analysis, "enter"):
        kind = operation.lock.kind
        if kind is None or not _wrong(analysis, function, operation):
            continue
        name = named(operation.lock)
        if operation.waits:
            message = f"{name} is a `{kind.name}`, which `async with` can't take: it needs a plain `with`"
        else:
            message = f"{name} is a `{kind.name}`, which `with` can't take: it needs `async with`, in a coroutine"
        repairs = (SwitchWith(analysis.place(function, operation.span), not operation.waits),)
        yield misuse(analysis, "LCK602", "wrong-with", message, function, operation, repairs=repairs)


def _wrong(analysis: Analysis, function: FunctionId, operation: Operation) -> bool:
    """Whether the lock has no method for this sort of `with`."""
    kind = operation.lock.kind
    library = analysis.engine.library
    if kind is None or library.type(kind.name) is None:
        return False
    if library.method(kind.name, "__aenter__" if operation.waits else "__enter__") is not None:
        return False
    acquire = library.method(kind.name, "acquire")
    awaitable = kind.domain == "async" or (acquire is not None and acquire.awaitable)
    return awaitable is not operation.waits and _always(analysis, function, operation, kind.domain)


def _always(analysis: Analysis, function: FunctionId, operation: Operation, domain: str) -> bool:
    """Whether the lock is of this sort whatever is assigned to its name."""
    for step in steps(analysis.program.body(function)):
        if isinstance(step, Enter) and step.span == operation.span:
            return domains(analysis, function, step.value) <= {domain}
    return False
