"""Pools with a bounded number of workers: what is submitted where, and who waits for it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import Container, LibraryInstance, Value, options
from lockcheck.analysis.loops import calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Block
from lockcheck.model.expression import Attr, Call, Comprehension, Expr, Name, Star, Yield
from lockcheck.model.flow import Iterate
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.source import Span

_WORDS = {"submit": 0, "apply_async": 0, "map": 0, "run_in_executor": 1}
"""How work is handed to a pool, and which argument is the job; of `run_in_executor` the first is the pool."""
_CONSUMERS = {"list", "tuple", "set", "dict", "sorted", "sum", "any", "all", "next", "max", "min", "zip", "enumerate"}
"""What asks for the items of an iterator of results."""
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
    at = _WORDS.get(call.func.name) if isinstance(call.func, Attr) else None
    if at is None or not isinstance(call.func, Attr) or len(call.args) <= at:
        return None
    engine = analysis.engine
    place = call.args[0] if at else call.func.value
    pools = options(engine.types.evaluate(place, function))
    if not any(isinstance(p, LibraryInstance) and _bounded(analysis, p.type) for p in pools):
        return None
    pool = engine.paths.identity(place, function) if isinstance(place, Attr | Name) else None
    if pool is None:
        return None
    given = options(engine.types.evaluate(call.args[at], function))
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
            if call.callee not in seen:
                seen.add(call.callee)
                ways.append((*way, call.callee))


def awaited_submissions(analysis: Analysis, function: FunctionId) -> Iterator[tuple[Span, Submission]]:
    """Waits without a timeout in a function for what was submitted to a pool, each with where it waits."""
    result = analysis.engine.results.get(function)
    for pair in sorted(result.pairs, key=lambda p: p.trace) if result is not None else ():
        event = pair.event
        if len(pair.trace) != 1 or not isinstance(event, Block) or event.category != "result" or event.timed:
            continue
        span = pair.trace[0].span
        for call in calls_in(analysis, function):
            if call.span == span:
                waited = _waited_for(analysis, function, call) if not event.awaited else _own(analysis, function, call)
                yield from ((span, found) for found in waited)
    if "map" in analysis.facts(function).called:
        yield from _consumed(analysis, function)


def _own(analysis: Analysis, function: FunctionId, call: Call) -> Iterator[Submission]:
    """`await loop.run_in_executor(pool, job)` in a loop that a worker runs, with the job for the same pool."""
    found = submission(analysis, function, call)
    if found is not None:
        yield found


def _consumed(analysis: Analysis, function: FunctionId) -> Iterator[tuple[Span, Submission]]:
    """Calls of `map` without a timeout whose results somebody asks for in the function."""
    for expr in _iterated(analysis, function):
        calls = [expr]
        if isinstance(expr, Name):
            bound = analysis.engine.types.scope(function).bindings.get(expr.id, ())
            calls = [b.expr for b in bound if b.how == "value" and not b.place and b.expr is not None]
        for call in calls:
            if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.name == "map":
                found = submission(analysis, function, call)
                if found is not None and not any(k.name in ("timeout", None) for k in call.keywords):
                    yield call.span, found


def _iterated(analysis: Analysis, function: FunctionId) -> Iterator[Expr]:
    """What a function goes through: in loops, comprehensions, `list(…)` and `yield from`."""
    for step in steps(analysis.program.body(function)):
        if isinstance(step, Iterate):
            yield step.iterable
        for outer in expressions(step):
            for expr in walk(outer):
                match expr:
                    case Call(func=Name(id=word), args=(first, *_)) if word in _CONSUMERS:
                        yield first
                    case Comprehension(clauses=clauses):
                        yield from (clause.iterable for clause in clauses)
                    case Star(value=value) | Yield(value=Call() as value, delegates=True):
                        yield value
                    case _:
                        pass


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
