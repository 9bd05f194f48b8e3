"""Which of the locks of a callee's pair its caller is the first to know."""

from __future__ import annotations

import msgspec

from lockcheck.model.events import Acquire, CriticalPair, Event, Held


def owned(pair: CriticalPair, event: Event, inner: tuple[Held, ...]) -> tuple[Held, ...]:
    """Locks that only this call makes known (or makes equal to what is acquired) are reported here."""
    if not inner:
        return inner
    if not isinstance(event, Acquire) or not isinstance(pair.event, Acquire):
        return tuple(
            msgspec.structs.replace(new, inner=False) if old.lock.open and not new.lock.open else new
            for old, new in zip(pair.held, inner, strict=True)
        )
    resolved = pair.event.lock.open and not event.lock.open
    found: list[Held] = []
    for old, new in zip(pair.held, inner, strict=True):
        was = old.lock.path == pair.event.lock.path
        now = new.lock.path is not None and new.lock.path == event.lock.path
        decided = resolved or (old.lock.open and not new.lock.open) or (now and not was)
        outer = decided and new.lock.id is not None
        found.append(msgspec.structs.replace(new, inner=False) if outer else new)
    return tuple(found)
