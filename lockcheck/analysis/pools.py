"""Pools with a bounded number of workers: what is submitted where, and who waits for it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.values import Container, LibraryInstance, Value, options
from lockcheck.analysis.loops import calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Block, CriticalPair
from lockcheck.model.expression import Attr, Call
from lockcheck.model.identity import FunctionId, LockId

_WORDS = ("submit", "apply_async")
_POOLS = ("concurrent.futures.Executor", "multiprocessing.pool.Pool", "multiprocessing.Pool")
_DEPTH = 5


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A call that hands `jobs` to a pool."""

    function: FunctionId
    call: Call
    pool: LockId
    jobs: tuple[FunctionId, ...]


def submissions(analysis: Analysis) -> list[Submission]:
    """Everything that is submitted to a pool that can be named, in a stable order."""
    callers = sorted({f for word in _WORDS for f in analysis.program.callers(word)})
    return [found for f in callers for call in calls_in(analysis, f) if (found := submission(analysis, f, call))]


def submission(analysis: Analysis, function: FunctionId, call: Call) -> Submission | None:
    """What a call hands to which pool; None where it does not."""
    if not isinstance(call.func, Attr) or call.func.name not in _WORDS or not call.args:
        return None
    engine = analysis.engine
    pools = options(engine.types.evaluate(call.func.value, function))
    if not any(isinstance(p, LibraryInstance) and _bounded(analysis, p.type) for p in pools):
        return None
    pool = engine.paths.identity(call.func.value, function)
    if pool is None:
        return None
    given = options(engine.types.evaluate(call.args[0], function))
    jobs = tuple(t.function for option in given for t in engine.targets.callee(option) if not t.made)
    return Submission(function, call, pool, jobs)


def _bounded(analysis: Analysis, name: str) -> bool:
    return any(analysis.engine.library.is_subtype(name, pool) for pool in _POOLS)


def running(analysis: Analysis, job: FunctionId) -> Iterator[tuple[FunctionId, ...]]:
    """Functions that a worker runs for a job, each with the way that leads to it, the nearest first."""
    seen = {job}
    ways: list[tuple[FunctionId, ...]] = [(job,)]
    while ways:
        way = ways.pop(0)
        yield way
        result = analysis.engine.results.get(way[-1])
        if result is None or len(way) > _DEPTH:
            continue
        for call in result.calls:
            if call.callee not in seen and not analysis.facts(call.callee).is_async:
                seen.add(call.callee)
                ways.append((*way, call.callee))


def awaited_submissions(analysis: Analysis, function: FunctionId) -> Iterator[tuple[CriticalPair, Submission]]:
    """Waits without a timeout in a function for what was submitted to a pool."""
    result = analysis.engine.results.get(function)
    for pair in sorted(result.pairs, key=lambda p: p.trace) if result is not None else ():
        event = pair.event
        if len(pair.trace) != 1 or not isinstance(event, Block) or event.category != "result":
            continue
        if event.awaited or event.timed:
            continue
        for call in calls_in(analysis, function):
            if call.span == pair.trace[0].span:
                for found in _waited_for(analysis, function, call):
                    yield pair, found


def _waited_for(analysis: Analysis, function: FunctionId, call: Call) -> Iterator[Submission]:
    """The submissions whose results a call waits for: of its receiver, or of all that it is given."""
    types = analysis.engine.types
    exprs = [*call.args[:1]]
    if isinstance(call.func, Attr):
        exprs.insert(0, call.func.value)
    for expr in exprs:
        for future in _futures(types.evaluate(expr, function)):
            if future.origin is not None:
                found = submission(analysis, future.origin.function, future.origin.call)
                if found is not None:
                    yield found


def _futures(value: Value) -> Iterator[LibraryInstance]:
    for option in options(value):
        match option:
            case LibraryInstance():
                yield option
            case Container(element=element):
                yield from (o for o in options(element) if isinstance(o, LibraryInstance))
            case _:
                pass
