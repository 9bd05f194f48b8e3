"""One function followed from its first statement to its last: its pairs, and what callers need to know of it."""

from __future__ import annotations

import contextlib

from lockcheck.analysis.budget import SpentError
from lockcheck.analysis.summarise import body, contracts, debugging, decorators
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.exports import export
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.state import State, join
from lockcheck.model.events import Held, Summary
from lockcheck.model.flow import Node
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import Path


def follow(engine: Engine, function: FunctionId) -> Result:
    """Follow one function's body; with its blocks where a callee turns out to change the locks held."""
    structured = engine.program.has_blocks(function) or (
        debugging.asks(engine, function) and engine.program.visit(function)
    )
    frame, end = _run(engine, function)
    if frame.flow_matters and not structured and engine.program.visit(function):
        frame, end = _run(engine, function)
    return _result(frame, end)


def watched(engine: Engine, function: FunctionId) -> list[tuple[Node, State]]:
    """Every statement of a function with the state before it, as often as it is come to."""
    seen: list[tuple[Node, State]] = []
    if engine.program.visit(function) or engine.program.has_blocks(function):
        with contextlib.suppress(SpentError):  # then so much is seen as was before; that it was cut off is told
            _run(engine, function, seen)
    return seen


def _run(
    engine: Engine, function: FunctionId, seen: list[tuple[Node, State]] | None = None
) -> tuple[Frame, State | None]:
    frame = Frame(engine, function)
    frame.watched = seen
    frame.structured = engine.program.has_blocks(function)
    start = contracts.assumed(frame, decorators.wrapped(frame, frame.start()))
    nodes = engine.program.body(function)
    try:
        end = body.run(frame, nodes, start, frame.structured)
    finally:
        engine.budget.account(frame.meter)
    return frame, join((*frame.returns, end))


def _result(frame: Frame, end: State | None) -> Result:
    pairs = tuple(frame.pairs.values())
    around = join(frame.around)
    leaves: tuple[Held, ...] = ()
    releases = end.dropped if end is not None else ()
    if end is not None:
        leaves = tuple(h for h in end.held if (h.must or h.guards) and _own(frame, h))
    within = tuple(h for h in around.held if _own(frame, h)) if around is not None else ()
    lent = around.dropped if around is not None else ()
    passed, stuck = _behind(frame, end)
    summary = Summary(export(contracts.without(pairs)), leaves, releases, within, lent, passed, stuck)
    return Result(
        frame.function,
        pairs,
        summary,
        tuple(sorted(frame.spawned)),
        tuple(frame.calls[f] for f in sorted(frame.calls)),
        tuple(sorted(frame.operations.values(), key=lambda o: (o.span, o.action, repr(o.lock)))),
        tuple(sorted(frame.needs.values(), key=lambda n: (n.span, n.callee, repr(n.lock)))),
        tuple(sorted(frame.started.values(), key=lambda p: (p.trace[0].span, len(p.trace), p.trace))),
    )


def _behind(frame: Frame, end: State | None) -> tuple[frozenset[Path], bool]:
    """The locks taken on every way to a function's end; True if it has none. Who asks a generator may leave early."""
    if end is None or not frame.structured or frame.facts.is_generator:
        return frozenset(), False
    return (frozenset(), True) if end.stuck else (end.passed, False)


def _own(frame: Frame, held: Held) -> bool:
    """Whether the function itself has taken what is held, not a callee, a wrapper around it or its caller."""
    return not held.inner and not held.promised and held not in frame.entry
