"""Callbacks of futures that threads share: they run in whoever finishes the future, or at once if it is done."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.stores import Stored
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import Instance, LibraryInstance, Value, options
from lockcheck.analysis.summarise import outcomes
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Acquire, Callback, Comeback
from lockcheck.model.expression import Attr, Call, Expr, Lambda, Name
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId
from lockcheck.model.paths import Path

_FUTURE = "concurrent.futures.Future"
_REGISTERS = "add_done_callback"
_FINISHES = {"set_result", "set_exception", "cancel"}


def called(frame: Frame, expr: Call, state: State) -> None:
    """Record what registering a callback, or finishing a future, runs in this thread."""
    func = expr.func
    if not isinstance(func, Attr) or (func.name != _REGISTERS and func.name not in _FINISHES):
        return
    if not _shared(frame.engine, frame.engine.types.evaluate(func.value, frame.function)):
        return
    if func.name == _REGISTERS:
        if expr.args and not _fresh(frame, func.value):
            _comes_back(frame, expr, expr.args[0], expr, state)
    elif isinstance(func.value, Name) and frame.scope.binds(func.value.id):
        for made in _registrations_of(frame, func.value):
            _comes_back(frame, expr, made.args[0], made, state)
    else:
        _finishes(frame, expr, func, state)


def _shared(engine: Engine, value: Value) -> bool:
    """Whether a value is a future of threads; one of an event loop calls back later, through the loop."""
    for option in options(value):
        match option:
            case LibraryInstance(type=name) if engine.library.is_subtype(engine.library.canonical(name), _FUTURE):
                return True
            case Instance(id=id) if any(
                engine.library.is_subtype(base, _FUTURE) for base in engine.hierarchy.library_bases(id)
            ):
                return True
            case _:
                pass
    return False


def _fresh(frame: Frame, future: Expr) -> bool:
    """Whether this function has just made the future itself, so that nobody can have finished it."""
    if not isinstance(future, Name):
        return False
    bound = [b for b in frame.scope.bindings.get(future.id, ()) if b.how != "annotation"]
    if len(bound) != 1 or not isinstance(bound[0].expr, Call):
        return False
    made = frame.engine.types.evaluate(bound[0].expr.func, frame.function)
    return all(frame.engine.library.canonical(getattr(o, "name", "")) == _FUTURE for o in options(made))


def _registrations_of(frame: Frame, future: Name) -> Iterator[Call]:
    """Calls of the function that register a callback with a future in a local name."""
    for call in _registering(frame.engine, frame.function):
        if isinstance(call.func, Attr) and call.func.value == future:
            yield call


def _registering(engine: Engine, function: FunctionId) -> Iterator[Call]:
    if _REGISTERS not in engine.program.functions[function].called:
        return
    for step in steps(engine.program.body(function)):
        for outer in expressions(step):
            for inner in walk(outer):
                match inner:
                    case Call(func=Attr(name=name), args=(_, *_)) if name == _REGISTERS:
                        yield inner
                    case _:
                        pass


def _comes_back(frame: Frame, expr: Call, given: Expr, made: Call, state: State) -> None:
    """The locks that a callback takes, if it runs inside the call `expr`."""
    assert isinstance(expr.func, Attr)
    engine = frame.engine
    step = frame.step(expr.span, "event", expr.func.name)
    registered = frame.step(made.span, "event", expr.func.name)
    for target, receiver in _targets(frame, given, state):
        arguments = Arguments(frame, target, None, state, receiver)
        for pair in engine.summary(target.function).pairs:
            if isinstance(pair.event, Acquire) and pair.event.blocking and not pair.event.timed:
                lock = arguments.lock(pair.event.lock)
                if lock is not None:
                    event = Comeback(lock, target.function, registered, expr.func.name == _REGISTERS)
                    frame.record(event, state, (step, *pair.trace), confidence=pair.confidence)


def _targets(frame: Frame, given: Expr, state: State) -> Iterator[tuple[Target, Path | None]]:
    if isinstance(given, Lambda):
        yield Target(FunctionId(frame.function.module, given.qualname)), None
        return
    receiver = None
    if isinstance(given, Attr):
        receiver = frame.engine.paths.of(given.value, frame.function, state.env)
    for option in options(frame.engine.types.evaluate(given, frame.function)):
        for target in frame.engine.targets.callee(option):
            if not target.made:
                yield target, receiver


def _finishes(frame: Frame, expr: Call, func: Attr, state: State) -> None:
    """Finishing a future that is kept somewhere runs whatever was registered with it anywhere."""
    holder = _holder(frame.engine, func.value, frame.function)
    if holder is None:
        return
    kept = registered(frame.engine, holder)
    if not kept:
        return
    foreign = next((k for k in kept if not outcomes.functions_of(frame.engine, k.function, k.given)), None)
    source = foreign if foreign is not None else kept[0]
    given = frame.engine.step(source.function, source.span, "event", func.name)
    name = f"{func.value.name}.{func.name}" if isinstance(func.value, Attr) else func.name
    path = frame.engine.paths.of(func.value, frame.function, state.env)
    event = Callback(path, name, "future", holder, given, known=foreign is None)
    frame.record(event, state, (frame.step(expr.span, "event", name),))


def _holder(engine: Engine, future: Expr, function: FunctionId) -> LockId | None:
    """What keeps a future: an attribute as the class that gives it has it, or a global."""
    match engine.paths.identity(future, function):
        case AttributeLock(owner=owner, name=name):
            found = engine.hierarchy.attribute(owner, name)
            return AttributeLock(found[0], name) if found is not None else None
        case GlobalLock() as holder:
            return holder
        case _:
            return None


def registered(engine: Engine, holder: LockId) -> tuple[Stored, ...]:
    """The callbacks that the program registers with the future that an attribute or a global keeps."""
    return tuple(by_future(engine).get(holder, ()))


def by_future(engine: Engine) -> dict[LockId, list[Stored]]:
    """All of them."""
    nothing: dict[LockId, list[Stored]] = {}
    return engine.types.memo.solve("callbacks by future", lambda: _by_future(engine), nothing)


def _by_future(engine: Engine) -> dict[LockId, list[Stored]]:
    found: dict[LockId, list[Stored]] = {}
    for function in engine.program.callers(_REGISTERS):
        for call in _registering(engine, function):
            holder = _holder(engine, call.func.value, function) if isinstance(call.func, Attr) else None
            if holder is not None:
                found.setdefault(holder, []).append(Stored(function, call.args[0], call.span))
    return found
