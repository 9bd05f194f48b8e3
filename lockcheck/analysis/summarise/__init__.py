"""Stage 4, summarise: critical pairs of every function, callee before caller."""

from __future__ import annotations

from lockcheck.analysis.link.outside import Outside
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.summarise.analysis import Analysis
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
    schedule = Schedule(program, outside)
    now = recall(schedule, past) if past is not None else None
    for functions in roots(schedule):
        schedule.settle(functions)
    if past is not None and now is not None and not schedule.budget.cuts:
        past.keep(now, schedule.known())
    return Analysis(schedule, settings or Settings())
