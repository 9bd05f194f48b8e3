"""Asyncio primitives that more than one event loop, or a thread, gets hold of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lockcheck.analysis.link.attributes import field_factory
from lockcheck.analysis.link.values import LibraryInstance, QueueValue, options
from lockcheck.analysis.loops import FRESH, callee_names, calls_in
from lockcheck.analysis.pools import running
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Acquire, CriticalPair, QueueWait, Step
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LocalLock, LockId, lock_name

_ELSEWHERE = {"thread", "pool"}
_UNSAFE = {
    "asyncio.Queue": {"put_nowait", "get_nowait"},
    "asyncio.Event": {"set", "clear"},
    "asyncio.Future": {"set_result", "set_exception", "cancel"},
}
_UNSAFE_WORDS = frozenset[str]().union(*_UNSAFE.values())
_RUNS = {"run_until_complete", "run_forever", "new_event_loop", "set_event_loop"}


class Entrance(msgspec.Struct, frozen=True, gc=False):
    """A place outside every loop that makes a new one, and the way from there to the use of a primitive."""

    function: FunctionId
    step: Step
    pair: CriticalPair
    in_thread: bool


def made_at_import(analysis: Analysis, lock: LockId) -> bool:
    """Whether a primitive is made once for the whole program: by its module, or in the body of its class."""
    match lock:
        case GlobalLock(module=module, name=name):
            facts = (
                analysis.program.names(module, name).globals.get(name, ()) if module in analysis.program.units else ()
            )
            return bool(facts) and all(fact.function == MODULE and fact.value is not None for fact in facts)
        case AttributeLock(owner=owner, name=name):
            found = analysis.engine.hierarchy.attribute(owner, name)
            return found is not None and all(
                f.function is None and isinstance(f.value, Call) and field_factory(f) is None for f in found[1]
            )
        case _:
            return False


class Using(msgspec.Struct, frozen=True, gc=False):
    """Where a function comes to use an asyncio primitive, by itself or through others."""

    function: FunctionId
    pair: CriticalPair
    lock: LockId


def using(analysis: Analysis) -> tuple[Using, ...]:
    """Every use of an asyncio primitive that is known, in a stable order."""
    found = ((function, pair, _used(pair)) for function, pair in analysis.pairs(Acquire, QueueWait))
    return tuple(Using(function, pair, lock) for function, pair, lock in found if lock is not None)


def entrances(analysis: Analysis, places: Iterable[Using]) -> dict[LockId, list[Entrance]]:
    """For each asyncio primitive that is made at import, those places whose new loops come to use it."""
    threads = {s.function for r in analysis.results for s in r.spawned if s.context in _ELSEWHERE}
    found: dict[LockId, list[Entrance]] = {}
    for place in places:
        function, pair, lock = place.function, place.pair, place.lock
        if analysis.facts(function).is_async or not made_at_import(analysis, lock):
            continue
        if len(pair.trace) > 1 and analysis.facts(pair.trace[1].function).is_async:
            if _makes_loop(analysis, pair.trace[0]):
                found.setdefault(lock, []).append(Entrance(function, pair.trace[0], pair, function in threads))
    return found


def _used(pair: CriticalPair) -> LockId | None:
    match pair.event:
        case Acquire(lock=lock) if lock.kind is not None and lock.kind.name.startswith("asyncio."):
            return lock.id
        case QueueWait(domain="async", awaited=True, queue=queue):
            return queue
        case _:
            return None


def _makes_loop(analysis: Analysis, step: Step) -> bool:
    """Whether the coroutine that is called at a step is run by a loop of its own."""
    return any(
        any(getattr(given, "span", None) == step.span for given in call.args)
        and FRESH & callee_names(analysis, call, step.function)
        for call in calls_in(analysis, step.function)
    )


class Touch(msgspec.Struct, frozen=True, gc=False):
    """A call in a thread on a primitive of a loop; `way` leads from the thread's function to it."""

    way: tuple[FunctionId, ...]
    call: Call
    name: str


def touched_by_threads(analysis: Analysis) -> Iterator[Touch]:
    """Calls on asyncio primitives in what threads run; those that run a loop of their own are left out."""
    jobs = sorted({s.function for r in analysis.results for s in r.spawned if s.context in _ELSEWHERE})
    runners: dict[FunctionId, bool] = {}
    for job in jobs:
        if analysis.facts(job).is_async:
            continue
        for way in running(analysis, job):
            if way[-1] not in runners:
                runners[way[-1]] = _is_runner(analysis, way[-1])
            if any(runners[function] for function in way):
                continue
            for call in calls_in(analysis, way[-1]):
                name = _unsafe(analysis, way, call)
                if name is not None:
                    yield Touch(way, call, name)


def _is_runner(analysis: Analysis, function: FunctionId) -> bool:
    """Whether a function runs a loop of its own."""
    if not _RUNS.isdisjoint(analysis.facts(function).called):
        return True
    if "run" not in analysis.facts(function).called:
        return False
    return any(FRESH & callee_names(analysis, call, function) for call in calls_in(analysis, function))


def _unsafe(analysis: Analysis, way: tuple[FunctionId, ...], call: Call) -> str | None:
    """The primitive's method that a call is, where no thread but the loop's may call it."""
    if not isinstance(call.func, Attr) or call.func.name not in _UNSAFE_WORDS:
        return None
    library = analysis.engine.library
    for option in options(analysis.engine.types.evaluate(call.func.value, way[-1])):
        holder: LockId | None = None
        match option:
            case QueueValue(kind=kind, type=made) if kind.domain == "async":
                holder = option.holder
            case LibraryInstance(type=made):
                holder = analysis.engine.paths.identity(call.func.value, way[-1])
            case _:
                continue
        if isinstance(holder, LocalLock) and holder.function in way:
            continue
        for base, methods in _UNSAFE.items():
            if call.func.name in methods and library.is_subtype(made, base):
                return f"{lock_name(holder) if holder is not None else made}.{call.func.name}"
    return None


def uses(analysis: Analysis, places: Iterable[Using]) -> Iterator[Using]:
    """Where coroutines use asyncio primitives that are made at import, the first place of each."""
    seen: set[LockId] = set()
    for place in places:
        if place.lock in seen or len(place.pair.trace) > 1 or not analysis.facts(place.function).is_async:
            continue
        if isinstance(place.pair.event, Acquire) and made_at_import(analysis, place.lock):
            seen.add(place.lock)
            yield place


def makes_loops(analysis: Analysis, package: str) -> FunctionId | None:
    """A function of a package, other than its main program, that makes an event loop at each call."""
    for function in sorted({f for word in ("new_event_loop", "run") for f in analysis.program.callers(word)}):
        if function.module.partition(".")[0] != package or function.qualname == MODULE:
            continue
        if analysis.facts(function).name.startswith(("main", "_main", "test")):
            continue
        for call in calls_in(analysis, function):
            if (FRESH | {"asyncio.new_event_loop"}) & _names(analysis, call, function):
                return function
    return None


def _names(analysis: Analysis, call: Call, function: FunctionId) -> set[str]:
    word = call.func.name if isinstance(call.func, Attr) else call.func.id if isinstance(call.func, Name) else ""
    return callee_names(analysis, call, function) if word in ("new_event_loop", "run") else set()
