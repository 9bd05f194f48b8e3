"""Stage 4, summarise: critical pairs of every function, callee before caller."""

from __future__ import annotations

from lockcheck.analysis.link.outside import Outside
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.roots import roots
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.settings import Settings

__all__ = ["Analysis", "summarise"]


def summarise(program: Program, outside: Outside | None = None, settings: Settings | None = None) -> Analysis:
    """Follow every function that may touch a lock, and all that these call; `outside` is asked where types stay open."""
    schedule = Schedule(program, outside)
    for functions in roots(schedule):
        schedule.settle(functions)
    return Analysis(schedule, settings or Settings())
