"""Where the time of a run goes: its stages with their seconds, and what was counted in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NamedTuple


class Stage(NamedTuple):
    """A part of a run: a stage, or a rule `within` one."""

    name: str
    within: str
    seconds: float
    counts: tuple[tuple[str, int], ...]


class _Measured:
    """What is known of a stage so far."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.counts: dict[str, int] = {}


class Timing:
    """Notes what a run does and how long that takes; it decides nothing."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Begin now."""
        self._clock = clock
        self._begin = clock()
        self._stages: dict[tuple[str, str], _Measured] = {}

    @contextmanager
    def stage(self, name: str, within: str = "") -> Generator[None, None, None]:
        """Measure what is done in this context."""
        measured = self._stages.setdefault((within, name), _Measured())
        begin = self._clock()
        try:
            yield
        finally:
            measured.seconds += self._clock() - begin

    def count(self, stage: str, what: str, number: int) -> None:
        """Note how many there were in a stage; what is made in turns is summed up."""
        counts = self._stages.setdefault(("", stage), _Measured()).counts
        counts[what] = counts.get(what, 0) + number

    def elapsed(self) -> float:
        """Give the seconds since the beginning."""
        return self._clock() - self._begin

    def stages(self) -> tuple[Stage, ...]:
        """Give everything that was measured, in the order in which it first began."""
        return tuple(
            Stage(name, within, each.seconds, tuple(each.counts.items()))
            for (within, name), each in self._stages.items()
        )
