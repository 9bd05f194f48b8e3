"""Equal parts of results as one object: what happens under locks is told again and again, by whoever calls who does it.

Nothing changes by it but memory, so that values which are frozen stay so to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import force_setattr

from lockcheck.analysis.summarise.result import Result
from lockcheck.model.events import Condition, CriticalPair, Event, Held


class Sameness:
    """What has been met so far, by sort."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._events: dict[Event, Event] = {}
        self._sets: dict[frozenset[object], frozenset[object]] = {}
        self._conditions: dict[tuple[Condition, ...], tuple[Condition, ...]] = {}
        self._held: dict[tuple[Held, ...], tuple[Held, ...]] = {}

    def share(self, result: Result) -> None:
        """Have what a result tells of be kept once, as far as another one has told of it."""
        self._share(result.pairs)
        self._share(result.summary.pairs)
        force_setattr(result.summary, "passed", self._sets.setdefault(result.summary.passed, result.summary.passed))
        for around in result.calls:
            force_setattr(around, "locks", self._sets.setdefault(around.locks, around.locks))
            if around.ways is not None:
                force_setattr(around, "ways", self._sets.setdefault(around.ways, around.ways))

    def _share(self, pairs: Iterable[CriticalPair]) -> None:
        for pair in pairs:
            force_setattr(pair, "event", self._events.setdefault(pair.event, pair.event))
            force_setattr(pair, "passed", self._sets.setdefault(pair.passed, pair.passed))
            force_setattr(pair, "conditions", self._conditions.setdefault(pair.conditions, pair.conditions))
            force_setattr(pair, "held", self._held.setdefault(pair.held, pair.held))
