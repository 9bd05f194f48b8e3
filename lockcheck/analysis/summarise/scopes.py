"""Timeout scopes: what a wait is inside one."""

from __future__ import annotations

import msgspec

from lockcheck.model.events import Acquire, Block, Event, QueueWait


def bounded(event: Event) -> Event:
    """A wait inside a timeout scope of the caller."""
    match event:
        case Block():
            return msgspec.structs.replace(event, bounded=True)
        case QueueWait():
            return msgspec.structs.replace(event, scoped=True)
        case Acquire():
            return msgspec.structs.replace(event, timed=True, scoped=event.scoped or not event.timed)
        case _:
            return event
