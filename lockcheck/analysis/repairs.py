"""What would repair a hazard, as values: where the operation, the region and the lock's maker stand."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Block, CriticalPair, Held, LockRef, Operation, QueueWait
from lockcheck.model.repairs import (
    HoldByWith,
    LeaveRegion,
    LimitWait,
    MakeAsynchronous,
    MakeReentrant,
    RaiseOnFailure,
    ReleaseInFinally,
    Repair,
)
from lockcheck.model.source import Place

_HAVE_REENTRANT = ("threading.Lock", "multiprocessing.Lock")


def leaving(analysis: Analysis, pair: CriticalPair, held: Iterable[Held], *, free: bool = False) -> tuple[Repair, ...]:
    """Do it outside: of the regions of this very function that hold it up, the innermost first.

    `free`: what is done is safe by itself, so that no region is needed for it.
    """
    first = pair.trace[0]
    place = analysis.place(first.function, first.span)
    regions = [h.trace[0] for h in held if len(h.trace) == 1 and h.trace[0].function == first.function]
    return tuple(LeaveRegion(place, analysis.place(first.function, step.span), free) for step in reversed(regions))


def reentrant(analysis: Analysis, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Make the lock one that its holder may take again: asynchronous locks have no such variant."""
    plain = [h.lock for h in held if h.lock.kind is not None and h.lock.kind.name in _HAVE_REENTRANT]
    made = [analysis.note(lock) for lock in plain]
    return tuple(MakeReentrant(note.place) for note in made if note is not None)


def limiting(place: Place, event: Block | QueueWait) -> LimitWait:
    """Give a wait an end: by the parameter that it has for that, else by a scope of the library that it belongs to."""
    if event.awaited:
        library = event.library if isinstance(event, QueueWait) else event.name.partition(".")[0]
        return LimitWait(place, library="anyio" if library == "anyio" else "trio" if library == "trio" else "asyncio")
    return LimitWait(place, "" if event.settled else event.limit)


def nesting(analysis: Analysis, pair: CriticalPair, held: Held) -> tuple[Place, Place] | None:
    """Where the inner and the outer lock are taken, if the function takes both itself."""
    match pair.trace, held.trace:
        case (inner,), (outer,) if inner.function == outer.function:
            return analysis.place(inner.function, inner.span), analysis.place(outer.function, outer.span)
        case _:
            return None


def asynchronous(analysis: Analysis, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Make it an `asyncio.Lock`: only where all that is ever done with it is `with` in coroutines of one module."""
    found: list[Repair] = []
    for lock in {h.lock.id: h.lock for h in held}.values():
        note = analysis.note(lock)
        uses = [
            (result.function, operation)
            for result in analysis.results
            for operation in result.operations
            if operation.lock.id == lock.id
        ]
        alike = all(o.action == "enter" and not o.waits and analysis.facts(f).is_async for f, o in uses)
        places = {analysis.place(function, operation.span) for function, operation in uses}
        plain = lock.kind is not None and lock.kind.name == "threading.Lock"
        if note is not None and uses and alike and plain and {p.path for p in places} == {note.place.path}:
            found.append(MakeAsynchronous(note.place, tuple(sorted(places))))
    return tuple(found)


def holding(place: Place, operation: Operation) -> tuple[Repair, ...]:
    """Give back what is acquired here in every way out: by `with` if it can be taken so."""
    kind = operation.lock.kind
    enter = "__aenter__" if operation.waits else "__enter__"
    if kind is not None and kind.methods and enter not in kind.methods:
        return (ReleaseInFinally(place),)
    return HoldByWith(place), ReleaseInFinally(place)


def limiting_acquisition(place: Place, lock: LockRef, *, awaited: bool) -> tuple[Repair, ...]:
    """Try for so long and raise: only what `acquire` of the standard library takes and returns is known.

    One that is awaited is given the scope of its library: many are held by the task that took them, which the call of
    another library would replace by one of its own.
    """
    kind = lock.kind
    library = kind.name.partition(".")[0] if kind is not None and not kind.methods else ""
    match library:
        case "asyncio" | "anyio" | "trio" if awaited:
            return (LimitWait(place, library=library),)
        case _:
            return (RaiseOnFailure(place, waits=True),) if not awaited and library in sys.stdlib_module_names else ()
