"""How much may be done for one function and for the whole program, so that no program keeps us for ever.

It is counted in steps, a statement that is followed or a pair that is recorded with what is held then, and not in
seconds: the same program is cut off at the same place everywhere. What is cut off is told. See docs/adr/0013-budgets-of-work.md.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.identity import FunctionId

STEPS = 50_000
"""For one function at once: a second or two. The most that a function of ray took was 3,471."""
BASE, EACH = 2_000_000, 500
"""For all together: so much, and so much for each function of the program."""

Why: TypeAlias = Literal["body", "exits", "program", "cycles"]
"""On what it was spent: on the function's body, on its ways out, on all functions, or on cycles through its locks."""


class SpentError(Exception):
    """The budget is spent; whoever follows functions leaves this one out."""


class Cut(msgspec.Struct, frozen=True, order=True):
    """A function of which not all is known, and why."""

    function: FunctionId
    why: Why


class Meter:
    """What is left for one function."""

    def __init__(self) -> None:
        """Begin with all of it."""
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Take so many steps; raises `SpentError` where there are no more."""
        self.left -= steps
        if self.left < 0:
            raise SpentError


class Budget:
    """What is left for the whole program, and which functions were left out."""

    def __init__(self, functions: int) -> None:
        """Begin with what there is for so many functions."""
        self._left = BASE + EACH * functions
        self._cuts: dict[FunctionId, Cut] = {}

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left for all."""
        return self._left < 0

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Every function that was left out so far, in a stable order."""
        return tuple(sorted(self._cuts.values()))

    def account(self, meter: Meter) -> None:
        """Take from the whole what a function took."""
        self._left -= STEPS - max(0, meter.left)

    def cut(self, function: FunctionId, why: Why) -> None:
        """Note that a function was left out; the first reason counts."""
        self._cuts.setdefault(function, Cut(function, why))

    def has_cut(self, function: FunctionId) -> bool:
        """Whether a function was left out."""
        return function in self._cuts
