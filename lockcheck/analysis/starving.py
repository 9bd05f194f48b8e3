"""Waits that nobody ends: every worker that would wake the waiter can end before it does."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.endings import Ending, Endings
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import FunctionValue, Instance, options
from lockcheck.analysis.lives import Lives
from lockcheck.analysis.loops import call_at, calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.sentinels import leaves
from lockcheck.analysis.summarise.workers import Queues, Worker, done_calls, in_finally, loop_around
from lockcheck.analysis.wakers import Methods, Waker, Wakers
from lockcheck.model.events import Block, CriticalPair, QueueWait
from lockcheck.model.expression import Attr, Call, Const, Expr, last_word
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Enter, For
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_ASKS = {"is_alive", "exitcode", "poll", "done", "cancelled", "exception"}
"""Questions after the worker: who asks them does not wait for ever."""


class Starved(msgspec.Struct, frozen=True, gc=False):
    """A wait, the calls that would end it, and how each worker that makes them may end before."""

    function: FunctionId
    pair: CriticalPair
    wakers: tuple[Waker, ...]
    endings: tuple[tuple[FunctionId, Ending], ...]


def starved(analysis: Analysis) -> Iterator[Starved]:
    """Every wait of the program that may never end, in a stable order; `join` of a queue last."""
    lives, methods = Lives(analysis), Methods(analysis)
    seen: set[tuple[FunctionId, Span]] = set()
    for function, pair in analysis.pairs(Block, QueueWait):
        here = (function, pair.trace[0].span)
        if here in seen or len(pair.trace) > 1 or not _for_ever(analysis, function, pair):
            continue
        seen.add(here)
        call = call_at(analysis, function, here[1])
        if call is None or not isinstance(call.func, Attr) or _asks(analysis, function):
            continue
        if _perpetual(analysis, lives, function, here[1]):
            continue
        found = _Search(methods, lives, function, call.func.value, isinstance(pair.event, Block)).endings(here[1])
        if found is not None:
            yield Starved(function, pair, *found)

    yield from _undrained(analysis, lives)


def _undrained(analysis: Analysis, lives: Lives) -> Iterator[Starved]:
    """Every `join` of a queue whose consumers can all die with items left over."""
    queues = Queues(analysis)
    for queue in queues.uses:
        joins = [
            (function, pair)
            for function, pair in queues.direct(queue, "drain")
            if isinstance(pair.event, QueueWait) and not pair.event.timed and not pair.event.scoped
        ]
        for function, pair in joins:
            wakers: list[Waker] = []
            endings: list[tuple[FunctionId, Ending]] = []
            for worker in queues.workers(queue) or ():
                done = done_calls(queues, worker, queue)
                ending = _ending(queues, worker, done)
                if ending is None or _survives(lives, worker, function, pair.trace[0].span):
                    break
                wakers.append(Waker(worker.function, max(done), "task_done"))
                endings.append((worker.function, ending))
            else:
                if endings and not _asks(analysis, function):
                    yield Starved(function, pair, tuple(wakers), tuple(endings))


def _survives(lives: Lives, worker: Worker, function: FunctionId, span: Span) -> bool:
    """Whether a consumer is not known to run by itself, or its failure is learnt of."""
    found = lives.of(worker.function)
    return not found or any(lives.watched(each, function, span) for each in found)


def _ending(queues: Queues, worker: Worker, done: list[Span]) -> Ending | None:
    """How a consumer dies after it has called `task_done`, or in the body of the `try` whose `finally` calls it."""
    late = max((s for s in done if not in_finally(worker.loop.body, s)), default=worker.span)
    for way in queues.ways_out(worker) if done else ():
        if way.confidence == Confidence.HIGH and way.span > late:
            return Ending(worker.function, way.span, way.text, "failure", way.confidence)
    return None


def _for_ever(analysis: Analysis, function: FunctionId, pair: CriticalPair) -> bool:
    match pair.event:
        case QueueWait(operation="get", timed=False, scoped=False):
            return not analysis.bounded(function)
        case Block(category="wait" | "result", timed=False, bounded=False):
            return not analysis.bounded(function)
        case _:
            return False


def _asks(analysis: Analysis, function: FunctionId) -> bool:
    facts = analysis.facts(function)
    read = any(
        isinstance(inner, Attr) and inner.name == "exitcode"
        for step in steps(analysis.program.body(function))
        for expr in expressions(step)
        for inner in walk(expr)
    )
    return read or not _ASKS.isdisjoint(facts.called)


def _perpetual(analysis: Analysis, lives: Lives, function: FunctionId, span: Span) -> bool:
    """Whether to wait is what the function lives for: nothing that comes ends the loop, and nobody misses it."""
    if not analysis.program.visit(function):
        return True
    loop = loop_around(analysis.program.body(function), span)
    if loop is None or isinstance(loop, For) or leaves(analysis.program.body(function), span):
        return False
    endless = isinstance(loop.test, Const)
    return endless or lives.of(function) is not None


class _Search:
    """Looks for the workers that would end one wait."""

    def __init__(self, methods: Methods, lives: Lives, function: FunctionId, receiver: Expr, once: bool) -> None:
        self._analysis = methods.analysis
        self._lives = lives
        self._function = function
        self._wakers = Wakers(methods, receiver, function)
        self._once = once
        self._sites: dict[FunctionId, set[Span]] = {}
        self._ends: dict[FunctionId, list[Ending]] = {}

    def endings(self, span: Span) -> tuple[tuple[Waker, ...], tuple[tuple[FunctionId, Ending], ...]] | None:
        """The wakers, and how each worker may end; None where one is sure to wake, or is not known."""
        wakers = self._wakers.all(lambda function: function != self._function and bool(self._lives.of(function)))
        workers: set[FunctionId] = set()
        for waker in wakers:
            lives = self._lives.of(waker.function)
            if not lives or waker.function == self._function:
                return None
            workers |= lives
            self._sites.setdefault(waker.function, set()).add(waker.span)
        if not wakers or self._function in workers:
            return None
        if any(self._lives.watched(worker, self._function, span) for worker in workers):
            return None
        for function in sorted(self._sites):
            self._climb(function)
        found: list[tuple[FunctionId, Ending]] = []
        for worker in sorted(workers):
            ends = self._of(worker, frozenset())
            if not ends:
                return None
            found.append((worker, ends[0]))
        return wakers, tuple(found)

    def _climb(self, function: FunctionId) -> None:
        """Note every call that leads to a call that wakes."""
        for caller in sorted(self._lives.callers.get(function, ())):
            before = len(self._sites.get(caller, ()))
            for call in calls_in(self._analysis, caller):
                if any(t.function == function for t in self._analysis.engine.targets.of(call.func, caller)):
                    self._sites.setdefault(caller, set()).add(call.span)
            if len(self._sites.get(caller, ())) > before:
                self._climb(caller)

    def _of(self, function: FunctionId, seen: frozenset[FunctionId]) -> list[Ending]:
        if function in self._ends:
            return self._ends[function]
        if function in seen or not self._analysis.program.visit(function):
            return []
        sites = frozenset(self._sites.get(function, ()))
        inner: dict[Span, Ending] = {}
        for call in calls_in(self._analysis, function):
            if call.span in sites:
                for target in self._analysis.engine.targets.of(call.func, function):
                    if target.function in self._sites:
                        ends = self._of(target.function, seen | {function})
                        if ends:
                            inner[call.span] = ends[0]
        body = self._analysis.program.body(function)
        found = Endings(self._analysis, function, sites, inner, self._closing(function), self._once).of(body)
        self._ends[function] = found
        return found

    def _closing(self, function: FunctionId) -> frozenset[Span]:
        """The items of `with` that wake when they are left: the object itself, or a class or generator that wakes."""
        found: set[Span] = set()
        for step in steps(self._analysis.program.body(function)):
            if isinstance(step, Enter) and any(self._wakes(inner, function) for inner in walk(step.value)):
                found.add(step.span)
        return frozenset(found)

    def _wakes(self, expr: Expr, function: FunctionId) -> bool:
        if self._wakers.identities(expr, function) & self._wakers.keys:
            return True
        if isinstance(expr, Call) and last_word(expr.func) in ("ExitStack", "AsyncExitStack"):
            return True
        for option in options(self._analysis.engine.types.evaluate(expr, function)):
            match option:
                case FunctionValue(id=id):
                    if id in self._sites:
                        return True
                case Instance(id=cls):
                    own = {self._analysis.engine.hierarchy.method(cls, name) for name in ("__exit__", "__aexit__")}
                    if any(method is not None and method.function in self._sites for method in own):
                        return True
                case _:
                    pass
        return False
