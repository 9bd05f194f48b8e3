"""Calls: what the callee does, as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import (
    UNKNOWN,
    External,
    FunctionValue,
    LibraryInstance,
    LibraryMethod,
    PartialValue,
    Value,
    options,
)
from lockcheck.analysis.summarise import (
    callbacks,
    consulting,
    contracts,
    entering,
    evaluate,
    futures,
    outcomes,
    primitives,
    protocol,
    receivers,
    sockets,
    starting,
    telling,
    twins,
)
from lockcheck.analysis.summarise.compose import compose
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.frame import Frame, Spawned
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Block
from lockcheck.model.expression import Attr, Call, Comprehension, Const, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId
from lockcheck.model.library import Effect
from lockcheck.model.paths import GlobalRoot
from lockcheck.model.source import Span

_CONSUMERS = {
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.sorted", "builtins.sum", "builtins.any",
    "builtins.all", "builtins.dict", "builtins.min", "builtins.max", "builtins.next", "builtins.frozenset",
}  # fmt: skip


def call(
    frame: Frame,
    expr: Call,
    state: State,
    awaited: bool = False,
    iterated: bool = False,
    suspended: Span | None = None,
    scheduled: bool = False,
) -> State:
    """The state after a call. `awaited` and `iterated`: its result is, so a coroutine or generator runs now.

    `suspended` is the span of the `await` around it, a suspension after the arguments were evaluated; `scheduled`
    tells that somebody else awaits what it gives: `gather(call())`.
    """
    consulting.callee(frame, expr, state)
    value = frame.engine.types.evaluate(expr.func, frame.function)
    operation = primitives.effect_of(frame, value)
    if primitives.is_acquire(frame, expr, state, operation):
        state = arguments(frame, expr, state)
        if suspended is not None:
            evaluate.suspend(frame, "await", suspended, state)
        held = primitives.acquire(frame, expr, state, operation)
        return primitives.hold(state, held)
    stacked = entering.stack_call(frame, expr, state)
    if stacked is not None:
        return stacked
    effects = [(option, effect_of(frame, option)) for option in options(value)]
    state = arguments(frame, expr, state, _given(frame, expr, effects, awaited))
    if not primitives.is_release(frame, expr, state, operation):
        frame.may_raise(state)
    if suspended is not None:
        evaluate.suspend(frame, "await", suspended, state)
    if value == UNKNOWN:
        value = _delegated(frame, expr)
        effects = [(value, effect_of(frame, value))]
    done = primitives.operate(frame, expr, state, awaited, operation)
    if done is not None:
        return _asked(frame, expr, value, done)
    owed = suspended is not None or scheduled or twins.awaited_later(frame, expr)
    for option, effect in effects:
        if effect is not None:
            meant = twins.asynchronous(effect) if owed else effect
            state = _library(frame, expr, state, meant, option, awaited)
    state = run_targets(frame, expr, state, expr.span, awaited, iterated, owed)
    state = protocol.builtin(frame, expr, value, state)
    callbacks.called(frame, expr, value, state, awaited)
    futures.called(frame, expr, state)
    telling.called(frame, expr, value, state)
    return state


def arguments(frame: Frame, expr: Call, state: State, given: _Given | None = None) -> State:
    """The state after callee and arguments were evaluated; `given` tells what becomes of those that are calls."""
    if isinstance(expr.func, Attr):
        state = evaluate.expression(frame, expr.func.value, state)
    elif not isinstance(expr.func, Name):
        state = evaluate.expression(frame, expr.func, state)
    given = given or _NOTHING_SPECIAL
    for index, arg in enumerate((*expr.args, *(k.value for k in expr.keywords)) if expr.keywords else expr.args):
        if index in given.runs and isinstance(arg, Call):
            scoped = msgspec.structs.replace(state, bounded=state.bounded + given.limited)
            state = call(frame, arg, scoped, awaited=True, iterated=True, scheduled=index in given.owed)
            state = msgspec.structs.replace(state, bounded=state.bounded - given.limited)
        elif index in given.owed and isinstance(arg, Call):
            state = call(frame, arg, state, scheduled=True)
        elif isinstance(arg, Comprehension):
            state = evaluate.consumed(frame, arg, state)
        else:
            state = evaluate.expression(frame, arg, state)
    return state


class _Given(msgspec.Struct, frozen=True, gc=False):
    """What becomes of arguments that are calls: `runs` are run to their end by the callee, under a timeout if `limited`.

    Those in `owed` must give something to await: the callee awaits it, or makes a task of it.
    """

    runs: frozenset[int] = frozenset()
    owed: frozenset[int] = frozenset()
    limited: bool = False


_NOTHING_SPECIAL = _Given()


def _given(frame: Frame, expr: Call, effects: Sequence[tuple[Value, Effect | None]], awaited: bool) -> _Given:
    if all(effect is None and not isinstance(option, External) for option, effect in effects):
        return _NOTHING_SPECIAL
    runs: set[int] = set()
    owed: set[int] = set()
    limited = False
    every = range(len(expr.args) + len(expr.keywords))
    for option, effect in effects:
        if effect is not None and twins.takes_awaitables(effect):
            owed.update(every)
        if effect is not None and effect.awaitable and not awaited:
            continue
        if isinstance(option, External) and option.name in _CONSUMERS:
            runs.update(range(len(expr.args)))
        elif effect is not None and effect.awaits:
            runs.update(every)
        elif effect is not None and effect.bounds is not None:
            runs.update(every)
            limited = limited or _limited(frame, expr, effect)
    return _Given(frozenset(runs), frozenset(owed), limited)


def effect_of(frame: Frame, value: Value) -> Effect | None:
    """What the tables say of calling a value."""
    library = frame.engine.library
    match value:
        case External(name=name):
            return library.call(name) or library.constructor(name)
        case FunctionValue(id=function):
            return frame.engine.program.described.get(function)
        case LibraryMethod():
            return results.method_effect(frame.engine.types, value)
        case LibraryInstance(type=name):
            return library.method(name, "__call__")
        case PartialValue(target=target):
            return effect_of(frame, target)
        case _:
            return None


def run_targets(
    frame: Frame,
    expr: Call,
    state: State,
    span: Span,
    awaited: bool = True,
    iterated: bool = False,
    owed: bool = False,
) -> State:
    """Compose every function of the program that the call may run now; `owed`: what it gives is awaited."""
    before = state
    changed: list[State] = []
    targets = frame.engine.targets.of(expr.func, frame.function)
    for target in twins.meant(frame, targets) if owed else targets:
        facts = frame.engine.program.functions[target.function]
        if facts.is_generator and not iterated:
            continue
        if facts.is_async and not awaited:
            continue
        text = f"{_class_name(target)}{facts.name}" if target.made else facts.name
        own = receivers.of(frame, expr.func, target, before)
        after = compose(frame, target, expr, before, span, own, text)
        if after != before:
            changed.append(after)
    return changed[0] if changed else state


def makes_generator(frame: Frame, expr: Call) -> bool:
    """Whether what a call gives runs while it is iterated over; what a plain function does is over by then."""
    targets = frame.engine.targets.of(expr.func, frame.function)
    return any(frame.engine.program.functions[target.function].is_generator for target in targets)


def _class_name(target: Target) -> str:
    return target.function.qualname.rpartition(".")[0] + "."


def _library(frame: Frame, expr: Call, state: State, effect: Effect, callee: Value, awaited: bool) -> State:
    if effect.spawn is not None:
        _spawn(frame, expr, effect, state)
        primitives.hand(frame, expr, locks.argument(expr, effect.spawn.parameter, effect.spawn.position), state)
    if effect.runs is not None:
        state = _run_argument(frame, expr, effect.runs, state)
    if effect.blocks is None or (effect.awaitable and not awaited):
        return state
    if effect.blocks == "sleep" and expr.args and isinstance(expr.args[0], Const) and not expr.args[0].value:
        return state  # sleep(0) only lets others run
    if effect.blocks == "result" and (outcomes.settled(frame, expr) or outcomes.cancelled(frame, expr)):
        return state
    if effect.flag is not None:
        waits = primitives.flag_waits(frame, expr, effect.flag)
        if waits is None:
            return state
        confidence = waits
    else:
        confidence = Confidence.HIGH
    lasting = sockets.waits(frame, expr, callee)
    if lasting == "never":
        return state
    confidence = min(confidence, primitives.doubt(frame, expr, effect.limit))
    name = _callee_name(callee)
    event = Block(
        effect.blocks,
        name,
        awaited=effect.awaitable,
        timed=lasting == "bounded" or _limited(frame, expr, effect),
        bounded=state.bounded > 0,
        device=device(frame.engine, expr, frame.function),
        runs=outcomes.runs(frame, expr, effect),
        limit=effect.limit.name if effect.limit is not None else "",
        hangs_on=primitives.hangs_on(frame, expr, effect.limit),
        settled=primitives.is_settled(expr, effect.limit),
    )
    frame.record(event, state, (frame.step(expr.span, "event", name),), confidence=confidence)
    return state


def _callee_name(callee: Value) -> str:
    match callee:
        case External(name=name):
            return name.removeprefix("builtins.")
        case FunctionValue(id=function):
            return f"{function.module}.{function.qualname}"
        case LibraryMethod(receiver=LibraryInstance(type=type_name), name=name):
            return f"{type_name}.{name}"
        case LibraryMethod(name=name) | LibraryInstance(type=name):
            return name
        case _:
            return "it"


def _limited(frame: Frame, expr: Call, effect: Effect) -> bool:
    """Whether a timeout bounds the call: given and not None, there by default, or given to the object it works on."""
    if effect.limit is None or primitives.limited(frame, expr, effect.limit):
        return effect.limit is not None
    if locks.argument(expr, effect.limit.name, effect.limit.position) is not None or not isinstance(expr.func, Attr):
        return False
    for option in options(frame.engine.types.evaluate(expr.func.value, frame.function)):
        if isinstance(option, LibraryInstance) and option.origin is not None:
            made = frame.engine.library.constructor(option.type)
            if (
                made is not None
                and made.limit is not None
                and primitives.limited(frame, option.origin.call, made.limit)
            ):
                return True
    return False


def device(engine: Engine, expr: Call, function: FunctionId) -> LockId | None:
    """The attribute or global that a call works on, so that all its uses can be found."""
    if not isinstance(expr.func, Attr):
        return None
    outer = expr.func.value
    if isinstance(outer, Attr):
        receiver = engine.paths.receiver(outer, function)
        if receiver is not None:
            found = engine.hierarchy.attribute(receiver, outer.name)
            return AttributeLock(found[0] if found is not None else receiver, outer.name)
    if isinstance(outer, Name | Attr):
        path = engine.paths.of(outer, function)
        if path is not None and isinstance(path.root, GlobalRoot) and not path.steps:
            return GlobalLock(path.root.module, path.root.name)
    return None


def _delegated(frame: Frame, expr: Call) -> Value:
    """`def shutdown(self, …): self._inner.shutdown(…)` of an executor: what it wraps is taken for an executor too."""
    name, types = frame.facts.name, frame.engine.types
    owner = types.owner(frame.function)
    match expr.func:
        case Attr(value=Attr(value=Name(id=first)), name=called) if called == name and first == frame.scope.first:
            for base in frame.engine.hierarchy.library_bases(owner) if owner is not None else ():
                if frame.engine.library.method(base, name) is not None:
                    return LibraryMethod(LibraryInstance(base), name)
        case _:
            pass
    return UNKNOWN


def _asked(frame: Frame, expr: Call, value: Value, state: State) -> State:
    """What a condition asks before and between its waits, its lock held: `wait_for(predicate)`."""
    runs = {e.runs for option in options(value) if (e := effect_of(frame, option)) is not None and e.runs is not None}
    for name in sorted(runs):
        state = _run_argument(frame, expr, name, state)
    return state


def _run_argument(frame: Frame, expr: Call, name: str, state: State) -> State:
    """A callable that the callee runs at once."""
    given = locks.argument(expr, name, 0)
    if given is None:
        return state
    for option in options(frame.engine.types.evaluate(given, frame.function)):
        for target in frame.engine.targets.callee(option):
            receiver = None
            if isinstance(given, Attr):
                receiver = frame.engine.paths.of(given.value, frame.function, state.env)
            if not frame.engine.program.functions[target.function].is_async:
                state = compose(frame, target, None, state, expr.span, receiver, target.function.qualname)
    return state


def _spawn(frame: Frame, expr: Call, effect: Effect, state: State) -> None:
    assert effect.spawn is not None
    given = locks.argument(expr, effect.spawn.parameter, effect.spawn.position)
    alone = effect.blocks is None and not effect.awaitable and not effect.spawn.together
    starting.started(frame, expr, effect.spawn, given, state)
    for function in outcomes.functions_of(frame.engine, frame.function, given):
        frame.spawned.add(Spawned(function, effect.spawn.context, frame.loops > 0, expr.span.row, alone))
        for held in contracts.promised(frame.engine, function):
            frame.need(held.lock, expr.span, function, State())
