"""`with`: what entering and leaving a context manager does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.bodies import put_on_stack
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import External, Instance, LibraryInstance, LibraryMethod, Value, options
from lockcheck.analysis.summarise import body, calls, consulting, evaluate, primitives
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.compose import compose, moved
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State, same
from lockcheck.model.events import Acquire, Block, Held, LockRef, Operation
from lockcheck.model.expression import Attr, Await, Call, Const, Expr, Name, Star
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Enter
from lockcheck.model.library import Effect, Mode
from lockcheck.model.paths import Path

Leave = Callable[[State], State]
Body = Callable[[State], "State | None"]
_STACKS = {"contextlib.ExitStack", "contextlib.AsyncExitStack"}


def with_items(frame: Frame, items: tuple[Enter, ...], state: State, inner: Body) -> State | None:
    """Enter the items one after another, follow the body, and leave them in reverse on every exit."""
    if not items:
        return inner(state)
    first, rest = items[0], items[1:]
    entered, leave = enter(frame, first, state)
    if first.target is not None:
        entered = body.bind(frame, first.target, _entered_alias(first), entered, first.span)
    return frame.guarded(lambda: with_items(frame, rest, entered, inner), leave)


def _entered_alias(item: Enter) -> Expr | None:
    """`with self._lock as lock`: most objects bind themselves; a call's result has no name to alias."""
    return item.value if isinstance(item.value, Name | Attr) else None


def enter(frame: Frame, item: Enter, state: State) -> tuple[State, Leave]:
    """The state inside a `with` item, and what leaving it does to a state."""
    expr = item.value
    consulting.entered(frame, item, state)
    if isinstance(expr, Await):
        return _awaited(frame, item, expr, state)
    side = _side(frame, expr, state)
    if side is not None:
        state = calls.arguments(frame, expr, state) if isinstance(expr, Call) else state
        return _take(frame, item, state, *side)
    lock = frame.engine.paths.lock(expr, frame.function, state.env)
    if lock is not None:
        state = evaluate.expression(frame, expr, state)
        return _take(frame, item, state, lock, _mode(lock))
    if isinstance(expr, Call):
        return _enter_call(frame, item, expr, state)
    state = evaluate.expression(frame, expr, state)
    found = _enter_value(frame, item, state, frame.engine.types.evaluate(expr, frame.function))
    if found is not None:
        return found
    waiting = frame.engine.paths.pending(expr, frame.function, state.env)
    if waiting is not None:
        return _take(frame, item, state, waiting, "exclusive")
    return _plain(frame, item, state)


def _awaited(frame: Frame, item: Enter, expr: Await, state: State) -> tuple[State, Leave]:
    """`with (await lock):` takes an asynchronous lock too, in old code; else what is awaited is entered."""
    lock = frame.engine.paths.lock(expr.value, frame.function, state.env)
    if lock is not None and lock.domain == "async":
        return _take(frame, msgspec.structs.replace(item, is_async=True), state, lock, _mode(lock))
    state = evaluate.expression(frame, expr, state)
    found = _enter_value(frame, item, state, frame.engine.types.evaluate(expr, frame.function))
    return found if found is not None else _plain(frame, item, state)


def _side(frame: Frame, expr: Expr, state: State) -> tuple[LockRef, Mode] | None:
    """`with lock.read_lock():` and `async with lock.reader:` hold, by one side of it, the whole lock in a mode."""
    if isinstance(expr, Call):
        for option in options(frame.engine.types.evaluate(expr.func, frame.function)):
            effect = calls.effect_of(frame, option) if isinstance(option, LibraryMethod) else None
            if effect is not None and effect.mode is not None and effect.operation is None:
                receiver = primitives.receiver_lock(frame, expr, state)
                return (receiver, effect.mode) if receiver is not None else None
    if not isinstance(expr, Attr):
        return None
    lock = frame.engine.paths.lock(expr.value, frame.function, state.env)
    if lock is None or lock.kind is None or lock.kind.shape != "readwrite":
        return None
    declared = frame.engine.library.attribute(lock.kind.name, expr.name)
    taken = frame.engine.library.method(declared, "acquire") if declared is not None else None
    return (lock, taken.mode) if taken is not None and taken.mode is not None else None


def _mode(lock: LockRef) -> Mode:
    return "permit" if lock.kind is not None and lock.kind.shape == "permits" else "exclusive"


def _plain(frame: Frame, item: Enter, state: State) -> tuple[State, Leave]:
    if item.is_async:
        evaluate.suspend(frame, "async with", item.span, state)
    return state, _stay


def _stay(state: State) -> State:
    return state


def _take(frame: Frame, item: Enter, state: State, lock: LockRef, mode: Mode) -> tuple[State, Leave]:
    if item.is_async:
        evaluate.suspend(frame, "async with", item.span, state)
    step = frame.step(item.span, "acquire", primitives.name_of(lock))
    event = Acquire(lock, mode, True, state.bounded > 0, item.is_async, state.bounded > 0)
    frame.may_raise(state)
    confidence = Confidence.LOW if lock.guessed else Confidence.HIGH
    frame.record(event, state, (step,), confidence=confidence)
    frame.operate(Operation("enter", lock, item.span, waits=item.is_async), state)
    if item.is_async and _never_awaited(frame, lock):
        return state, _stay
    return state.holding(Held(lock, mode, True, (step,))), lambda s: s.returning(lock, mode)


def _never_awaited(frame: Frame, lock: LockRef) -> bool:
    """Whether a lock has no `async with`: the one that is entered by it is another one, or none is ever held."""
    kind, library = lock.kind, frame.engine.library
    if kind is None or kind.domain == "async" or library.type(kind.name) is None:
        return False
    return library.method(kind.name, "__aenter__") is None


def _enter_call(frame: Frame, item: Enter, expr: Call, state: State) -> tuple[State, Leave]:
    types = frame.engine.types
    callee = types.evaluate(expr.func, frame.function)
    managers = [
        t for t in frame.engine.targets.of(expr.func, frame.function) if results.is_context_manager(types, t.function)
    ]
    if managers:
        return _manager(frame, item, expr, state, managers)
    for option in options(callee):
        effect = calls.effect_of(frame, option)
        if effect is not None and effect.scope:
            state = calls.arguments(frame, expr, state)
            if item.target is None and _endless(frame, expr, effect):
                return _plain(frame, item, state)
            return msgspec.structs.replace(state, bounded=state.bounded + 1), _unbounded
    if item.is_async:
        state = calls.call(frame, expr, state, awaited=True)
    else:
        state = evaluate.expression(frame, expr, state)
    found = _enter_value(frame, item, state, types.evaluate(expr, frame.function))
    return found if found is not None else _plain(frame, item, state)


def _endless(frame: Frame, expr: Call, effect: Effect) -> bool:
    """Whether a scope is given no deadline, and no name by which it could get one: `timeout(None)`, `CancelScope()`."""
    if (
        effect.limit is None
        or any(isinstance(a, Star) for a in expr.args)
        or any(k.name is None for k in expr.keywords)
    ):
        return False
    given = locks.argument(expr, effect.limit.name, effect.limit.position)
    if given is None or given == Const(None):
        return effect.limit.default is None
    value = frame.engine.types.evaluate(given, frame.function)
    return isinstance(value, External) and value.name == "math.inf"


def _unbounded(state: State) -> State:
    return msgspec.structs.replace(state, bounded=max(0, state.bounded - 1))


def _manager(frame: Frame, item: Enter, expr: Call, state: State, managers: list[Target]) -> tuple[State, Leave]:
    """A generator made into a context manager: the body runs at its `yield`."""
    state = calls.arguments(frame, expr, state)
    if item.is_async:
        evaluate.suspend(frame, "async with", item.span, state)
    receiver = None
    if isinstance(expr.func, Attr):
        receiver = frame.engine.paths.of(expr.func.value, frame.function, state.env)
    taken: list[Held] = []
    lent: list[LockRef] = []
    frame.may_raise(state)
    for target in managers:
        name = frame.engine.program.functions[target.function].name
        summary = frame.engine.summary(target.function)
        compose(frame, target, expr, state, item.span, receiver, name)
        arguments = Arguments(frame, target, expr, state, receiver)
        step = frame.step(item.span, "call", name)
        around = list(moved(arguments, summary.around, step))
        if summary.around or summary.lent:
            frame.flow_matters = True
        lent += [mine for mine in (arguments.lock(lock) for lock in summary.lent) if mine is not None]
        certain = len(managers) == 1
        taken += [h if certain else msgspec.structs.replace(h, must=False) for h in around]
    inside = state
    for lock in lent:
        inside = inside.releasing(lock)
    given = [h for h in state.held if h not in inside.held]
    for held in taken:
        inside = inside.holding(held)

    def leave(state: State) -> State:
        for held in reversed(taken):
            state = state.returning(held.lock, held.mode)
        for held in given:
            state = state.holding(held)
        return state

    return inside, leave


def _enter_value(frame: Frame, item: Enter, state: State, value: Value) -> tuple[State, Leave] | None:
    for option in options(value):
        match option:
            case Instance(id=id):
                before, after = ("__aenter__", "__aexit__") if item.is_async else ("__enter__", "__exit__")
                if frame.engine.hierarchy.method(id, before) is not None:
                    return _object(frame, item, state, option, before, after)
            case LibraryInstance(type=name):
                return _library(frame, item, state, frame.engine.library.canonical(name))
            case _:
                pass
    return None


def _object(frame: Frame, item: Enter, state: State, value: Instance, before: str, after: str) -> tuple[State, Leave]:
    """An object with `__enter__` and `__exit__` of its own."""
    receiver: Path | None = frame.engine.paths.of(item.value, frame.function, state.env)
    if item.is_async:
        evaluate.suspend(frame, "async with", item.span, state)

    def run(name: str, state: State) -> State:
        method = frame.engine.hierarchy.method(value.id, name)
        if method is None:
            return state
        target = Target(method.function, value)
        return compose(frame, target, None, state, item.span, receiver, f"{value.id.qualname}.{name}")

    frame.may_raise(state)
    inside = run(before, state)
    return inside, lambda s: run(after, s)


def _library(frame: Frame, item: Enter, state: State, name: str) -> tuple[State, Leave]:
    library = frame.engine.library
    if item.is_async:
        evaluate.suspend(frame, "async with", item.span, state)
    if name in _STACKS:
        scope = f"stack:{item.span.row}:{item.span.column}"
        if isinstance(item.target, Name):
            frame.stacks[item.target.id] = scope
        return state, lambda s: s.leaving(scope)
    inner = library.method(name, "__aenter__" if item.is_async else "__enter__")
    outer = library.method(name, "__aexit__" if item.is_async else "__exit__")
    if inner is not None:
        _block(frame, item, state, inner, name)
    if outer is None:
        return state, _stay

    def leave(state: State) -> State:
        _block(frame, item, state, outer, name)
        return state

    return state, leave


def _block(frame: Frame, item: Enter, state: State, effect: Effect, name: str) -> None:
    if effect.blocks is not None:
        event = Block(effect.blocks, name, effect.awaitable, bounded=state.bounded > 0)
        frame.record(event, state, (frame.step(item.span, "event", name),))


def stack_call(frame: Frame, expr: Call, state: State) -> State | None:
    """`stack.enter_context(x)`: entered now, left with the stack; None where the call is none of these."""
    if not isinstance(expr.func, Attr) or not isinstance(expr.func.value, Name):
        return None
    if not expr.args:
        closed = frame.stacks.get(expr.func.value.id) if expr.func.name in ("close", "aclose") else None
        return state.leaving(closed) if closed is not None else None
    scope = frame.stacks.get(expr.func.value.id)
    if scope is not None and expr.func.name == "callback":
        return _registered(frame, expr.args[0], state, scope)
    item = put_on_stack(expr)
    if scope is None or item is None:
        return None
    before = len(state.held)
    inside, _ = enter(frame, item, state)
    held = tuple(
        msgspec.structs.replace(h, scope=scope) if index >= before else h for index, h in enumerate(inside.held)
    )
    return msgspec.structs.replace(inside, held=held)


def _registered(frame: Frame, given: Expr, state: State, scope: str) -> State | None:
    """`stack.callback(lock.release)`: the stack gives back what is held by then."""
    if not isinstance(given, Attr) or given.name != "release":
        return None
    lock = frame.engine.paths.lock(given.value, frame.function, state.env)
    if lock is None:
        return None
    held = tuple(msgspec.structs.replace(h, scope=scope) if same(h.lock, lock) else h for h in state.held)
    return msgspec.structs.replace(state, held=held)
