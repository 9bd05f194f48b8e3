"""A callee's summary as its caller sees it: parameters replaced by arguments, the call site on the trace."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.foreign import Foreign
from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import options
from lockcheck.analysis.summarise import contracts, primitives
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.dispatch import demands
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.owning import owned
from lockcheck.analysis.summarise.scopes import bounded
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import (
    Acquire,
    Block,
    Callback,
    Comeback,
    Condition,
    CriticalPair,
    Event,
    Held,
    Operation,
    QueueWait,
    Step,
)
from lockcheck.model.expression import Attr, Call, Const, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path
from lockcheck.model.source import Span


def compose(
    frame: Frame,
    target: Target,
    call: Call | None,
    state: State,
    span: Span,
    receiver: Path | None,
    text: str,
) -> State:
    """Run a callee under the caller's state: its events are recorded, what it leaves held or gives back is applied."""
    summary = frame.engine.summary(target.function)
    promised = contracts.promised(frame.engine, target.function)
    if not (summary.pairs or summary.leaves or summary.releases or promised or target.only or target.chosen):
        frame.calling(target.function, state)
        return state
    arguments = Arguments(frame, target, call, state, receiver)
    own = demands(frame, target, arguments.expr, state)
    if own is None:
        return state
    for held in promised:
        frame.flow_matters = True
        needed = arguments.lock(held.lock)
        if needed is not None and target.confidence == Confidence.HIGH:
            frame.need(needed, span, target.function, state)
    step = frame.step(span, "call", text)
    frame.calling(target.function, state)
    if target.only is not None and receiver is not None:
        own = (*own, Condition(receiver, target.only))
    happen(frame, arguments, state, step, own)
    if (state.held or state.passed) and not own and _surely(frame, target, call):
        state = state.behind(named(arguments, summary.passed), summary.stuck)
    if summary.leaves or summary.releases:
        frame.flow_matters = True
        for lock in summary.releases:
            mine = arguments.lock(lock)
            if mine is not None:
                frame.operate(Operation("release", mine, span, callee=text), state)
                state = state.releasing(mine)
        for held in moved(arguments, summary.leaves, step):
            frame.operate(Operation("acquire", held.lock, span, callee=text), state)
            state = state.holding(held)
    return state


def _surely(frame: Frame, target: Target, call: Call | None) -> bool:
    """Whether a call runs this function and no other: it is not chosen, nor what some caller gives.

    It is asked in functions that take locks themselves: of others the branches need not be known.
    """
    if call is None or target.chosen or target.confidence != Confidence.HIGH:
        return False
    return not (isinstance(call.func, Name) and call.func.id in frame.scope.parameters)


def happen(
    frame: Frame,
    arguments: Arguments,
    state: State,
    step: Step,
    conditions: tuple[Condition, ...] = (),
    pairs: tuple[CriticalPair, ...] | None = None,
) -> None:
    """Record what a callee does under the caller's state: all of it, or these pairs."""
    here = _Here(arguments, step, conditions)
    told = frame.engine.summary(arguments.target.function).pairs if pairs is None else pairs
    frame.meter.spend(len(told))
    for pair in told:
        _pair(frame, here, pair, state)


class _Here:
    """A callee's conditions and locks at one call: most of its pairs share them, so each tuple is translated once."""

    def __init__(self, arguments: Arguments, step: Step, own: tuple[Condition, ...]) -> None:
        """`own` are the conditions under which the call runs the callee."""
        self.arguments = arguments
        self.step = step
        self._own = own
        self._conditions: dict[tuple[Condition, ...], tuple[Condition, ...] | None] = {}
        self._held: dict[tuple[Held, ...], tuple[Held, ...] | None] = {(): ()}
        self._passed: dict[frozenset[Path], frozenset[Path]] = {frozenset(): frozenset()}

    def conditions(self, given: tuple[Condition, ...]) -> tuple[Condition, ...] | None:
        """A pair's conditions and the call's own, sorted; None where one of them is not met."""
        if given not in self._conditions:
            found = [self.arguments.condition(condition) for condition in given]
            open_ones = {*self._own, *(c for c in found if isinstance(c, Condition))}
            several = sorted(open_ones, key=repr) if len(open_ones) > 1 else open_ones  # a `repr` of one takes long
            self._conditions[given] = None if False in found else tuple(several)
        return self._conditions[given]

    def held(self, given: tuple[Held, ...]) -> tuple[Held, ...] | None:
        """The locks that a pair holds; None where one of them is none here."""
        if given not in self._held:
            found = tuple(moved(self.arguments, given, self.step, inner=True))
            self._held[given] = found if len(found) == len(given) else None
        return self._held[given]

    def passed(self, given: frozenset[Path]) -> frozenset[Path]:
        """The locks that are taken on every way to a pair, as far as they have names here."""
        if given not in self._passed:
            self._passed[given] = named(self.arguments, given)
        return self._passed[given]


def named(arguments: Arguments, paths: frozenset[Path]) -> frozenset[Path]:
    """Objects of a callee in the caller's terms, as far as it can name them."""
    found = (arguments.path(path) for path in paths)
    return frozenset(path for path in found if path is not None and certain(path))


def moved(arguments: Arguments, held: tuple[Held, ...], step: Step, inner: bool = False) -> Iterator[Held]:
    """Locks that a callee holds, in the caller's terms."""
    for item in held:
        lock = arguments.lock(item.lock)
        if lock is not None:
            yield Held(lock, item.mode, item.must, (step, *item.trace), item.scope, inner)


def _pair(frame: Frame, here: _Here, pair: CriticalPair, state: State) -> None:
    arguments, step = here.arguments, here.step
    conditions = here.conditions(pair.conditions)
    if conditions is None:
        return
    event = _event(arguments, pair.event)
    if isinstance(event, Callback) and event.kind == "parameter" and isinstance(pair.event, Callback):
        if _called(frame, arguments, pair, pair.event, state, step):
            return
        event = _passed_on(frame, arguments, pair.event, event)
    if event is None:
        return
    if state.bounded:
        event = bounded(event)
    event, decided = _timeout(frame, arguments, event)
    inner = here.held(pair.held)
    if inner is None:
        return
    inner = owned(pair, event, inner)
    dropped = pair.dropped and tuple(d for d in (arguments.lock(lock) for lock in pair.dropped) if d is not None)
    own_confidence = Confidence.HIGH if decided else pair.confidence
    confidence = min(own_confidence, arguments.target.confidence)
    frame.record(
        event,
        state.meeting(event),
        (step, *pair.trace),
        inner,
        dropped,
        conditions,
        confidence,
        here.passed(pair.passed),
    )


def _timeout(frame: Frame, arguments: Arguments, event: Event) -> tuple[Event, bool]:
    """What this call gives for the parameter that bounds a wait; True if it gives none, so that nothing bounds it."""
    if not isinstance(event, Block | QueueWait) or event.hangs_on is None:
        return event, False
    given = arguments.expr(event.hangs_on)
    if given is None or (isinstance(given, Const) and given.value is None):
        return msgspec.structs.replace(event, hangs_on=None), arguments.spelled
    if isinstance(given, Name) and primitives.open_ended(frame, arguments.call, given):
        return msgspec.structs.replace(event, hangs_on=given.id), False
    return msgspec.structs.replace(event, timed=True, hangs_on=None), False


def _event(arguments: Arguments, event: Event) -> Event | None:
    match event:
        case Acquire(lock=lock):
            mine = arguments.lock(lock)
            if mine is None:
                return None
            return Acquire(mine, event.mode, event.blocking, event.timed, event.awaited, event.scoped)
        case Comeback(lock=lock):
            mine = arguments.lock(lock)
            return msgspec.structs.replace(event, lock=mine) if mine is not None else None
        case Block(releases=lock):
            return event if lock is None else msgspec.structs.replace(event, releases=arguments.lock(lock))
        case Callback(path=path):
            return msgspec.structs.replace(event, path=arguments.path(path))
        case _:
            return event


def _called(frame: Frame, arguments: Arguments, pair: CriticalPair, event: Callback, state: State, step: Step) -> bool:
    """A callee calls what it was given: where that is known here, it runs here, under its locks. True if it was."""
    if event.path is None or event.path.steps:
        return False
    root = event.path.root
    given = arguments.expr(root.name) if isinstance(root, ParameterRoot) else None
    known = False
    told = bool(frame.engine.targets.of(Name(event.name), arguments.target.function))
    if state.held or state.passed:
        state = state.behind(named(arguments, pair.passed), stuck=False)
    for held in moved(arguments, pair.held, step, inner=told):
        state = state.holding(held)
    for option in options(arguments.value(event.path)):
        for target in frame.engine.targets.callee(option):
            known = True
            base = None
            if isinstance(given, Attr):
                base = frame.engine.paths.of(given.value, frame.function, state.env)
            if target.function not in frame.handed and not frame.engine.program.functions[target.function].is_async:
                frame.handed.append(target.function)
                compose(frame, target, None, state, step.span, base, step.text)
                frame.handed.pop()
    return known or (isinstance(given, Const) and given.value is None)


def _passed_on(frame: Frame, arguments: Arguments, event: Callback, here: Callback) -> Callback | None:
    """What a callee calls that it was given, in the caller's terms; None where that did not come from outside."""
    if event.path is None:
        return None
    match event.path.root:
        case ParameterRoot(name=name):
            given = arguments.expr(name)
        case FreeRoot(function=function, name=name) if function == frame.function:
            given = Name(name)
        case _:
            return here
    found = frame.engine.origins.of(given, frame.function) if given is not None else None
    if found is None:
        return None
    return described(frame, event, found, here.path)


def described(frame: Frame, event: Callback, found: Foreign, path: Path | None) -> Callback:
    """A callback with what is known of where it came from."""
    source = found.source
    given = frame.engine.step(source.function, source.span, "event", event.name) if source is not None else None
    known = event.known or found.known
    return Callback(path, event.name, found.kind, found.holder, given, event.awaited, known, found.place)
