"""The fixed point: every function is summarised after what it calls, and again when that has changed."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable

import msgspec

from lockcheck.analysis.budget import SpentError
from lockcheck.analysis.link.outside import Outside
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.summarise import body, contracts, debugging, decorators
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.exports import export
from lockcheck.analysis.summarise.frame import Around, Frame, Spawned
from lockcheck.analysis.summarise.state import State, join
from lockcheck.model.events import EMPTY, CriticalPair, Held, Need, Operation, Summary
from lockcheck.model.flow import Node
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import Path

MAX_NESTING = 60
"""Functions summarised inside one another; a deeper callee counts as empty until its turn comes."""
MAX_ROUNDS = 12
"""How often one function is summarised anew before its summary is kept as it is."""


class Result(msgspec.Struct, frozen=True, gc=False):
    """What was found out about one function: all its pairs, what callers see, and what it runs elsewhere.

    `calls` are its callees, with what is around every call of them; `operations` what it does to locks itself;
    `needs` its calls of functions whose contract asks for a lock; `started` what threads that it starts do, where
    which locks these are is known from the start alone.
    """

    function: FunctionId
    pairs: tuple[CriticalPair, ...]
    summary: Summary
    spawned: tuple[Spawned, ...] = ()
    calls: tuple[Around, ...] = ()
    operations: tuple[Operation, ...] = ()
    needs: tuple[Need, ...] = ()
    started: tuple[CriticalPair, ...] = ()


class Schedule(Engine):
    """Summarises functions on demand and keeps count of who has read whose summary."""

    def __init__(self, program: Program, outside: Outside | None = None) -> None:
        """Nothing is summarised yet."""
        super().__init__(program, outside)
        self.results: dict[FunctionId, Result] = {}
        self.readers: dict[FunctionId, set[FunctionId]] = {}
        self._stack: list[FunctionId] = []
        self._open: set[FunctionId] = set()
        self._rounds: dict[FunctionId, int] = {}
        self._late: list[FunctionId] = []

    def summary(self, function: FunctionId) -> Summary:
        """The summary as known now; the function being followed will be redone if it changes."""
        if self._stack:
            self.readers.setdefault(function, set()).add(self._stack[-1])
        if function not in self.summaries and function not in self._open:
            if len(self._stack) < MAX_NESTING:
                self._compute(function)
            else:
                heapq.heappush(self._late, function)
        return self.summaries.get(function, EMPTY)

    def settle(self, functions: Iterable[FunctionId]) -> None:
        """Summarise the functions and all that they call, until nothing changes."""
        for function in functions:
            if function not in self.summaries:
                self._compute(function)
            while self._late:
                self._again(heapq.heappop(self._late))

    def _again(self, function: FunctionId) -> None:
        if self.budget.is_spent:
            self.budget.cut(function, "program")
        elif self._rounds.get(function, 0) < MAX_ROUNDS and not self.budget.has_cut(function):
            self._compute(function)

    def _compute(self, function: FunctionId) -> None:
        self._rounds[function] = self._rounds.get(function, 0) + 1
        self._stack.append(function)
        self._open.add(function)
        try:
            result = self._followed(function)
        finally:
            self._stack.pop()
            self._open.discard(function)
        before = self.summaries.get(function, EMPTY)
        self.results[function] = result
        self.summaries[function] = result.summary
        if result.summary != before:
            for reader in sorted(self.readers.get(function, ())):
                # Whoever waits for this very answer reads the new one; all others have read the old one.
                if reader in self.summaries or reader in self._open:
                    if not self._stack or reader != self._stack[-1] or before != EMPTY:
                        heapq.heappush(self._late, reader)

    def _followed(self, function: FunctionId) -> Result:
        """Follow a function as far as the budget goes: of one that goes beyond nothing is known, which is told."""
        if self.budget.is_spent:
            self.budget.cut(function, "program")
            return Result(function, (), EMPTY)
        try:
            return follow(self, function)
        except SpentError:
            self.budget.cut(function, "body")
        return Result(function, (), EMPTY)


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
