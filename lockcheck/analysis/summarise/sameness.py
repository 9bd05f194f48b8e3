"""Equal parts of results as one object: what happens under locks is told again and again, by whoever calls who does it.

Nothing changes by it but memory, so that values which are frozen stay so to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import force_setattr

from lockcheck.analysis.summarise.frame import Way
from lockcheck.analysis.summarise.result import Result
from lockcheck.model.events import Condition, CriticalPair, Event, Held
from lockcheck.model.identity import LockId
from lockcheck.model.paths import Path


class Sameness:
    """What has been met so far, by sort."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._events: dict[Event, Event] = {}
        self._passed: dict[frozenset[Path], frozenset[Path]] = {}
        self._locks: dict[frozenset[LockId], frozenset[LockId]] = {}
        self._ways: dict[frozenset[Way] | None, frozenset[Way] | None] = {}
        self._conditions: dict[tuple[Condition, ...], tuple[Condition, ...]] = {}
        self._held: dict[tuple[Held, ...], tuple[Held, ...]] = {}

    def share(self, result: Result) -> None:
        """Have what a result tells of be kept once, as far as another one has told of it."""
        self._share(result.pairs)
        self._share(result.summary.pairs)
        passed = result.summary.passed
        force_setattr(result.summary, "passed", self._passed.setdefault(passed, passed))
        for around in result.calls:
            force_setattr(around, "locks", self._locks.setdefault(around.locks, around.locks))
            force_setattr(around, "ways", self._ways.setdefault(around.ways, around.ways))

    def _share(self, pairs: Iterable[CriticalPair]) -> None:
        for pair in pairs:
            force_setattr(pair, "event", self._events.setdefault(pair.event, pair.event))
            force_setattr(pair, "passed", self._passed.setdefault(pair.passed, pair.passed))
            force_setattr(pair, "conditions", self._conditions.setdefault(pair.conditions, pair.conditions))
            force_setattr(pair, "held", self._held.setdefault(pair.held, pair.held))
