"""Calls of what came from outside: nobody here knows what it does."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import UNKNOWN, Value
from lockcheck.analysis.summarise.compose import described
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Callback
from lockcheck.model.expression import Attr, Await, Call, Const, Expr, Item, Name, Star, last_word
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Assign
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path

_SPAWNING = {"create_task", "ensure_future", "run_coroutine_threadsafe", "start_soon", "spawn", "add_task", "Task"}
_WEAK = {"ReferenceType", "ref", "WeakMethod"}


def called(frame: Frame, expr: Call, value: Value, state: State, awaited: bool) -> None:
    """Record the call of something that came from outside."""
    func = expr.func
    if isinstance(func, Name) and (value == UNKNOWN or func.id in frame.scope.parameters):
        path = frame.engine.paths.of(func, frame.function, state.env)
        if path is not None and isinstance(path.root, ParameterRoot | FreeRoot) and not path.steps:
            known = value != UNKNOWN or _lends(frame, expr)
            event = Callback(path, func.id, awaited=_awaited(frame, expr, awaited), known=known)
            frame.record(event, state, (frame.step(expr.span, "event", func.id),))
            return
    found = frame.engine.origins.of(func, frame.function)
    if found is None or found.kind == "parameter" or _only_made(frame, expr) or _is_weak(frame, func):
        return
    name = _spelled(func)
    event = Callback(_kept(frame, found.base, state), name, awaited=_awaited(frame, expr, awaited))
    confidence = Confidence.HIGH if found.sure else Confidence.MEDIUM
    step = frame.step(expr.span, "event", name)
    frame.record(described(frame, event, found, event.path), state, (step,), confidence=confidence)


def _lends(frame: Frame, expr: Call) -> bool:
    """`return function(*args)` with the arguments that were given: to run it under the lock is what it is given for."""
    rest = {p.name for p in frame.facts.parameters if p.kind == "*"}
    return any(isinstance(a, Star) and isinstance(a.value, Name) and a.value.id in rest for a in expr.args)


def _kept(frame: Frame, base: Expr | None, state: State) -> Path | None:
    """Where the callable is kept: the attribute or the collection."""
    return frame.engine.paths.of(base, frame.function, state.env) if base is not None else None


def _is_weak(frame: Frame, func: Expr) -> bool:
    """Whether the function tests that what it calls is a weak reference: the call gives the object and runs nothing."""
    written = _written(func)
    return written is not None and any(
        len(test.args) == 2 and last_word(test.args[1]) in _WEAK and _written(test.args[0]) == written
        for test in frame.scope.calls.get("isinstance", ())
    )


def _written(expr: Expr) -> str | None:
    """A name, attribute or numbered part as it is written, wherever that is."""
    match expr:
        case Name(id=name):
            return name
        case Attr(value=value, name=name):
            outer = _written(value)
            return f"{outer}.{name}" if outer is not None else None
        case Item(value=value, key=Const(value=key)):
            outer = _written(value)
            return f"{outer}[{key!r}]" if outer is not None else None
        case _:
            return None


def _spelled(func: Expr) -> str:
    match func:
        case Name(id=name):
            return name
        case Attr(value=value, name=name):
            outer = _spelled(value)
            return f"{outer}.{name}" if outer else name
        case Item(value=value):
            return f"{_spelled(value)}[…]"
        case Call(func=inner):
            return f"{_spelled(inner)}(…)"
        case _:
            return ""


def _awaited(frame: Frame, expr: Call, awaited: bool) -> bool:
    """Whether what the call gives is awaited, now or once it turned out to be awaitable."""
    if awaited or not frame.facts.is_async:
        return awaited
    names = _names(frame, expr)
    for inner in _inside(frame):
        if isinstance(inner, Await) and any(e == expr or (isinstance(e, Name) and e.id in names) for e in walk(inner)):
            return True
    return False


def _only_made(frame: Frame, expr: Call) -> bool:
    """Whether the call makes a coroutine that runs elsewhere: `create_task(callback(…))`."""
    names = _names(frame, expr)
    for inner in _inside(frame):
        if isinstance(inner, Call) and isinstance(inner.func, Name | Attr):
            word = inner.func.id if isinstance(inner.func, Name) else inner.func.name
            if word in _SPAWNING and any(a == expr or (isinstance(a, Name) and a.id in names) for a in inner.args):
                return True
    return False


def _names(frame: Frame, expr: Call) -> set[str]:
    """The local names that the result of a call is given."""
    found: set[str] = set()
    for step in steps(frame.engine.program.body(frame.function)):
        if isinstance(step, Assign) and step.value == expr:
            found.update(t.id for t in step.targets if isinstance(t, Name))
    return found


def _inside(frame: Frame) -> Iterator[Expr]:
    for step in steps(frame.engine.program.body(frame.function)):
        for outer in expressions(step):
            yield from walk(outer)
