"""Threads that say, with their last use of a lock, that they are about to end."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.known import Known
from lockcheck.model.events import Block as Wait
from lockcheck.model.events import CriticalPair
from lockcheck.model.expression import Attr, Call, Const, Name
from lockcheck.model.flow import Assign, Block, Raise, Return
from lockcheck.model.identity import FunctionId

MAX_DEPTH = 3


def announced(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a thread is joined only where a flag is set that it sets itself and then leaves.

    `if self._leaving: self._thread.join()`: when the flag is seen, the thread has used the lock for the last time and
    has nothing more to do. Every assignment of something true to the flag must stand in what the thread runs, and be
    the last thing done there.
    """
    event, last = pair.event, pair.trace[-1]
    if not isinstance(event, Wait) or not event.runs:
        return False
    first = analysis.engine.types.scope(last.function).first
    flags = {
        test.name
        for test, outcome in Known(analysis.program.body(last.function), last.span).tests
        if outcome and isinstance(test, Attr) and test.value == Name(first or "")
    }
    owner = analysis.engine.types.owner(last.function)
    if not flags or owner is None:
        return False
    run = set(_run(analysis, event.runs, MAX_DEPTH))
    methods = {
        f for cls in analysis.engine.hierarchy.mro(owner) for f in analysis.engine.hierarchy.own_methods(cls).values()
    }
    return any(_only_at_the_end(analysis, flag, run, methods) for flag in flags)


def _run(analysis: Analysis, functions: tuple[FunctionId, ...], depth: int) -> Iterator[FunctionId]:
    """Functions, and the methods of their own object that they call."""
    for function in functions:
        yield function
        if depth:
            for step in steps(analysis.program.body(function)):
                for expr in expressions(step):
                    for call in walk(expr):
                        if isinstance(call, Call) and isinstance(call.func, Attr) and isinstance(call.func.value, Name):
                            targets = analysis.engine.targets.of(call.func, function)
                            yield from _run(analysis, tuple(t.function for t in targets), depth - 1)


def _only_at_the_end(analysis: Analysis, flag: str, run: set[FunctionId], methods: set[FunctionId]) -> bool:
    setters = [f for f in methods | run if _sets(analysis.program.body(f), flag)]
    return bool(setters) and all(f in run and _leaves_after(analysis.program.body(f), flag, False) for f in setters)


def _sets(nodes: Block, flag: str) -> bool:
    """Whether a block assigns something to the flag that is not plainly false."""
    return any(
        isinstance(step, Assign)
        and any(isinstance(t, Attr) and t.name == flag for t in step.targets)
        and not (isinstance(step.value, Const) and not step.value.value)
        for step in steps(nodes)
    )


def _leaves_after(nodes: Block, flag: str, leaves: bool) -> bool:
    """Whether, wherever the flag is set, nothing but assignments come before the function is left.

    `leaves`: what comes behind this block leaves the function.
    """
    for index, node in enumerate(nodes):
        rest = nodes[index + 1 :]
        ending = next((isinstance(n, Return | Raise) for n in rest if not isinstance(n, Assign)), leaves)
        inner = blocks(node)
        if isinstance(node, Assign):
            if _sets((node,), flag) and not ending:
                return False
        elif not all(_leaves_after(block, flag, ending) for block in inner):
            return False
    return True
