"""`Condition.wait()` whose predicate is tested once, or not at all.

## What it does
Finds `wait()` of a condition that no loop surrounds.

## Why it hurts
Who is woken is not alone: another may have taken what it waited for before it got the lock, `notify_all` wakes
everybody for one item, and a notification that came before the wait is lost.

## How to repair it
- `while not predicate: condition.wait()`
- `condition.wait_for(lambda: predicate)`

## When it is quiet
- `while` around the wait, or any loop.
- `wait_for`.
- A helper that waits under the lock of its caller.
- `low`: a wait with a timeout, which may be a nap; a wait after which the function returns, so that its caller tests
  again; a task that waits for the next notification.

## Bad: tested by if
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def next(self) -> str:
        with self._changed:
            if not self._letters:
                self._changed.wait()  # LCK605
            return self._letters.pop()
```

## Fixed
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def next(self) -> str:
        with self._changed:
            while not self._letters:
                self._changed.wait()
            return self._letters.pop()
```

## Bad: not tested
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def next(self) -> str:
        with self._changed:
            self._changed.wait()  # LCK605
            return self._letters.pop()
```

## Good: tested by while
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def next(self) -> str:
        with self._changed:
            while not self._letters:
                self._changed.wait()
            return self._letters.pop()
```

## Good: wait_for tests by itself
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def next(self) -> str:
        with self._changed:
            self._changed.wait_for(lambda: self._letters)
            return self._letters.pop()
```

## Good: a nap that can be cut short
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def nap(self) -> None:
        with self._changed:
            self._changed.wait(5)
```

## Good: the caller tests again
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def _once(self) -> bool:
        with self._changed:
            if not self._letters:
                self._changed.wait()
                return False
            self._letters.pop()
            return True

    def run(self) -> None:
        while True:
            self._once()
```

## Good: a helper under the lock of its caller
```python
import threading


class Box:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: list[str] = []

    def _sleep(self) -> None:
        self._changed.wait()

    def next(self) -> str:
        with self._changed:
            while not self._letters:
                self._sleep()
            return self._letters.pop()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import blocks, expressions, walk
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.usage import operations
from lockcheck.analysis.witness import misuse, named
from lockcheck.model.events import Operation
from lockcheck.model.expression import Attr, Call
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.flow import Block, Branch, Do, For, Node, Raise, Return, While, With
from lockcheck.model.identity import FunctionId
from lockcheck.model.repairs import Advise, WaitInLoop
from lockcheck.model.source import Span
from lockcheck.rules.registry import rule

_ADVICE = "test what is waited for, while the condition is held, and wait only `while` it has not come true"


@rule(code="LCK605", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wait that no loop surrounds."""
    for function, operation in operations(analysis, "wait"):
        around = _around(analysis.program.body(function), operation.span)
        if around is None or any(isinstance(node, While | For) for node in around) or not operation.held:
            continue
        region = max((i for i, node in enumerate(around) if isinstance(node, With)), default=-1)
        asked = any(isinstance(node, Branch) for node in around[region + 1 :])
        how = "is tested by `if` only" if asked else "is not tested"
        message = (
            f"what {named(operation.lock)} is waited for {how}: the wait may end though it has not come true, or "
            "the notification may be over before it begins"
        )
        message += "; test it by `while`, or use `wait_for`"
        level = _confidence(analysis, function, operation, asked)
        if any(_leaves(node, operation.span) for node in around):
            level = Confidence.LOW
        place = analysis.place(function, operation.span)
        repairs = (WaitInLoop(place), Advise(place, _ADVICE)) if asked else (Advise(place, _ADVICE),)
        yield misuse(
            analysis, "LCK605", "condition-wait-without-loop", message, function, operation, (), level, repairs
        )


def _confidence(analysis: Analysis, function: FunctionId, operation: Operation, asked: bool) -> Confidence:
    """A bounded wait is often meant to be a nap, and a task may want the next notification, whatever it says."""
    if operation.timed or "wait" in analysis.facts(function).name:
        return Confidence.LOW
    if asked:
        return Confidence.HIGH
    return Confidence.LOW if operation.waits else Confidence.MEDIUM


def _leaves(node: Node, span: Span) -> bool:
    """Whether the block of the wait ends the function right after it: the caller tests again."""
    if not isinstance(node, Branch):
        return False
    inside = [b for b in (node.then, node.orelse) if _around(b, span) is not None]
    return any(isinstance(block[-1], Return | Raise) for block in inside)


def _around(nodes: Block, span: Span) -> list[Node] | None:
    """The compound statements around a call of `wait`; None where it is another method, or not found."""
    for node in nodes:
        for inner in blocks(node):
            found = _around(inner, span)
            if found is not None:
                return [node, *found]
        if _is_wait(node, span):
            return []
    return None


def _is_wait(node: Node, span: Span) -> bool:
    found = expressions(Do(node.test)) if isinstance(node, Branch | While) else expressions(node)
    if isinstance(node, With):
        found = tuple(item.value for item in node.items)
    for expr in found:
        for call in walk(expr):
            if isinstance(call, Call) and call.span == span and isinstance(call.func, Attr):
                return call.func.name == "wait"
    return False
