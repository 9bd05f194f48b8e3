"""Locks of one attribute that are nested, of objects that are known: which of them comes first at which place."""

from __future__ import annotations

from lockcheck.analysis.order import Witness, separation
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.objects import Together
from lockcheck.model.paths import Path


def nested(analysis: Analysis, witness: Witness) -> Together | None:
    """The objects whose locks a place nests, outer and inner, where it is known who they are."""
    outer, inner = witness.held.lock.path, witness.inner.path
    if outer is None or inner is None or outer.steps != inner.steps or len(outer.steps) != 1:
        return None
    return analysis.objects.of(witness.function, (outer, inner))


def comes_back(
    analysis: Analysis, first: Witness, here: tuple[Path, ...], known: list[tuple[Witness, Together]]
) -> bool:
    """Whether other places, at the same time, lead from the inner object back to the outer one."""
    outer, inner = here
    reached, pending = {inner}, [inner]
    after = {
        way
        for other, ways in known
        if other.inner.id == first.inner.id and separation(analysis, first, other) is None
        for way in ways
    }
    while pending and outer not in reached:
        last = pending.pop()
        fresh = {way[1] for way in after if way[0] == last} - reached
        reached |= fresh
        pending += sorted(fresh)
    return outer != inner and outer in reached
