"""What would repair a hazard, as values: where the operation, the region and the lock's maker stand."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Block, CriticalPair, Held, QueueWait
from lockcheck.model.repairs import LeaveRegion, LimitWait, MakeReentrant, Repair
from lockcheck.model.source import Place


def leaving(analysis: Analysis, pair: CriticalPair, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Do it outside: of the regions of this very function that hold it up, the innermost first."""
    first = pair.trace[0]
    place = analysis.place(first.function, first.span)
    regions = [h.trace[0] for h in held if len(h.trace) == 1 and h.trace[0].function == first.function]
    return tuple(LeaveRegion(place, analysis.place(first.function, step.span)) for step in reversed(regions))


def reentrant(analysis: Analysis, held: Iterable[Held]) -> tuple[Repair, ...]:
    """Make the lock one that its holder may take again."""
    made = [analysis.note(h.lock) for h in held]
    return tuple(MakeReentrant(note.place) for note in made if note is not None)


def limiting(place: Place, event: Block | QueueWait) -> LimitWait:
    """Give a wait an end: by the parameter that it has for that, else by a scope of the library that it belongs to."""
    if event.awaited:
        library = event.library if isinstance(event, QueueWait) else event.name.partition(".")[0]
        return LimitWait(place, library="anyio" if library == "anyio" else "trio" if library == "trio" else "asyncio")
    return LimitWait(place, event.limit)
