"""Earlier runs of the stage: what they found out is taken over where it still holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from lockcheck.analysis.link.outside import Opinions
from lockcheck.analysis.link.reads import OPINION, Thing
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

    def forget(self) -> None:
        """Let the last run go: nothing of it is of use."""
        ...

    def facts(self, text: bytes) -> ModuleFacts | None:
        """The facts of a text of the last run."""
        ...

    def known(self) -> Mapping[FunctionId, Kept]:
        """What the last run found out."""
        ...

    def groups(self) -> Sequence[bytes]:
        """What was read together, by its numbers (`lockcheck.analysis.link.reads`)."""
        ...

    def things(self) -> Sequence[Thing]:
        """What had been read at all, by its numbers."""
        ...

    def keep(
        self, now: World, known: Mapping[FunctionId, Kept], things: Sequence[Thing], groups: Iterable[bytes]
    ) -> None:
        """Keep what this run has found out, for the next.

        `things` is all that has been read by now; `groups` come behind those that are known.
        """
        ...


def recall(schedule: Schedule, past: Past, before: World | None) -> World:
    """Have a schedule go by the run `before` as far as that holds; give the program of this one."""
    now = world(schedule, past.texts)
    changed = changes(schedule, before, now, past.facts) if before is not None else None
    if before is not None and changed is not None:
        schedule.remember(Remembered(past.known(), changed, past.groups()))
        if schedule.outside is not None:
            schedule.outside.recall(before.opinions if OPINION not in changed else Opinions())
    return now
