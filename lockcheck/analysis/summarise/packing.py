"""Results of the summarise stage as bytes and back: what many share is written once, in tables that later runs add to.

Every part is decoded by its type, so that nothing comes out that could not have gone in; a number that leads nowhere
raises `ValueError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from lockcheck.analysis.link.reads import Thing, compacted
from lockcheck.analysis.summarise.changes import World
from lockcheck.analysis.summarise.frame import Around, Spawned, Way
from lockcheck.analysis.summarise.remembered import Kept
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.tables import Table, beginning, followed
from lockcheck.model.events import Action, Condition, CriticalPair, Event, Held, LockRef, Need, Operation, Step, Summary
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.library import Mode
from lockcheck.model.paths import Path
from lockcheck.model.source import Span

_Wire = TypeVar("_Wire")


class _Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    function: int
    span: tuple[int, int, int, int]
    action: Action
    text: str


class _Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    lock: int
    mode: Mode
    must: bool
    trace: tuple[int, ...]
    scope: str
    inner: bool
    guards: tuple[tuple[str, bool], ...]
    promised: bool


class _Pair(msgspec.Struct, frozen=True, array_like=True, gc=False):
    held: tuple[int, ...]
    event: int
    trace: tuple[int, ...]
    dropped: tuple[int, ...]
    conditions: int
    confidence: Confidence
    passed: int


class _Around(msgspec.Struct, frozen=True, array_like=True, gc=False):
    callee: int
    locks: int
    bounded: bool
    ways: int


class _Function(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One function. Its summary's pairs are named by their places among `pairs`, of which the first `own` are its own."""

    function: int
    reads: int
    asked: tuple[int, ...]
    visited: bool
    heard: bool
    own: int
    pairs: tuple[_Pair, ...]
    exported: tuple[int, ...]
    leaves: tuple[int, ...]
    releases: tuple[int, ...]
    around: tuple[int, ...]
    lent: tuple[int, ...]
    passed: int
    stuck: bool
    spawned: tuple[Spawned, ...]
    calls: tuple[_Around, ...]
    operations: tuple[int, ...]
    needs: tuple[Need, ...]
    started: tuple[_Pair, ...]


class _Tables(msgspec.Struct, frozen=True, array_like=True):
    """What functions share, in pieces: each run that found something out has added one.

    What speaks of others stands before them, so that these are known when their turn comes to be written.
    """

    held: tuple[msgspec.Raw, ...] = ()
    steps: tuple[msgspec.Raw, ...] = ()
    functions: tuple[msgspec.Raw, ...] = ()
    locks: tuple[msgspec.Raw, ...] = ()
    events: tuple[msgspec.Raw, ...] = ()
    conditions: tuple[msgspec.Raw, ...] = ()
    passed: tuple[msgspec.Raw, ...] = ()
    identities: tuple[msgspec.Raw, ...] = ()
    ways: tuple[msgspec.Raw, ...] = ()
    operations: tuple[msgspec.Raw, ...] = ()
    things: tuple[msgspec.Raw, ...] = ()
    groups: tuple[msgspec.Raw, ...] = ()


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    """All of a run: `added` tells how many functions have been added since the tables were begun."""

    world: World
    added: int
    functions: tuple[msgspec.Raw, ...]
    tables: _Tables


def _same(value: _Wire) -> _Wire:
    return value


class Packing:
    """The results of one run after the other."""

    def __init__(self, packed: _Packed | None = None) -> None:
        """Begin with what an earlier run has left, or with nothing. Raises what decoding does, see `DAMAGED`."""
        tables = packed.tables if packed is not None else _Tables()
        self.world = packed.world if packed is not None else None
        self._added = packed.added if packed is not None else 0
        self._functions = Table(tables.functions, _WORDS, _function)
        self._steps = Table(tables.steps, _STEPS, self._as_step)
        self._locks = Table(tables.locks, _LOCKS, _same)
        self._held = Table(tables.held, _HELD, self._as_held)
        self._events = Table(tables.events, _EVENTS, _same)
        self._conditions = Table(tables.conditions, _CONDITIONS, _same)
        self._passed = Table(tables.passed, _PASSED, _same)
        self._identities = Table(tables.identities, _IDENTITIES, _same)
        self._ways = Table(tables.ways, _WAYS, _same)
        self._operations = Table(tables.operations, _OPERATIONS, _same)
        self._things = Table(tables.things, _THINGS, _same)
        self._groups = tables.groups
        self._members = [group for piece in self._groups for group in _GROUPS.decode(piece)]
        self._raw: dict[FunctionId, msgspec.Raw] = {}
        self._kept: dict[FunctionId, Kept] = {}
        if any(len(group) % 4 for group in self._members):
            raise ValueError("a group that is none")
        for raw in packed.functions if packed is not None else ():
            function, kept = self._unpacked(_FUNCTION.decode(raw))
            if not -len(self._members) <= kept.reads < 1 << 31:
                raise ValueError("a number that stands for nothing")
            self._raw[function], self._kept[function] = raw, kept

    @classmethod
    def of(cls, packed: bytes) -> Packing:
        """Unpack what an earlier run has left. Raises what decoding does, see `DAMAGED`."""
        try:
            return cls(_PACKED.decode(packed))
        except IndexError as error:
            raise ValueError("a number leads nowhere") from error

    def known(self) -> Mapping[FunctionId, Kept]:
        """Give what is known of each function."""
        return self._kept

    def things(self) -> Sequence[Thing]:
        """Give what had been read at all."""
        return self._things.items

    def groups(self) -> list[bytes]:
        """Give what was read together."""
        return self._members

    def pack(
        self, now: World, known: Mapping[FunctionId, Kept], things: Sequence[Thing], groups: Iterable[bytes]
    ) -> Iterator[bytes]:
        """Pack what a run has found out, bit by bit; what it took over from the last one is not packed again.

        Nothing can be asked of this any more then: as a whole it would take much memory.
        """
        fresh = {function for function, kept in known.items() if self._kept.get(function) is not kept}
        if self._kept and self._added + len(fresh) > 2 * len(known):
            # half of what is kept is of no use any more
            yield from self._anew(now, known, things, [*self.groups(), *groups])
            return
        yield b"\x94" + msgspec.msgpack.encode(now) + msgspec.msgpack.encode(self._added + len(fresh))
        yield beginning(len(known))
        for function, kept in known.items():
            yield (
                msgspec.msgpack.encode(self._packed(function, kept))
                if function in fresh
                else bytes(self._raw[function])
            )
        self._kept, self._raw = {}, {}
        yield b"\x9c"
        yield from self._held.packed(self._holding)
        yield from self._steps.packed(self._step)
        yield from self._functions.packed(_words)
        yield from self._locks.packed(_same)
        yield from self._events.packed(_same)
        yield from self._conditions.packed(_same)
        yield from self._passed.packed(_same)
        yield from self._identities.packed(_same)
        yield from self._ways.packed(_same)
        yield from self._operations.packed(_same)
        yield from self._things.followed_by(things)
        yield from followed(self._groups, msgspec.msgpack.encode(tuple(groups)))

    @staticmethod
    def _anew(
        now: World, known: Mapping[FunctionId, Kept], things: Sequence[Thing], groups: Sequence[bytes]
    ) -> Iterator[bytes]:
        """Pack all of it, and nothing that is only left over."""
        numbers, left, rest = compacted({kept.reads for kept in known.values()}, things, groups)
        moved = {function: msgspec.structs.replace(kept, reads=numbers[kept.reads]) for function, kept in known.items()}
        return Packing().pack(now, moved, left, rest)

    def _packed(self, function: FunctionId, kept: Kept) -> _Function:
        result, summary = kept.result, kept.result.summary
        pairs = {pair: number for number, pair in enumerate(result.pairs)}
        own = len(pairs)
        exported = tuple(pairs.setdefault(pair, len(pairs)) for pair in summary.pairs)
        return _Function(
            self._functions.place(function),
            kept.reads,
            self._functions.places(kept.asked),
            kept.visited,
            kept.heard,
            own,
            tuple(map(self._pair, pairs)),
            exported,
            self._held.places(summary.leaves),
            self._locks.places(summary.releases),
            self._held.places(summary.around),
            self._locks.places(summary.lent),
            self._passed.place(summary.passed),
            summary.stuck,
            result.spawned,
            tuple(map(self._around, result.calls)),
            self._operations.places(result.operations),
            result.needs,
            tuple(map(self._pair, result.started)),
        )

    def _unpacked(self, wire: _Function) -> tuple[FunctionId, Kept]:
        function = self._functions.items[wire.function]
        pairs = tuple(map(self._as_pair, wire.pairs))
        summary = Summary(
            tuple([pairs[number] for number in wire.exported]),
            self._held.some(wire.leaves),
            self._locks.some(wire.releases),
            self._held.some(wire.around),
            self._locks.some(wire.lent),
            self._passed.items[wire.passed],
            wire.stuck,
        )
        result = Result(
            function,
            pairs if wire.own == len(pairs) else pairs[: wire.own],
            summary,
            wire.spawned,
            tuple(map(self._as_around, wire.calls)),
            self._operations.some(wire.operations),
            wire.needs,
            tuple(map(self._as_pair, wire.started)),
        )
        return function, Kept(result, wire.reads, self._functions.some(wire.asked), wire.visited, wire.heard)

    def _pair(self, pair: CriticalPair) -> _Pair:
        return _Pair(
            self._held.places(pair.held),
            self._events.place(pair.event),
            self._steps.places(pair.trace),
            self._locks.places(pair.dropped),
            self._conditions.place(pair.conditions),
            pair.confidence,
            self._passed.place(pair.passed),
        )

    def _as_pair(self, wire: _Pair) -> CriticalPair:
        return CriticalPair(
            self._held.some(wire.held),
            self._events.items[wire.event],
            self._steps.some(wire.trace),
            self._locks.some(wire.dropped),
            self._conditions.items[wire.conditions],
            wire.confidence,
            self._passed.items[wire.passed],
        )

    def _around(self, around: Around) -> _Around:
        return _Around(
            self._functions.place(around.callee),
            self._identities.place(around.locks),
            around.bounded,
            self._ways.place(around.ways),
        )

    def _as_around(self, wire: _Around) -> Around:
        return Around(
            self._functions.items[wire.callee],
            self._identities.items[wire.locks],
            wire.bounded,
            self._ways.items[wire.ways],
        )

    def _step(self, step: Step) -> _Step:
        span = step.span
        place = span.row, span.column, span.end_row, span.end_column
        return _Step(self._functions.place(step.function), place, step.action, step.text)

    def _as_step(self, wire: _Step) -> Step:
        return Step(self._functions.items[wire.function], Span(*wire.span), wire.action, wire.text)

    def _holding(self, held: Held) -> _Held:
        return _Held(
            self._locks.place(held.lock),
            held.mode,
            held.must,
            self._steps.places(held.trace),
            held.scope,
            held.inner,
            held.guards,
            held.promised,
        )

    def _as_held(self, wire: _Held) -> Held:
        lock, trace = self._locks.items[wire.lock], self._steps.some(wire.trace)
        return Held(lock, wire.mode, wire.must, trace, wire.scope, wire.inner, wire.guards, wire.promised)


def _words(function: FunctionId) -> tuple[str, str]:
    return function.module, function.qualname


def _function(words: tuple[str, str]) -> FunctionId:
    return FunctionId(*words)


_PACKED: msgspec.msgpack.Decoder[_Packed] = msgspec.msgpack.Decoder(_Packed)
_FUNCTION: msgspec.msgpack.Decoder[_Function] = msgspec.msgpack.Decoder(_Function)
_WORDS: msgspec.msgpack.Decoder[tuple[tuple[str, str], ...]] = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...])
_THINGS: msgspec.msgpack.Decoder[tuple[Thing, ...]] = msgspec.msgpack.Decoder(tuple[Thing, ...])
_GROUPS: msgspec.msgpack.Decoder[tuple[bytes, ...]] = msgspec.msgpack.Decoder(tuple[bytes, ...])
_STEPS: msgspec.msgpack.Decoder[tuple[_Step, ...]] = msgspec.msgpack.Decoder(tuple[_Step, ...])
_LOCKS: msgspec.msgpack.Decoder[tuple[LockRef, ...]] = msgspec.msgpack.Decoder(tuple[LockRef, ...])
_HELD: msgspec.msgpack.Decoder[tuple[_Held, ...]] = msgspec.msgpack.Decoder(tuple[_Held, ...])
_EVENTS: msgspec.msgpack.Decoder[tuple[Event, ...]] = msgspec.msgpack.Decoder(tuple[Event, ...])
_CONDITIONS: msgspec.msgpack.Decoder[tuple[tuple[Condition, ...], ...]] = msgspec.msgpack.Decoder(
    tuple[tuple[Condition, ...], ...]
)
_PASSED: msgspec.msgpack.Decoder[tuple[frozenset[Path], ...]] = msgspec.msgpack.Decoder(tuple[frozenset[Path], ...])
_IDENTITIES: msgspec.msgpack.Decoder[tuple[frozenset[LockId], ...]] = msgspec.msgpack.Decoder(
    tuple[frozenset[LockId], ...]
)
_WAYS: msgspec.msgpack.Decoder[tuple[frozenset[Way] | None, ...]] = msgspec.msgpack.Decoder(
    tuple[frozenset[Way] | None, ...]
)
_OPERATIONS: msgspec.msgpack.Decoder[tuple[Operation, ...]] = msgspec.msgpack.Decoder(tuple[Operation, ...])
