"""Event loops that objects keep, and which coroutines run on them."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.values import LibraryInstance, options
from lockcheck.analysis.loops import LOOP, call_at, callee_names, calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.outcomes import functions_of
from lockcheck.model.events import Block, CriticalPair
from lockcheck.model.expression import Attr, Call, Expr, Name
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId

_RUNNING = {"asyncio.get_running_loop", "asyncio.get_event_loop"}
_THREADSAFE = "asyncio.run_coroutine_threadsafe"
_STARTS = {f"{LOOP}.create_task": "coro", f"{LOOP}.run_until_complete": "future", _THREADSAFE: "coro"}
_DEPTH = 5


def waits_for_own(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a coroutine waits for a future that `run_coroutine_threadsafe` made for the coroutine's own loop."""
    event, step = pair.event, pair.trace[-1]
    if not isinstance(event, Block) or event.category != "result" or event.awaited or event.timed or event.bounded:
        return False
    call = call_at(analysis, step.function, step.span)
    if call is None or not isinstance(call.func, Attr):
        return False
    return any(
        _is_own(analysis, loop, step.function, pair.trace[0].function)
        for loop in _loops(analysis, call.func.value, step.function)
    )


def _loops(analysis: Analysis, future: Expr, function: FunctionId) -> Iterator[Expr]:
    """The loops that a future was made for in the same function."""
    for option in options(analysis.engine.types.evaluate(future, function)):
        made = option.origin if isinstance(option, LibraryInstance) else None
        if made is not None and made.function == function:
            if _THREADSAFE in callee_names(analysis, made.call, function):
                given = locks.argument(made.call, "loop", 1)
                if given is not None:
                    yield given


def _is_own(analysis: Analysis, loop: Expr, function: FunctionId, coroutine: FunctionId) -> bool:
    if function == coroutine and _is_running(analysis, loop, function):
        return True
    kept = _kept(analysis, loop, function)
    if kept is None or not _is_kept_here(analysis, loop, function, coroutine):
        return False
    return coroutine in _run_on(analysis).get(kept, frozenset())


def _is_running(analysis: Analysis, loop: Expr, function: FunctionId) -> bool:
    """Whether a loop is the one that this very function has asked for."""
    for option in options(analysis.engine.types.evaluate(loop, function)):
        if isinstance(option, LibraryInstance) and option.origin is not None and option.origin.function == function:
            return bool(_RUNNING & callee_names(analysis, option.origin.call, function))
    return False


def _is_kept_here(analysis: Analysis, loop: Expr, function: FunctionId, coroutine: FunctionId) -> bool:
    """Whether the loop of an attribute is that of the coroutine's own object, and not of another of its class."""
    if not isinstance(loop, Attr):
        return True
    first = analysis.engine.types.scope(function).first
    owner = analysis.engine.types.owner(function)
    return loop.value == Name(first or "") and owner is not None and owner == analysis.engine.types.owner(coroutine)


def _kept(analysis: Analysis, loop: Expr, function: FunctionId) -> LockId | None:
    """The attribute or global that keeps a loop."""
    match analysis.engine.paths.identity(loop, function) if isinstance(loop, Attr | Name) else None:
        case AttributeLock(owner=owner, name=name):
            found = analysis.engine.hierarchy.attribute(owner, name)
            return AttributeLock(found[0], name) if found is not None else None
        case GlobalLock() as kept:
            return kept
        case _:
            return None


def _run_on(analysis: Analysis) -> dict[LockId, frozenset[FunctionId]]:
    """The coroutines that run on each loop that is kept, those that they await included."""
    nothing: dict[LockId, frozenset[FunctionId]] = {}
    return analysis.engine.types.memo.solve("coroutines by loop", lambda: _find(analysis), nothing)


def _find(analysis: Analysis) -> dict[LockId, frozenset[FunctionId]]:
    begun: dict[LockId, set[FunctionId]] = {}
    words = [name.rpartition(".")[2] for name in _STARTS]
    for function in sorted({f for word in words for f in analysis.program.callers(word)}):
        for call in calls_in(analysis, function):
            for kept, coroutine in _started(analysis, call, function):
                begun.setdefault(kept, set()).add(coroutine)
    for kept in [*begun]:
        begun[kept] |= set(_makers(analysis, kept))
    return {kept: frozenset(_reached(analysis, found)) for kept, found in begun.items()}


def _started(analysis: Analysis, call: Call, function: FunctionId) -> Iterator[tuple[LockId, FunctionId]]:
    """The coroutine that a call starts on a loop that is kept."""
    for name in sorted(callee_names(analysis, call, function) & _STARTS.keys()):
        loop = locks.argument(call, "loop", 1) if name == _THREADSAFE else getattr(call.func, "value", None)
        kept = _kept(analysis, loop, function) if loop is not None else None
        if kept is not None:
            given = locks.argument(call, _STARTS[name], 0)
            yield from ((kept, f) for f in functions_of(analysis.engine, function, given))


def _makers(analysis: Analysis, kept: LockId) -> Iterator[FunctionId]:
    """Coroutines that keep the loop they run on: `self._loop = asyncio.get_running_loop()`."""
    if isinstance(kept, AttributeLock):
        found = analysis.engine.hierarchy.attribute(kept.owner, kept.name)
        for fact in found[1] if found is not None else ():
            if found is not None and isinstance(fact.value, Call):
                function = analysis.engine.hierarchy.scope_of(found[0], fact)
                if analysis.facts(function).is_async and _RUNNING & callee_names(analysis, fact.value, function):
                    yield function


def _reached(analysis: Analysis, begun: set[FunctionId]) -> set[FunctionId]:
    """Coroutines, and what they await in turn."""
    seen = set(begun)
    waiting = [(function, 0) for function in sorted(begun)]
    while waiting:
        function, depth = waiting.pop()
        result = analysis.engine.results.get(function)
        for call in result.calls if result is not None and depth < _DEPTH else ():
            if call.callee not in seen and analysis.facts(call.callee).is_async:
                seen.add(call.callee)
                waiting.append((call.callee, depth + 1))
    return seen
