"""What would repair a hazard, as values: where the operation, the region and the lock's maker stand."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.mentions import is_known_elsewhere
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Acquire, Block, CriticalPair, Held, LockRef, Operation, QueueWait
from lockcheck.model.expression import Attr, Item, Name
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import GlobalRoot, ParameterRoot, Path
from lockcheck.model.repairs import (
    CallUnlocked,
    DoLater,
    HoldByWith,
    LeaveRegion,
    LimitWait,
    MakeAsynchronous,
    MakeReentrant,
    RaiseOnFailure,
    ReleaseInFinally,
    Repair,
    SplitMethod,
    TakeFirst,
    TakeOnce,
)
from lockcheck.model.source import Place

_HAVE_REENTRANT = ("threading.Lock", "multiprocessing.Lock")


def leaving(
    analysis: Analysis, pair: CriticalPair, held: Iterable[Held], *, free: bool = False, foreign: bool = False
) -> tuple[LeaveRegion, ...]:
    """Do it outside: of the regions of this very function that hold it up, the innermost first.

    `free`: what is done is safe by itself, so that no region is needed for it. `foreign`: what is called came from
    outside; it counts where all functions on the way to it only hand on what they were given.
    """
    first = pair.trace[0]
    place = analysis.place(first.function, first.span)
    regions = [h.trace[0] for h in held if len(h.trace) == 1 and h.trace[0].function == first.function]
    items = [analysis.place(first.function, step.span) for step in reversed(regions)]
    alone = foreign and all(hands_on(analysis, step.function) for step in pair.trace[1:])
    return tuple(
        LeaveRegion(place, item, free, alone, tuple(other for other in items if other != item)) for item in items
    )


def later(analysis: Analysis, pair: CriticalPair, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Do it behind the region, past what stands after it: only for what can't go on before the region ends anyway."""
    return tuple(DoLater(repair.place, repair.region) for repair in leaving(analysis, pair, held))


def hands_on(analysis: Analysis, function: FunctionId) -> bool:
    """Whether a function does nothing with what it was given, its own object apart, but give it to others."""
    if not analysis.program.visit(function):
        return False
    facts = analysis.facts(function)
    own = analysis.engine.types.scope(function).first if facts.owner is not None else None
    given = {param.name for param in facts.parameters} - {own}
    read = (
        part for node in steps(analysis.program.body(function)) for expr in expressions(node) for part in walk(expr)
    )
    return not any(isinstance(part, Attr | Item) and part.value in {Name(name) for name in given} for part in read)


def reentrant(analysis: Analysis, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Make the lock one that its holder may take again: asynchronous locks have no such variant."""
    plain = [h.lock for h in held if h.lock.kind is not None and h.lock.kind.name in _HAVE_REENTRANT]
    made = [analysis.note(lock) for lock in plain]
    return tuple(MakeReentrant(note.place) for note in made if note is not None)


def unlocked(analysis: Analysis, pair: CriticalPair, held: Iterable[Held]) -> tuple[CallUnlocked | SplitMethod, ...]:
    """Call what the method that takes the lock again does under it: where its caller is known to hold that lock.

    Not where a class below has a method of that name: it would not be called any more.
    """
    if len(pair.trace) < 2:
        return ()
    call, again = pair.trace[-2:]
    known = analysis.entry(call.function)
    if len(pair.trace) > 2 and not all(h.lock.id in known for h in held):
        return ()
    owner = analysis.engine.types.owner(again.function)
    if owner is None or analysis.engine.hierarchy.overrides(owner, analysis.facts(again.function).name):
        return ()
    places = analysis.place(call.function, call.span), analysis.place(again.function, again.span)
    return CallUnlocked(*places), SplitMethod(*places)


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


def taking_first(analysis: Analysis, pair: CriticalPair, held: Held) -> tuple[Repair, ...]:
    """Take the inner lock, which is taken behind a call, before the outer one: its holder may take it again there."""
    event, first, taken = pair.event, pair.trace[0], held.trace[-1]
    if not isinstance(event, Acquire) or len(pair.trace) == 1 or len(held.trace) > 1 or event.lock.kind is None:
        return ()
    name = _written(event.lock.path, first.function)
    alike = event.lock.domain == held.lock.domain == "thread" and event.mode == "exclusive"
    if name is None or not alike or not event.lock.reentrant or taken.function != first.function:
        return ()
    return (
        TakeFirst(
            analysis.place(first.function, first.span),
            analysis.place(first.function, taken.span),
            name,
        ),
    )


def _written(path: Path | None, function: FunctionId) -> str | None:
    """What a function calls an object that is reached by attributes from what it was given, or from its module."""
    match path:
        case Path(root=ParameterRoot(name=name), steps=steps) if steps:
            pass
        case Path(root=GlobalRoot(module=module, name=name), steps=steps) if module == function.module:
            pass
        case _:
            return None
    words = [name, *steps]
    private = any(word.startswith("__") for word in words)
    return ".".join(words) if all(word.isidentifier() for word in words) and not private else None


def taking_once(analysis: Analysis, pair: CriticalPair, held: tuple[Held, ...]) -> tuple[Repair, ...]:
    """Take a read-write lock once, as the inner place wants it, if the function takes both itself."""
    both_taken = nesting(analysis, pair, held[-1])
    return (TakeOnce(*both_taken),) if both_taken is not None else ()


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
        if note is None or not uses or not alike or not plain or {p.path for p in places} != {note.place.path}:
            continue
        if lock.id is not None and not is_known_elsewhere(analysis, lock.id):
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
