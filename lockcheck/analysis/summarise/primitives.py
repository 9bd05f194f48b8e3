"""Operations on locks, conditions and queues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import (
    External,
    Instance,
    LibraryInstance,
    LibraryMethod,
    LockValue,
    Origin,
    QueueValue,
    Value,
    options,
)
from lockcheck.analysis.summarise.capacity import fills
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.known import Known
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Acquire, Block, Held, LockRef, Operation, QueueWait
from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import ClassId, FunctionId, lock_name
from lockcheck.model.library import Effect, Flag, Limit, LockKind, Mode

ATTEMPT = "attempt"
"""The scope of a lock whose acquisition may have failed."""
_PROTOCOL = {
    "__enter__": Effect(operation="acquire"),
    "__exit__": Effect(operation="release"),
    "__aenter__": Effect(operation="acquire", awaitable=True),
    "__aexit__": Effect(operation="release", awaitable=True),
}
_FLAG = Flag("blocking", 0)
_LIMIT = Limit("timeout", 1)


def name_of(lock: LockRef) -> str:
    """The lock as a message names it."""
    if lock.id is not None:
        return lock_name(lock.id)
    return lock.path.steps[-1] if lock.path is not None and lock.path.steps else "lock"


def receiver_lock(frame: Frame, expr: Call, state: State) -> LockRef | None:
    """The lock that a method is called on; also through `acquire = self._lock.acquire`."""
    if isinstance(expr.func, Attr):
        return frame.engine.paths.lock(expr.func.value, frame.function, state.env)
    for option in options(frame.engine.types.evaluate(expr.func, frame.function)):
        if isinstance(option, LibraryMethod) and isinstance(option.receiver, LockValue):
            found = option.receiver
            return LockRef(found.id, None, found.kind, None, found.permits)
    return None


def effect_of(frame: Frame, callee: Value) -> Effect | None:
    """What calling a method of something outside the program does; a lock class of the program counts as such."""
    for option in options(callee):
        if isinstance(option, LibraryMethod):
            if isinstance(option.receiver, LockValue) and option.name in _PROTOCOL:
                return _PROTOCOL[option.name]
            found = results.method_effect(frame.engine.types, option)
            if found is None and isinstance(option.receiver, LockValue):
                return _own(option.receiver.kind, option.name)
            return found
    return None


def _own(kind: LockKind, name: str) -> Effect | None:
    """What a method of a lock class of the program does, by the names that all locks use."""
    if name == "acquire":
        return Effect(operation="acquire", flag=_FLAG, limit=_LIMIT, awaitable=kind.domain == "async")
    return Effect(operation="release") if name == "release" else None


def is_acquire(frame: Frame, expr: Call, state: State, effect: Effect | None) -> bool:
    """Whether a call, which has the effect, takes a lock by its `acquire`."""
    takes = effect is not None and effect.operation == "acquire"
    named = isinstance(expr.func, Attr) and expr.func.name == "acquire"
    if not takes and not named:
        return False
    if receiver_lock(frame, expr, state) is not None:
        return takes
    return named and effect is None and _waiting_lock(frame, expr, state) is not None


def is_release(frame: Frame, expr: Call, state: State, effect: Effect | None) -> bool:
    """Whether a call gives a lock back or wakes its waiters: it does not fail for reasons that matter here."""
    if effect is not None:
        return effect.operation in ("release", "notify") and receiver_lock(frame, expr, state) is not None
    return isinstance(expr.func, Attr) and expr.func.name == "release"


def _waiting_lock(frame: Frame, expr: Call, state: State) -> LockRef | None:
    """What a method of unknown effect is called on, if only a caller knows it or its name alone calls it a lock.

    It has no methods of its own.
    """
    assert isinstance(expr.func, Attr)
    if frame.engine.targets.of(expr.func, frame.function):
        return None
    return frame.engine.paths.pending(expr.func.value, frame.function, state.env)


def acquire(frame: Frame, expr: Call, state: State, effect: Effect | None) -> Held:
    """Record an acquisition; what is held if it succeeds. `scope` is ATTEMPT where it may fail."""
    lock = receiver_lock(frame, expr, state)
    if lock is None:
        lock = _waiting_lock(frame, expr, state)
    assert lock is not None
    effect = effect or Effect(operation="acquire", flag=_FLAG, limit=_LIMIT)
    mode: Mode = effect.mode or ("permit" if lock.kind is not None and lock.kind.shape == "permits" else "exclusive")
    blocking = effect.flag is None or flag_waits(frame, expr, effect.flag) is not None
    timed = effect.limit is not None and limited(frame, expr, effect.limit)
    confidence = Confidence.LOW if lock.guessed else Confidence.HIGH
    step = frame.step(expr.span, "acquire", name_of(lock))
    scoped = state.bounded > 0 and not timed
    event = Acquire(lock, mode, blocking, timed or scoped, effect.awaitable, scoped)
    frame.may_raise(state)
    frame.record(event, state, (step,), confidence=confidence)
    attempt = timed or not blocking
    frame.operate(Operation("acquire", lock, expr.span, False, effect.awaitable, attempt, timed), state)
    return Held(lock, mode, True, (step,), scope=ATTEMPT if attempt else "")


def hand(frame: Frame, expr: Call, given: Expr | None, state: State) -> None:
    """Note that `lock.acquire` is given to a pool to be called there."""
    if isinstance(given, Attr) and given.name == "acquire":
        lock = frame.engine.paths.lock(given.value, frame.function, state.env)
        if lock is not None and lock.domain != "async":
            frame.operate(Operation("acquire", lock, expr.span, waits=True, handed=True), state)


def hold(state: State, held: Held) -> State:
    """The state after an acquisition whose outcome nobody looks at."""
    may_fail = held.scope == ATTEMPT
    return state.holding(msgspec.structs.replace(held, must=not may_fail, scope=""))


def operate(frame: Frame, expr: Call, state: State, awaited: bool, effect: Effect | None) -> State | None:
    """The state after an operation on a lock, condition or queue; None where the call is none."""
    if effect is None and not (isinstance(expr.func, Attr) and expr.func.name == "release"):
        return None
    lock = receiver_lock(frame, expr, state)
    if lock is not None and effect is not None:
        if effect.operation == "release":
            frame.operate(Operation("release", lock, expr.span, waits=effect.awaitable), state)
            return state.releasing(lock)
        if effect.operation == "wait":
            timed = state.bounded > 0 or (effect.limit is not None and limited(frame, expr, effect.limit))
            frame.operate(Operation("wait", lock, expr.span, False, effect.awaitable, timed=timed), state)
            _condition_wait(frame, expr, state, lock, effect, awaited)
            return state
        if effect.operation == "notify":
            frame.operate(Operation("notify", lock, expr.span), state)
        if effect.operation in ("notify", "locked"):
            return state
    if lock is None and isinstance(expr.func, Attr) and expr.func.name == "release":
        waiting = _waiting_lock(frame, expr, state) if effect is None else None
        if waiting is not None and not expr.args:
            frame.operate(Operation("release", waiting, expr.span), state)
            return state.releasing(waiting)
    if effect is not None and effect.operation in ("put", "get", "drain"):
        return _queue(frame, expr, state, effect, awaited)
    return None


def _condition_wait(frame: Frame, expr: Call, state: State, lock: LockRef, effect: Effect, awaited: bool) -> None:
    """`condition.wait()` gives its own lock back while it waits; every other lock stays held."""
    if effect.awaitable and not awaited:
        return
    name = f"{name_of(lock)}.wait"
    timed = effect.limit is not None and limited(frame, expr, effect.limit)
    limit = effect.limit.name if effect.limit is not None else ""
    hanging = hangs_on(frame, expr, effect.limit)
    event = Block(
        "wait",
        name,
        effect.awaitable,
        timed,
        state.bounded > 0,
        releases=lock,
        hangs_on=hanging,
        limit=limit,
        settled=is_settled(expr, effect.limit),
    )
    step = frame.step(expr.span, "event", name)
    sure = doubt(frame, expr, effect.limit)
    frame.record(event, State(state.held, state.dropped), (step,), dropped=(lock,), confidence=sure)


_Operation = Literal["put", "get", "drain"]


def _queue(frame: Frame, expr: Call, state: State, effect: Effect, awaited: bool) -> State | None:
    if not isinstance(expr.func, Attr):
        return None
    if effect.awaitable and not awaited:
        return state
    operation: _Operation = "put" if effect.operation == "put" else "get" if effect.operation == "get" else "drain"
    waits = flag_waits(frame, expr, effect.flag) if effect.flag is not None else Confidence.HIGH
    if waits is None or effect.blocks is None or (operation == "put" and fills(frame, expr)):
        return state
    for option in _queues(frame, expr.func.value):
        name = lock_name(option.holder) if option.holder is not None else option.type
        event = QueueWait(
            operation,
            option.holder,
            f"{name}.{expr.func.name}",
            option.kind.domain,
            option.bounded,
            timed=effect.limit is not None and limited(frame, expr, effect.limit),
            awaited=effect.awaitable,
            scoped=state.bounded > 0,
            guessed=option.guessed,
            hangs_on=hangs_on(frame, expr, effect.limit),
            limit=effect.limit.name if effect.limit is not None else "",
            settled=is_settled(expr, effect.limit),
            library=option.kind.name.partition(".")[0],
        )
        sure = min(waits, doubt(frame, expr, effect.limit))
        frame.record(event, state, (frame.step(expr.span, "event", event.name),), confidence=sure)
        return state
    return None


def _queues(frame: Frame, expr: Expr) -> Iterator[QueueValue]:
    """The queues that a receiver may be; one of a class of the program has the bound that its `__init__` hands on."""
    types = frame.engine.types
    for option in options(types.evaluate(expr, frame.function)):
        if isinstance(option, QueueValue):
            yield option
        elif isinstance(option, Instance):
            for base in frame.engine.hierarchy.library_bases(option.id):
                described = frame.engine.library.type(base)
                if described is not None and described.queue is not None:
                    made = LibraryInstance(base, _super_call(frame, option.id))
                    holder = frame.engine.paths.identity(expr, frame.function)
                    yield locks.queue(types, made, described.queue, option.id.qualname, holder)
                    break


def _super_call(frame: Frame, cls: ClassId) -> Origin | None:
    """`super().__init__(…)` in the constructor of a class."""
    method = frame.engine.hierarchy.method(cls, "__init__")
    if method is None:
        return None
    for step in steps(frame.engine.program.body(method.function)):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call) and isinstance(inner.func, Attr) and inner.func.name == "__init__":
                    return Origin(method.function, inner)
    return None


def limited(frame: Frame, expr: Call, limit: Limit) -> bool:
    """Whether a timeout is given that is not None (or `TIMEOUT_MAX`, or negative), or is there by default."""
    given = locks.argument(expr, limit.name, limit.position)
    if given is None:
        return limit.default is not None
    if isinstance(given, Const):
        number = given.value
        return number is not None and not (isinstance(number, int | float) and number < 0)
    if isinstance(given, Name) and (open_ended(frame, expr, given) or _sometimes_none(frame, given)):
        return False
    if isinstance(given, Name | Attr):
        for option in options(frame.engine.types.evaluate(given, frame.function)):
            if isinstance(option, External) and option.name.endswith("TIMEOUT_MAX"):
                return False
    return True


def open_ended(frame: Frame, expr: Call | None, given: Name) -> bool:
    """Whether a timeout is a parameter that is None where the caller gives none, and nothing else is assigned to it.

    Where the call is reached only when the parameter was found not to be None, it is a bound.
    """
    parameter = frame.scope.parameters.get(given.id)
    if parameter is None or given.id in frame.scope.bindings:
        return False
    if not isinstance(parameter.default, Const) or parameter.default.value is not None:
        return False
    if expr is None:
        return True
    frame.flow_matters = True  # the tests on the way are known only where the blocks are
    return not any(
        _says_given(test, outcome, given)
        for test, outcome in Known(frame.engine.program.body(frame.function), expr.span).tests
    )


def _says_given(test: Expr, outcome: bool, given: Name) -> bool:
    """Whether the outcome of a test means that a parameter is not None."""
    match test:
        case Compare(left=left, operator="is" | "==", right=Const(value=None)):
            return left == given and not outcome
        case Compare(left=left, operator="is not" | "!=", right=Const(value=None)):
            return left == given and outcome
        case _:
            return test == given and outcome


def _sometimes_none(frame: Frame, given: Name) -> bool:
    """Whether a local name is set to None on some way, as where a function's own timeout is None."""
    none = Const(None)
    return any(b.how == "value" and b.expr == none for b in frame.scope.bindings.get(given.id, ()))


def hangs_on(frame: Frame, expr: Call, limit: Limit | None) -> str | None:
    """The parameter that is the timeout of a call, None by default; whether there is a bound, callers decide."""
    given = locks.argument(expr, limit.name, limit.position) if limit is not None else None
    return given.id if isinstance(given, Name) and open_ended(frame, expr, given) else None


def is_settled(expr: Call, limit: Limit | None) -> bool:
    """Whether nothing can be added to a call that would bound it: something is given already, or no number would do."""
    if limit is None:
        return False
    given = locks.argument(expr, limit.name, limit.position)
    return limit.odd or (given is not None and not isinstance(given, Const))


def doubt(frame: Frame, expr: Call, limit: Limit | None) -> Confidence:
    """How sure it is that a call without a bound has none: a parameter's default is a guess at what callers give."""
    given = locks.argument(expr, limit.name, limit.position) if limit is not None else None
    by_default = isinstance(given, Name) and (open_ended(frame, expr, given) or _sometimes_none(frame, given))
    return Confidence.MEDIUM if by_default else Confidence.HIGH


def flag_waits(frame: Frame, expr: Call, flag: Flag) -> Confidence | None:
    """Whether a call waits for all its flag says: None if it does not, MEDIUM if that hangs on a parameter's default."""
    given = locks.argument(expr, flag.name, flag.position)
    if given is None:
        return Confidence.HIGH
    if isinstance(given, Const):
        return None if bool(given.value) == flag.value else Confidence.HIGH
    if isinstance(given, Name):
        parameter = frame.scope.parameters.get(given.id)
        if parameter is not None and isinstance(parameter.default, Const):
            return None if bool(parameter.default.value) == flag.value else Confidence.MEDIUM
    return None


def joined(frame: Frame, expr: Call, effect: Effect) -> tuple[FunctionId, ...]:
    """The functions that a joined thread or a started process runs: its target, or the `run` of its class."""
    if effect.blocks not in ("join", "fork") or not isinstance(expr.func, Attr):
        return ()
    found: list[FunctionId] = []
    for option in options(frame.engine.types.evaluate(expr.func.value, frame.function)):
        match option:
            case Instance(id=id):
                method = frame.engine.hierarchy.method(id, "run")
                if method is not None:
                    found.append(method.function)
            case LibraryInstance(origin=origin) if origin is not None:
                found += _target(frame, origin.call, origin.function)
            case _:
                pass
    return tuple(found)


def _target(frame: Frame, call: Call, function: FunctionId) -> list[FunctionId]:
    given: Expr | None = locks.argument(call, "target", 1)
    if given is None:
        return []
    return [
        t.function
        for option in options(frame.engine.types.evaluate(given, function))
        for t in frame.engine.targets.callee(option)
    ]
