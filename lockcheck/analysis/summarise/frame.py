"""One function: what it accumulates while its body is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from lockcheck.analysis.budget import Meter
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.state import State, join, same
from lockcheck.model.events import Block, Condition, CriticalPair, Event, Held, LockRef, Need, Operation, Step, Trace
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Node
from lockcheck.model.identity import FunctionId, GlobalLock, LockId
from lockcheck.model.paths import GlobalRoot, ParameterRoot, Path
from lockcheck.model.source import Span

MAX_TRACE = 12
"""Longer chains of calls are no evidence that a person would follow; the bound keeps the domain finite."""

MAX_WAYS = 6
"""Ways to the calls of one function in another that are told apart."""

PairKey = tuple[object, ...]
_NOTHING: frozenset[LockId] = frozenset()
Rank = TypeVar("Rank", tuple[int, int, Trace], tuple[int, int, int, Trace])


class Spawned(msgspec.Struct, frozen=True, order=True, gc=False):
    """A function that this one makes run elsewhere, in `context`, by the call at `row`; `repeated`: in a loop.

    `alone`: nobody learns of its failure by itself, as who waits for a call that runs it or for its group does.
    """

    function: FunctionId
    context: str
    repeated: bool = False
    row: int = 0
    alone: bool = True


class Way(msgspec.Struct, frozen=True, gc=False):
    """One way to a call: exclusive global locks that are held, and what is held and what was taken of a module's objects."""

    locks: frozenset[LockId] = frozenset()
    mine: frozenset[Path] = frozenset()
    passed: frozenset[Path] = frozenset()


_FREE = Way()
_FREELY = frozenset({_FREE})


class Around(msgspec.Struct, frozen=True, gc=False):
    """What is around every call of `callee`: exclusive locks that are held, and whether a timeout bounds it.

    `ways` are those to the calls, one by one; None where there are too many.
    """

    callee: FunctionId
    locks: frozenset[LockId]
    bounded: bool
    ways: frozenset[Way] | None = frozenset()


class Frame:
    """The pairs, exits and jumps of one function while it is being followed."""

    def __init__(self, engine: Engine, function: FunctionId) -> None:
        """Start with nothing held and each parameter pointing at what the caller gave."""
        self.engine = engine
        self.function = function
        self.facts = engine.program.functions[function]
        engine.program.speak_of_places(function)
        self.scope = engine.types.scope(function)
        self.meter = Meter()
        self.pairs: dict[PairKey, CriticalPair] = {}
        self.started: dict[PairKey, CriticalPair] = {}
        """What threads that it starts do, where only this start tells which locks they are about."""
        self.spawned: set[Spawned] = set()
        self.operations: dict[tuple[str, Span, LockRef], Operation] = {}
        self.needs: dict[tuple[Span, FunctionId, LockRef], Need] = {}
        self.calls: dict[FunctionId, Around] = {}
        """Callees, with what is around every call of them."""
        self.returns: list[State] = []
        self.breaks: list[State] = []
        self.continues: list[State] = []
        self.raised: list[list[State]] = []
        self.around: list[State] = []
        self.stacks: dict[str, str] = {}
        self.entry: list[Held] = []
        """Locks that wrappers of this function hold around it."""
        self.kept: frozenset[Span] | None = None
        """Calls whose results the function awaits later, once somebody has asked (see `twins`)."""
        self.handed: list[FunctionId] = []
        """Functions that are being composed since a callee calls what it is given: one that is given itself is not again."""
        self.loops = 0
        self.watched: list[tuple[Node, State]] | None = None
        """Each statement with the state before it, where somebody asks what is held at a place."""
        self.structured = False
        """The body is followed along its branches: what lies on every way to a place is known."""
        self.flow_matters = False
        """A callee changes which locks are held: a flat body is not enough."""

    def start(self) -> State:
        """The state at the first statement."""
        return State(env={name: Path(ParameterRoot(name)) for name in self.scope.parameters})

    def step(self, span: Span, action: str, text: str) -> Step:
        """A step of a trace in this function."""
        if action == "acquire":
            return Step(self.function, span, "acquire", text)
        return Step(self.function, span, "call" if action == "call" else "event", text)

    def record(
        self,
        event: Event,
        state: State,
        trace: Trace,
        inner: tuple[Held, ...] = (),
        dropped: tuple[LockRef, ...] = (),
        conditions: tuple[Condition, ...] = (),
        confidence: Confidence = Confidence.HIGH,
        passed: frozenset[Path] = frozenset(),
    ) -> None:
        """Keep a pair: the event under what is held now, less what a callee has given back, and what it holds."""
        if len(trace) > MAX_TRACE or (self.structured and (state.stuck or state.blocked(passed))):
            return
        self.meter.spend(1 + len(state.held))
        if state.debugging and isinstance(event, Block):
            confidence = Confidence.LOW
        held = state.held
        rest: tuple[LockRef, ...] = state.dropped
        for lock in dropped:
            before = len(held)
            held = State(held).releasing(lock).held
            if len(held) == before:
                rest = (*rest, lock)
        passed = state.with_passed(passed) if self.structured else passed
        pair = CriticalPair((*held, *inner), event, trace, rest, conditions, confidence, passed)
        key = (tuple((h.lock, h.mode, h.inner) for h in pair.held), event, trace[0].span, conditions)
        known = self.pairs.get(key)
        self.pairs[key] = pair if known is None else nearer(pair, known, _rank)

    def calling(self, function: FunctionId, state: State) -> None:
        """Note what is held around a call."""
        held = _exclusive(state) if state.held else _NOTHING  # kept for each call: most are made while nothing is held
        before = self.calls.get(function, Around(function, held, True))
        ways = before.ways
        if ways is not None and not (self.structured and state.stuck):
            way = self._way(state, held)
            ways = ways if way in ways else _FREELY if way == _FREE and not ways else ways | {way}
        some = ways if ways is None or len(ways) <= MAX_WAYS else None
        self.calls[function] = Around(function, before.locks & held, before.bounded and state.bounded > 0, some)

    def _way(self, state: State, held: frozenset[LockId]) -> Way:
        if not held and not state.passed:
            return _FREE
        mine = {h.lock.path for h in state.held if h.must and h.lock.exclusive and h.mode == "exclusive"}
        passed = state.passed if self.structured else frozenset[Path]()
        gates = frozenset(lock for lock in held if isinstance(lock, GlobalLock))  # of an attribute there are many
        return Way(gates, of_modules(p for p in mine if p is not None), of_modules(passed))

    def operate(self, operation: Operation, state: State) -> None:
        """Note what the function does to a lock; followed several times, it is held if it is held in one of them."""
        lock = operation.lock
        held = _holds(state, lock)
        key = (operation.action, operation.span, operation.lock)
        known = self.operations.get(key)
        held = held or (known is not None and known.held)
        self.operations[key] = msgspec.structs.replace(operation, held=held)

    def need(self, lock: LockRef, span: Span, callee: FunctionId, state: State) -> None:
        """Note a call that a contract allows under a lock only."""
        key = (span, callee, lock)
        known = self.needs.get(key)
        held = _holds(state, lock) or (known is not None and known.held)
        self.needs[key] = Need(lock, span, callee, held)

    def may_raise(self, state: State) -> None:
        """Note that an exception may leave from here, for whatever is around to see to it."""
        if not self.raised:
            return
        collected = self.raised[-1]
        if not collected or collected[-1] is not state:
            collected.append(state)

    def guarded(self, body: Callable[[], State | None], cleanup: Callable[[State], State | None]) -> State | None:
        """Follow a body whose every exit (its end, jumps, exceptions) runs through `cleanup`."""
        outer = self.returns, self.breaks, self.continues
        self.returns, self.breaks, self.continues = [], [], []
        self.raised.append([])
        end = body()
        raised = join(self.raised.pop())
        inner = self.returns, self.breaks, self.continues
        self.returns, self.breaks, self.continues = outer
        for states, target in zip(inner, outer, strict=True):
            left = join(states)
            if left is not None and (after := cleanup(left)) is not None:
                target.append(after)
        if raised is not None and (after := cleanup(raised)) is not None:
            self.may_raise(after)
        return cleanup(end) if end is not None else None


def _exclusive(state: State) -> frozenset[LockId]:
    return frozenset(
        h.lock.id for h in state.held if h.lock.id is not None and h.must and h.lock.exclusive and h.mode != "read"
    )


def _holds(state: State, lock: LockRef) -> bool:
    return any(same(h.lock, lock) or (lock.id is not None and h.lock.id == lock.id) for h in state.held)


def of_modules(paths: Iterable[Path]) -> frozenset[Path]:
    """Paths that lead to the same object wherever they are written."""
    return frozenset(path for path in paths if isinstance(path.root, GlobalRoot))


def nearer(pair: CriticalPair, known: CriticalPair, rank: Callable[[CriticalPair], Rank]) -> CriticalPair:
    """The better one of two pairs that are one to whoever asks: they lie behind what both lie behind."""
    best = pair if rank(pair) < rank(known) else known
    passed = pair.passed & known.passed
    return best if passed == best.passed else msgspec.structs.replace(best, passed=passed)


def _rank(pair: CriticalPair) -> tuple[int, int, Trace]:
    return (-pair.confidence, len(pair.trace), pair.trace)
