"""Locks that ordinary code holds while it waits for something slow."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.devices import serialised
from lockcheck.analysis.summarise.known import looked
from lockcheck.analysis.witness import plausible
from lockcheck.model.events import Block, CriticalPair, Held, QueueWait
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import LockId

_SLOW = {"network", "database", "subprocess", "sleep", "join", "result", "wait", "input"}


class SlowRegion(msgspec.Struct, frozen=True, gc=False):
    """A wait of a plain function under a lock; `confidence` is never low."""

    pair: CriticalPair
    held: Held
    confidence: Confidence


def slow_regions(analysis: Analysis) -> dict[LockId, list[SlowRegion]]:
    """The slow regions of each exclusive thread lock, the surest and shortest first.

    Those of coroutines do not count: they run in the event loop themselves, where nobody else can meet them.
    """
    found: dict[LockId, list[SlowRegion]] = {}
    for function, pair, own in analysis.holding():
        if analysis.facts(function).is_async or not _waits(analysis, pair) or analysis.bounded(function):
            continue
        for held in own:
            if held.lock.id is None or held.lock.domain != "thread" or not held.lock.exclusive:
                continue
            confidence = plausible(pair, (held,))
            if confidence > Confidence.LOW and not serialised(analysis, pair, held):
                found.setdefault(held.lock.id, []).append(SlowRegion(pair, held, confidence))
    for regions in found.values():
        regions.sort(key=lambda r: (-r.confidence, len(r.pair.trace), r.pair.trace))
    return found


def _waits(analysis: Analysis, pair: CriticalPair) -> bool:
    match pair.event:
        case Block(category=category, awaited=False, timed=False, bounded=False):
            return category in _SLOW
        case QueueWait(operation=operation, bounded=bounded, timed=False, awaited=False, scoped=False):
            last = pair.trace[-1]
            return (operation != "put" or bool(bounded)) and not looked(analysis.program.body(last.function), last.span)
        case _:
            return False
