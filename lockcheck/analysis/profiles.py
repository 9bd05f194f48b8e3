"""What a lock is to its program: what kind it is, where it is made, who takes it, and on whose behalf."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.contexts import Context, Contexts
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Acquire, LockRef
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.library import Mode
from lockcheck.model.source import Place, Span


class Taker(msgspec.Struct, frozen=True):
    """A function that takes a lock itself, at `place`. `can_wait`: it is no mere attempt; `timed`: not for ever."""

    function: FunctionId
    place: Place
    mode: Mode
    can_wait: bool
    timed: bool
    contexts: tuple[Context, ...]


class Profile(msgspec.Struct, frozen=True):
    """A lock and all who take it. `made` is where; None where that is not seen."""

    lock: LockRef
    made: Place | None
    takers: tuple[Taker, ...]


class Profiles:
    """Every lock of a program that is known by its identity."""

    def __init__(self, analysis: Analysis) -> None:
        """Gather who takes what."""
        self.analysis = analysis
        self.contexts = Contexts(analysis)
        self._refs: dict[LockId, LockRef] = {}
        self._takes: dict[LockId, dict[tuple[FunctionId, Span], Acquire]] = {}
        for function, pair in analysis.pairs():
            for lock in (h.lock for h in pair.held):
                self._meet(lock)
            event = pair.event
            if isinstance(event, Acquire):
                self._meet(event.lock)
                if event.lock.id is not None and len(pair.trace) == 1:
                    places = self._takes.setdefault(event.lock.id, {})
                    places.setdefault((function, pair.trace[0].span), event)

    def _meet(self, lock: LockRef) -> None:
        """Note a lock; of several views of one the first of which the kind is known."""
        if lock.id is None or lock.guessed or lock.open:
            return
        known = self._refs.get(lock.id)
        if known is None or (known.kind is None and lock.kind is not None):
            self._refs[lock.id] = lock

    def locks(self) -> Iterator[LockRef]:
        """All locks, in a stable order."""
        for identity in sorted(self._refs, key=repr):
            yield self._refs[identity]

    def of(self, lock: LockRef) -> Profile:
        """What a lock is."""
        takers = tuple(self._takers(lock.id)) if lock.id is not None else ()
        note = self.analysis.note(lock)
        return Profile(self._refs.get(lock.id, lock) if lock.id else lock, note.place if note else None, takers)

    def _takers(self, lock: LockId) -> Iterator[Taker]:
        for (function, span), event in sorted(self._takes.get(lock, {}).items(), key=lambda item: item[0]):
            contexts = self.contexts.of(function)
            place = self.analysis.place(function, span)
            yield Taker(function, place, event.mode, event.blocking, event.timed, contexts)
