"""Earlier runs of the stage: what they found out is taken over where it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lockcheck.analysis.summarise.changes import World, changes, world
from lockcheck.analysis.summarise.remembered import Kept, Remembered
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.identity import FunctionId


class Past(Protocol):
    """Where results are kept from run to run. `texts` gives for each module of this run what stands for its content."""

    @property
    def texts(self) -> Mapping[str, bytes]:
        """What stands for the content of each module."""
        ...

    def world(self) -> World | None:
        """The program of the last run; None where there was none, or nothing is known of it."""
        ...

    def facts(self, text: bytes) -> ModuleFacts | None:
        """The facts of a text of the last run."""
        ...

    def known(self) -> Mapping[FunctionId, Kept]:
        """What the last run found out."""
        ...

    def keep(self, now: World, known: Mapping[FunctionId, Kept]) -> None:
        """Keep what this run has found out, for the next."""
        ...


def recall(schedule: Schedule, past: Past) -> World:
    """Have a schedule go by the last run as far as that holds; give the program of this one."""
    now = world(schedule, past.texts)
    before = past.world()
    if before is not None:
        changed = changes(schedule, before, now, past.facts)
        if changed is not None:
            schedule.remember(Remembered(past.known(), changed))
    return now
