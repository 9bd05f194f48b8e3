"""A lock that is created, used and dropped in one call.

## What it does
Finds a lock in a local name, or made in the `with` itself, that nobody else can see.

## Why it hurts
Every call makes a lock of its own, so two calls never exclude each other. The code looks guarded and is not.

## How to repair it
- Make the lock where the state is that it guards: in the object or the module.

## When it is quiet
- It escapes to a closure, a thread, a task, an attribute, a container, or the caller.
- Locks that a name or a file identifies (file locks, locks of a server).

## Bad: a local name
```python
import threading


def add(names: list[str], name: str) -> None:
    lock = threading.Lock()
    with lock:  # LCK604
        names.append(name)
```

## Bad: made in the with
```python
import asyncio


async def add(names: list[str], name: str) -> None:
    async with asyncio.Lock():  # LCK604
        names.append(name)
```

## Good: it escapes to a closure
```python
import threading
from collections.abc import Callable


def counter() -> Callable[[], int]:
    lock = threading.Lock()
    count = 0

    def step() -> int:
        nonlocal count
        with lock:
            count += 1
            return count

    with lock:
        count = 1
    return step
```

## Good: it is given to a thread
```python
import threading


def work(lock: threading.Lock, names: list[str]) -> None:
    with lock:
        names.append("thread")


def start(names: list[str]) -> None:
    lock = threading.Lock()
    thread = threading.Thread(target=work, args=(lock, names))
    thread.start()
    with lock:
        names.append("main")
    thread.join()
```

## Good: kept in an attribute
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, str] = {}

    def renew(self) -> None:
        lock = threading.Lock()
        self._lock = lock
        with lock:
            self._items.clear()
```

## Good: a file is the lock
```python
from filelock import FileLock


def add(path: str, line: str) -> None:
    lock = FileLock(path + ".lock")
    with lock, open(path, "a") as file:
        file.write(line)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import LibraryInstance, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import LockRef, Operation
from lockcheck.model.expression import Attr, Call, Const, Expr, Name
from lockcheck.model.facts import MODULE
from lockcheck.model.findings import Finding
from lockcheck.model.flow import Enter, Node
from lockcheck.model.identity import FunctionId, LocalLock
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule


@rule(code="LCK604", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock that never leaves the call that makes it."""
    seen: set[object] = set()
    for function, operation in operations(analysis, "enter", "acquire"):
        lock = operation.lock.id
        if not isinstance(lock, LocalLock) or lock.function != function or lock in seen:
            continue
        seen.add(lock)
        if _unshared(analysis, function, lock.name):
            yield _finding(analysis, function, operation, named(operation.lock))
    for result in analysis.results:
        if result.function.qualname == MODULE or result.function.qualname.endswith(".<body>"):
            continue
        if not analysis.facts(result.function).qualifies:
            continue  # no `with` of it may be over a lock
        for step in steps(analysis.program.body(result.function)):
            if (
                isinstance(step, Enter)
                and isinstance(step.value, Call)
                and _made(analysis, result.function, step.value)
            ):
                operation = Operation("enter", LockRef(None, None, None), step.span)
                yield _finding(analysis, result.function, operation, "The lock")


def _finding(analysis: Analysis, function: FunctionId, operation: Operation, name: str) -> Finding:
    message = (
        f"{name} is made anew in each call of `{analysis.facts(function).name}` and nobody else sees it: it excludes "
        "nobody; keep it in the object or the module whose state it guards"
    )
    advice = "make it once: in `__init__` as an attribute of the object whose state it guards, or in the module"
    repairs = (Advise(analysis.place(function, operation.span), advice),)
    return misuse(analysis, "LCK604", "unshared-lock", message, function, operation, repairs=repairs)


def _made(analysis: Analysis, function: FunctionId, call: Call) -> bool:
    """Whether a call makes a lock that nothing but the object itself identifies."""
    if any(
        not isinstance(a, Const) or isinstance(a.value, str) for a in (*call.args, *(k.value for k in call.keywords))
    ):
        return False
    library = analysis.engine.library
    for option in options(analysis.engine.types.evaluate(call, function)):
        described = library.type(option.type) if isinstance(option, LibraryInstance) else None
        if described is None or described.lock is None or described.lock.domain == "process":
            return False
        if not isinstance(option, LibraryInstance) or option.origin is None or option.origin.call != call:
            return False
    return True


def _unshared(analysis: Analysis, function: FunctionId, name: str) -> bool:
    """Whether a local name gets one new lock, and is only ever taken and given back, here."""
    scope = analysis.engine.types.scope(function)
    bound = scope.bindings.get(name, ())
    if len(bound) != 1 or name in scope.parameters or not isinstance(bound[0].expr, Call) or bound[0].how != "value":
        return False
    if not _made(analysis, function, bound[0].expr):
        return False
    inner = f"{function.qualname}.<locals>."
    for other in analysis.program.functions_of(function.module):
        if other.qualname.startswith((inner, f"{function.qualname}.<lambda")) and _mentions(analysis, other, name):
            return False
    return all(not _escapes(step, name) for step in steps(analysis.program.body(function)))


def _mentions(analysis: Analysis, function: FunctionId, name: str) -> bool:
    for step in steps(analysis.program.body(function)):
        if any(isinstance(e, Name) and e.id == name for expr in expressions(step) for e in walk(expr)):
            return True
    return False


def _escapes(step: Node, name: str) -> bool:
    """Whether a step does more with the lock than to take it, give it back or bind it."""
    if isinstance(step, Enter) and step.value == Name(name):
        return step.target is not None
    for expr in expressions(step):
        if expr != Name(name) and _used(expr, name):
            return True
        if expr == Name(name) and not _binds(step, name):
            return True
    return False


def _binds(step: Node, name: str) -> bool:
    return Name(name) in getattr(step, "targets", ())


def _used(expr: Expr, name: str) -> bool:
    called = {id(e.func.value) for e in walk(expr) if isinstance(e, Call) and isinstance(e.func, Attr)}
    return any(isinstance(e, Name) and e.id == name and id(e) not in called for e in walk(expr))
