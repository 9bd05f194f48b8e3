"""A queue without a bound lies between a producer and its consumer.

## What it does
Finds queues and channels that are made without a bound where one function puts and another takes. It must be selected:
whether a bound belongs there, only who knows the load can tell.

## Why it hurts
Where the producer is faster than the consumer, or the consumer has stopped, the queue grows until the memory is used up.
Long before that everything in it is stale: what is put now waits behind all that was put before.

## How to repair it
Give it a bound, and decide what happens when it is full:
- block with a timeout, where the producer can wait: `put(item, timeout=…)`;
- drop and count, where an item may be lost: `put_nowait` in a `try`, with a counter in the handler of `Full`;
- reject, where somebody asks and can be told: let `Full` become an error of the caller's.

## When it is quiet
- A bound is given, or what is given as a bound is not known.
- The queue is last in, first out: a store of what is free, not a line.
- One function both puts and takes.
- Only constants are put: signals and sentinels.
- The producer looks at `qsize()` or `full()` before it puts.
- The queue belongs to one call of a function, and each `put` into it stands outside any loop: so many items and no more.

## Bad: a log writer
```python
import queue
import threading


class Writer:
    def __init__(self) -> None:
        self._lines: "queue.Queue[str]" = queue.Queue()  # LCK407
        threading.Thread(target=self._run, daemon=True).start()

    def write(self, line: str) -> None:
        self._lines.put(line)

    def _run(self) -> None:
        while True:
            print(self._lines.get())
```

## Bad: between tasks
```python
import asyncio

JOBS: "asyncio.Queue[str]" = asyncio.Queue()  # LCK407


def add(job: str) -> None:
    JOBS.put_nowait(job)


async def work() -> None:
    while True:
        print(await JOBS.get())
```

## Bad: a SimpleQueue has no bound to give
```python
import queue

EVENTS: "queue.SimpleQueue[str]" = queue.SimpleQueue()  # LCK407


def tell(event: str) -> None:
    EVENTS.put(event)


def listen() -> str:
    return EVENTS.get()
```

## Good: a bound
```python
import queue


class Writer:
    def __init__(self, size: int) -> None:
        self._lines: "queue.Queue[str]" = queue.Queue(maxsize=1000)
        self._rows: "queue.Queue[str]" = queue.Queue(size)

    def write(self, line: str) -> None:
        self._lines.put(line, timeout=1)
        self._rows.put(line, timeout=1)

    def take(self) -> tuple[str, str]:
        return self._lines.get(), self._rows.get()
```

## Good: a bound that callers may give
```python
import queue


class Writer:
    def __init__(self, size: int = 0) -> None:
        self._lines: "queue.Queue[str]" = queue.Queue(size)

    def write(self, line: str) -> None:
        self._lines.put(line)

    def take(self) -> str:
        return self._lines.get()
```

## Good: a store of what is free
```python
import queue


class Pool:
    def __init__(self) -> None:
        self._free: "queue.LifoQueue[str]" = queue.LifoQueue()

    def give(self, name: str) -> None:
        self._free.put(name)

    def take(self) -> str:
        return self._free.get()
```

## Good: one function on both ends
```python
import queue


def order(items: list[int]) -> list[int]:
    heap: "queue.PriorityQueue[int]" = queue.PriorityQueue()
    for item in items:
        heap.put(item)
    return [heap.get() for _ in items]
```

## Good: nothing but signals
```python
import queue


STOP = object()


class Worker:
    def __init__(self) -> None:
        self._wake: "queue.Queue[object]" = queue.Queue()

    def wake(self) -> None:
        self._wake.put(None)

    def stop(self) -> None:
        self._wake.put(STOP)

    def wait(self) -> None:
        self._wake.get()
```

## Good: the producer looks how much is waiting
```python
import queue


class Writer:
    def __init__(self) -> None:
        self._lines: "queue.Queue[str]" = queue.Queue()

    def write(self, line: str) -> None:
        if self._lines.qsize() < 1000:
            self._lines.put(line)

    def take(self) -> str:
        return self._lines.get()
```

## Good: one answer
```python
import queue
import threading


def ask(text: str) -> str:
    answer: "queue.Queue[str]" = queue.Queue()

    def work() -> None:
        answer.put(text.upper())

    threading.Thread(target=work).start()
    return answer.get(timeout=5)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exchange import Exchange, exchanges
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.workers import loop_around
from lockcheck.analysis.witness import title
from lockcheck.model.events import LockRef
from lockcheck.model.expression import Const, Expr, Name
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import FunctionId, LocalLock, lock_name
from lockcheck.model.repairs import Advise
from lockcheck.rules.registry import rule

_LOOKS = {"qsize", "full"}
_POLICIES = (
    "give it a bound and choose what happens when it is full: block with a timeout (`put(item, timeout=…)`), "
    "drop and count (`put_nowait`, a counter in the handler of `Full`), or reject (let `Full` become the caller's error)"
)


@rule(code="LCK407", default=False, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each queue without a bound, where it is made."""
    for exchange in exchanges(analysis):
        queue = exchange.holder
        made = analysis.note(LockRef(queue, None, None))
        puts = [
            (function, call)
            for function, call in exchange.puts
            if not all(_signals(analysis, given, function) for given in call.args)
        ]
        producers = {function for function, _ in puts}
        consumers = {function for function, _ in exchange.gets}
        if made is None or not producers or not consumers or len(producers | consumers) < 2:
            continue
        if any(not _LOOKS.isdisjoint(analysis.facts(f).called) for f in producers) or _bounded(analysis, exchange):
            continue
        putter, put = puts[0]
        taker, get = next(((f, c) for f, c in exchange.gets if f != putter), exchange.gets[0])
        name = lock_name(queue)
        message = (
            f"`{name}` has no bound, and lies between {title(putter)}, which puts, and {title(taker)}, which takes: it "
            "grows for as long as the consumer is slower, or has stopped"
        )
        yield Finding(
            "LCK407",
            "unbounded-queue",
            message,
            Confidence.HIGH,
            made.place,
            (
                Related(analysis.place(putter, put.span), f"{title(putter)} puts"),
                Related(analysis.place(taker, get.span), f"{title(taker)} takes"),
            ),
            (made,),
            symbol=str(putter),
            subject=name,
            repairs=(Advise(made.place, _POLICIES),),
        )


def _signals(analysis: Analysis, given: Expr, function: FunctionId) -> bool:
    """Whether what is put is a constant, or a global of the module that stands for one."""
    if isinstance(given, Name) and not analysis.engine.types.scope(function).binds(given.id):
        return analysis.program.home(function.module, given.id) is not None
    return isinstance(given, Const)


def _bounded(analysis: Analysis, exchange: Exchange) -> bool:
    """Whether a queue of one call gets no more than one item of each function that puts."""
    if not isinstance(exchange.holder, LocalLock):
        return False
    for function, call in exchange.puts:
        if not analysis.program.visit(function) or loop_around(analysis.program.body(function), call.span) is not None:
            return False
    return True
