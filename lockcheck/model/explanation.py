"""What can be told of a line: its findings with what became of them, the locks held there, and what it comes to."""

from __future__ import annotations

import msgspec

from lockcheck.model.findings import Finding
from lockcheck.model.graph import ChainStep, Lock, Runner
from lockcheck.model.source import Place


class Told(msgspec.Struct, frozen=True):
    """A finding; `reasons` tell why it is not in the report, and are none where it is.

    `stands_here`: the line is where it is reported, not only a step of its story.
    """

    finding: Finding
    stands_here: bool
    reasons: tuple[str, ...]


class HeldThere(msgspec.Struct, frozen=True):
    """A lock that is held at the line: how it was taken, and whether it is on every path."""

    lock: str
    mode: str
    certain: bool
    steps: tuple[ChainStep, ...]


class HeldAround(msgspec.Struct, frozen=True):
    """Locks that a caller holds around the whole function, and where it calls it; `always`: so do all that are known."""

    caller: str
    place: Place
    locks: tuple[str, ...]
    always: bool


class Reached(msgspec.Struct, frozen=True):
    """Something that the line comes to, and the calls on the way; `bounded`: a timeout ends it."""

    what: str
    name: str
    bounded: bool
    confidence: str
    steps: tuple[ChainStep, ...]


class Explanation(msgspec.Struct, frozen=True):
    """All that is known of a place. `held` is None where nothing is known of the line itself."""

    path: str
    row: int | None
    column: int | None
    function: str | None
    runners: tuple[Runner, ...]
    told: tuple[Told, ...]
    held: tuple[HeldThere, ...] | None
    around: tuple[HeldAround, ...]
    reached: tuple[Reached, ...]
    locks: tuple[Lock, ...]
