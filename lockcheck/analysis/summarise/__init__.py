"""Stage 4, summarise: critical pairs of every function, callee before caller."""

from __future__ import annotations

import gc

import msgspec

from lockcheck.analysis.link.outside import Opinions, Outside, StaleError
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.changes import World, is_comparable, world
from lockcheck.analysis.summarise.past import Past, recall
from lockcheck.analysis.summarise.roots import roots
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.settings import Settings

__all__ = ["Analysis", "summarise"]


def summarise(
    program: Program, outside: Outside | None = None, settings: Settings | None = None, past: Past | None = None
) -> Analysis:
    """Follow every function that may touch a lock, and all that these call; `outside` is asked where types stay open.

    What was found out in the `past` is gone by where nothing that it depends on has changed; what is found now, is kept
    there. Neither changes what is found.
    """
    before = past.world() if past is not None else None
    if past is None:
        program.read_freely()
    else:
        if before is not None and not is_comparable(before, past.texts):
            past.forget()
            before = None
        program.reads.keep(past.things(), len(past.groups()))
    schedule = Schedule(program, outside)
    now = recall(schedule, past, before) if past is not None else None
    if not _settle(schedule) and past is not None:
        if outside is not None:
            outside.forget()
        program.forget_visits()
        schedule = Schedule(program, outside)
        now = world(schedule, past.texts)
        _settle(schedule)
    opinions = outside.settle() if outside is not None else Opinions()
    if outside is not None and outside.rest():
        gc.collect()  # trees know what they are in, so that nothing else frees them
    if past is not None and now is not None:
        _keep(schedule, past, now, opinions)
        program.read_freely()
    return Analysis(schedule, settings or Settings())


def _settle(schedule: Schedule) -> bool:
    """Follow all that is to be followed; tell whether it is certain that what an earlier run found changes nothing."""
    try:
        for functions in roots(schedule):
            schedule.settle(functions)
        schedule.listen_again()
    except StaleError:
        return False
    return not (schedule.is_deep and schedule.remembers)


def _keep(schedule: Schedule, past: Past, now: World, opinions: Opinions) -> None:
    if not schedule.budget.cuts:
        reads, known = schedule.program.reads, schedule.known()
        schedule.forget_origins()
        now = msgspec.structs.replace(now, opinions=opinions, is_deep=schedule.is_deep)
        past.keep(now, known, reads.things, reads.fresh())
    schedule.forget()
