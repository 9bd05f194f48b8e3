"""A task is started, and nobody keeps it.

## What it does
Finds `asyncio.create_task`, `loop.create_task` and `asyncio.ensure_future` whose result is thrown away, is assigned to
a local name that is never read, or is only given a callback.

## Why it hurts
An event loop keeps weak references to its tasks. A task that nothing else refers to can be collected as garbage in
the middle of its work: it just stops, at some time, on some machines. And what it raises is never seen.

## How to repair it
- Keep the task as long as it runs: `tasks.add(task); task.add_done_callback(tasks.discard)`.
- Or start it in an `asyncio.TaskGroup`, which keeps it, waits for it and hands on what it raises.

## When it is quiet
- Task groups and nurseries keep their tasks.
- The task is awaited, returned, stored in an attribute or a collection, or handed to a function.
- `ensure_future` of something that is a task or a future already.
- `asyncio.run(main())` keeps its task itself.

## Bad: thrown away
```python
import asyncio


class Session:
    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(30)

    async def open(self) -> None:
        asyncio.create_task(self._keep_alive())  # LCK802
```

## Fixed
```python
import asyncio

_background_tasks: set[object] = set()


class Session:
    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(30)

    async def open(self) -> None:
        task = asyncio.create_task(self._keep_alive())
        _background_tasks.add(task)
        task.add_done_callback(_background_tasks.discard)
```

## Bad: a name that is never read, a loop's method, a callback on nothing
```python
import asyncio


async def work() -> None:
    await asyncio.sleep(1)


async def begin() -> None:
    task = asyncio.create_task(work())  # LCK802
    _ = asyncio.ensure_future(work())  # LCK802
    asyncio.get_running_loop().create_task(work())  # LCK802
    asyncio.create_task(work()).add_done_callback(print)  # LCK802
```

## Bad: a function that only starts and returns it
```python
import asyncio
from collections.abc import Coroutine


def background(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    task.add_done_callback(print)
    return task


class Store:
    async def _save(self) -> None:
        await asyncio.sleep(1)

    def changed(self) -> None:
        background(self._save())  # LCK802
```

## Good: the function keeps it, or its caller does
```python
import asyncio
from collections.abc import Coroutine

RUNNING: set["asyncio.Task[None]"] = set()


def background(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    RUNNING.add(task)
    task.add_done_callback(RUNNING.discard)
    return task


def begin(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    return asyncio.create_task(work)


class Store:
    async def _save(self) -> None:
        await asyncio.sleep(1)

    def changed(self) -> None:
        background(self._save())
        self._saving = begin(self._save())
```

## Good: a task group keeps its tasks
```python
import asyncio


async def work() -> None:
    await asyncio.sleep(1)


async def begin() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(work())
```

## Good: a nursery, and anyio's task group
```python
import anyio
import trio


async def begin() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 1)
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 1)
```

## Good: kept in an attribute, a collection or a closure
```python
import asyncio


class Session:
    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def _work(self) -> None:
        await asyncio.sleep(1)

    def begin(self) -> None:
        self._first = asyncio.create_task(self._work())
        self._tasks.append(asyncio.create_task(self._work()))
        third = asyncio.create_task(self._work())

        def stop() -> None:
            third.cancel()

        self._stop = stop
```

## Good: awaited, returned or handed on
```python
import asyncio


async def work() -> None:
    await asyncio.sleep(1)


async def both() -> None:
    first = asyncio.create_task(work())
    await work()
    await first
    await asyncio.wait([asyncio.create_task(work())])
    await asyncio.create_task(work())


def begin() -> "asyncio.Task[None]":
    return asyncio.create_task(work())
```

## Good: the main coroutine, and a future that somebody has
```python
import asyncio


async def main(future: "asyncio.Future[None]") -> None:
    asyncio.ensure_future(future)


def run(future: "asyncio.Future[None]") -> None:
    asyncio.run(main(future))
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.tasks import MAKERS, called_word, hands_on, makes_task, read_names
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.findings import Finding, Related
from lockcheck.model.flow import Assign, Do, Node
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import KeepTask
from lockcheck.rules.registry import rule


@rule(code="LCK802", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each call that makes a task."""
    functions = sorted({function for word in MAKERS for function in analysis.program.callers(word)})
    for maker in [f for f in functions if hands_on(analysis, f)]:
        yield from _ignored(analysis, maker)
    for function in functions:
        for step in steps(analysis.program.body(function)):
            made = _dropped(analysis, function, step, MAKERS)
            confidence = makes_task(analysis, function, made) if made is not None else None
            if made is None or confidence is None:
                continue
            message = (
                f"nothing keeps the task that `{called_word(made)}` starts: the loop refers to it weakly, so it may be "
                "collected before it is done; keep it in a set until its done callback takes it out"
            )
            place = analysis.place(function, made.span)
            subject = _subject(made)
            yield Finding(
                "LCK802",
                "unreferenced-task",
                message,
                confidence,
                place,
                symbol=str(function),
                subject=subject,
                repairs=(KeepTask(place),),
            )


def _ignored(analysis: Analysis, maker: FunctionId) -> Iterator[Finding]:
    """Calls of a function that returns a task which it does not keep, where the task is thrown away."""
    name = analysis.facts(maker).name
    for function in analysis.program.callers(name):
        for step in steps(analysis.program.body(function)):
            made = _dropped(analysis, function, step, (name,))
            if made is None:
                continue
            targets = analysis.engine.targets.of(made.func, function)
            if [t.function for t in targets] != [maker]:
                continue
            message = (
                f"nothing keeps the task that `{name}` starts and returns: the loop refers to it weakly, so it may be "
                "collected before it is done; keep it in a set until its done callback takes it out"
            )
            place, level = analysis.place(function, made.span), targets[0].confidence
            related = (Related(analysis.place(maker, analysis.facts(maker).span), f"`{name}` does not keep it"),)
            yield Finding(
                "LCK802",
                "unreferenced-task",
                message,
                level,
                place,
                related,
                symbol=str(function),
                subject=name,
                repairs=(KeepTask(place),),
            )


def _dropped(analysis: Analysis, function: FunctionId, step: Node, words: Sequence[str]) -> Call | None:
    """The call by one of some words whose result a statement throws away or gives to a name that nobody reads."""
    match step:
        case Do(value=Call(func=Attr(value=Call() as inner, name="add_done_callback"))):
            return inner if called_word(inner) in words else None
        case Do(value=Call() as call):
            return call if called_word(call) in words else None
        case Assign(targets=(Name(id=name),), value=Call() as call, augmented=False) if called_word(call) in words:
            scope = analysis.engine.types.scope(function)
            return call if scope.binds(name) and not _read(analysis, function, name) else None
        case _:
            return None


def _read(analysis: Analysis, function: FunctionId, name: str) -> bool:
    """Whether a local name is read in a function or in one that is defined inside it."""
    if function.qualname == "<module>" or function.qualname.endswith(".<body>"):
        return True
    inside = f"{function.qualname}.<locals>."
    unit = analysis.program.units[function.module]
    within = [FunctionId(function.module, f.qualname) for f in unit.facts.functions if f.qualname.startswith(inside)]
    return any(
        name in read_names(step)
        for each in (function, *within)
        if each in analysis.program.functions
        for step in steps(analysis.program.body(each))
    )


def _subject(call: Call) -> str:
    """What is started, without line numbers."""
    first = call.args[0] if call.args else None
    return f"{called_word(call)} {called_word(first)}" if isinstance(first, Call) else called_word(call)
