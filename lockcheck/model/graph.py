"""The lock-order graph as it is shown: locks, what is taken while what is held, and the cycles in that."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.source import Place

Verdict: TypeAlias = Literal["order", "cycle", "ruled-out"]
"""`order`: on no cycle. `cycle`: on one that can happen. `ruled-out`: on cycles of which none can."""


class Runner(msgspec.Struct, frozen=True):
    """On whose behalf something runs: "thread" and the like, and the function that it begins with.

    `started` is where it is started, by `maker`, where that is seen.
    """

    kind: str
    function: str
    maker: str | None = None
    started: Place | None = None


class Use(msgspec.Struct, frozen=True):
    """A function that takes a lock, where, how, and who runs it."""

    function: str
    place: Place
    mode: str
    can_wait: bool
    timed: bool
    runners: tuple[Runner, ...]


class Lock(msgspec.Struct, frozen=True):
    """A lock: its name for people, its full name, what it is and where it is made.

    `on` is the class of the objects that this one hangs on, where several classes inherit it.
    """

    name: str
    qualified: str
    kind: str
    domain: str
    shape: str
    reentrant: bool
    exclusive: bool
    made: Place | None = None
    on: str = ""
    uses: tuple[Use, ...] = ()


class ChainStep(msgspec.Struct, frozen=True):
    """A step of a chain: in `function`, at `place`, something is called, taken or done, or promised by a contract."""

    what: Literal["calls", "takes", "does", "contract"]
    text: str
    function: str
    place: Place


class Nesting(msgspec.Struct, frozen=True):
    """One way in which a lock is taken while another is held: how the one came to be held, and the way to the other."""

    function: str
    place: Place
    holds: tuple[ChainStep, ...]
    takes: tuple[ChainStep, ...]
    confidence: str
    certain: bool
    gates: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True):
    """`inner` is taken while `outer` is held (both are positions among the locks); `reasons` tell what rules it out."""

    outer: int
    inner: int
    verdict: Verdict
    nestings: tuple[Nesting, ...]
    reasons: tuple[str, ...] = ()


class Side(msgspec.Struct, frozen=True):
    """One edge of a cycle, by its position, and the nesting on it that fits the other sides, by its position there."""

    edge: int
    nesting: int


class LockGraph(msgspec.Struct, frozen=True):
    """All of it, in a stable order. The sides of a cycle follow one another: each begins where the one before ends."""

    locks: tuple[Lock, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[Side, ...], ...]

    def key(self, edge: Edge) -> tuple[str, str, str, str]:
        """What an edge is known by in another version of the program."""
        outer, inner = self.locks[edge.outer], self.locks[edge.inner]
        return outer.qualified, outer.on, inner.qualified, inner.on
