"""A process is joined before the queue that it puts into is drained.

## What it does
Finds functions that join a process, without a timeout, and only then take from a `multiprocessing` queue that the
process was given.

## Why it hurts
A process that has put items into a `multiprocessing.Queue` does not end before its feeder thread has written them all
into a pipe. The pipe holds some 64 KiB. Beyond that the child waits for somebody to read, and the parent, who would,
waits for the child.

## How to repair it
Take the results first and join then. If the number of results is not known, let the child put a sentinel at the end.

## When it is quiet
- The queue is drained before the join.
- The join has a timeout.
- The queue is not handed to the process, or is a queue of threads.

## Bad: join, then get
```python
import multiprocessing


def _work(results: "multiprocessing.Queue[bytes]") -> None:
    results.put(b"x" * 1_000_000)


def run() -> bytes:
    results: "multiprocessing.Queue[bytes]" = multiprocessing.Queue()
    process = multiprocessing.Process(target=_work, args=(results,))
    process.start()
    process.join()  # LCK405
    return results.get()
```

## Bad: several processes
```python
from multiprocessing import Process, Queue


def work(number: int, results: Queue) -> None:
    results.put(list(range(number)))


def run(count: int) -> list[int]:
    results = Queue()
    processes = [Process(target=work, args=(number, results)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()  # LCK405
    return [len(results.get()) for _ in processes]
```

## Good: drained before
```python
import multiprocessing


def work(results: "multiprocessing.Queue[bytes]") -> None:
    results.put(b"x" * 1_000_000)


def run() -> bytes:
    results: "multiprocessing.Queue[bytes]" = multiprocessing.Queue()
    process = multiprocessing.Process(target=work, args=(results,))
    process.start()
    found = results.get(timeout=60)
    process.join()
    return found
```

## Good: a timeout
```python
import multiprocessing


def work(results: "multiprocessing.Queue[int]") -> None:
    results.put(1)


def run() -> int:
    results: "multiprocessing.Queue[int]" = multiprocessing.Queue()
    process = multiprocessing.Process(target=work, args=(results,))
    process.start()
    process.join(timeout=10)
    return results.get(timeout=1)
```

## Good: a thread and its queue
```python
import queue
import threading


def work(results: "queue.Queue[int]") -> None:
    results.put(1)


def run() -> int:
    results: "queue.Queue[int]" = queue.Queue()
    thread = threading.Thread(target=work, args=(results,))
    thread.start()
    thread.join()
    return results.get(timeout=1)
```

## Good: another queue
```python
import multiprocessing


def work(number: int) -> None:
    print(number)


def run() -> int:
    results: "multiprocessing.Queue[int]" = multiprocessing.Queue()
    results.put(1)
    process = multiprocessing.Process(target=work, args=(1,))
    process.start()
    process.join()
    return results.get(timeout=1)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import LibraryInstance, QueueValue, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import notes, primary
from lockcheck.model.events import Block, CriticalPair, LockRef, QueueWait
from lockcheck.model.expression import Call
from lockcheck.model.findings import Finding, Related
from lockcheck.model.identity import FunctionId, LockId, lock_name
from lockcheck.model.repairs import Advise, MoveBehind
from lockcheck.model.source import Span
from lockcheck.rules.registry import rule


@rule(code="LCK405", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each join of a process whose queue is taken from only behind it."""
    for result in analysis.results:
        joins = [p for p in result.pairs if len(p.trace) == 1 and _joins_process(p)]
        pairs = [p for p in result.pairs if len(p.trace) == 1] if joins else []
        for queue, handed in _handed(analysis, result.function) if joins else ():
            gets = [p for p in pairs if isinstance(p.event, QueueWait) and p.event.queue == queue and _gets(p)]
            drained = min((p.trace[0].span for p in gets), default=None)
            early = min((p for p in joins if p.trace[0].span > handed), key=lambda p: p.trace[0].span, default=None)
            if drained is None or early is None or drained < early.trace[0].span:
                continue
            name = lock_name(queue)
            place, taking = primary(analysis, early), analysis.place(result.function, drained)
            yield Finding(
                "LCK405",
                "join-before-drain",
                f"the process is joined before `{name}`, which it was given, is drained: it does not end until somebody "
                "reads what it has put; take the items first",
                early.confidence,
                place,
                (
                    Related(analysis.place(result.function, handed), f"the process is given `{name}`"),
                    Related(taking, f"`{name}` is taken from only here"),
                ),
                notes(analysis, (LockRef(queue, None, None),)),
                symbol=str(result.function),
                subject=name,
                repairs=(
                    MoveBehind(place, taking),
                    Advise(place, f"take the items of `{name}` before the process is joined"),
                ),
            )


def _joins_process(pair: CriticalPair) -> bool:
    event = pair.event
    waits = isinstance(event, Block) and event.category == "join" and not event.timed and not event.bounded
    return waits and isinstance(event, Block) and "rocess" in event.name


def _gets(pair: CriticalPair) -> bool:
    return isinstance(pair.event, QueueWait) and pair.event.operation == "get"


def _handed(analysis: Analysis, function: FunctionId) -> Iterator[tuple[LockId, Span]]:
    """Queues between processes that a function gives to a process that it makes, and where."""
    types = analysis.engine.types
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            for call in walk(expr):
                if not isinstance(call, Call) or not _is_process(analysis, call, function):
                    continue
                for inner in walk(call):
                    for value in options(types.evaluate(inner, function)):
                        if (
                            isinstance(value, QueueValue)
                            and value.kind.domain == "process"
                            and value.holder is not None
                        ):
                            yield value.holder, call.span


def _is_process(analysis: Analysis, call: Call, function: FunctionId) -> bool:
    made = options(analysis.engine.types.evaluate(call, function))
    library = analysis.engine.library
    return any(isinstance(v, LibraryInstance) and library.is_subtype(v.type, "multiprocessing.Process") for v in made)
