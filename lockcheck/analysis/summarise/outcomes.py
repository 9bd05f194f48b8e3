"""Futures and tasks that are waited for: what they run, and whether there is anything to wait for at all."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import (
    Container,
    External,
    FunctionValue,
    LibraryInstance,
    LibraryMethod,
    Origin,
    TupleValue,
    Value,
    options,
)
from lockcheck.analysis.summarise import primitives, tests
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.known import Known
from lockcheck.model.expression import Attr, Await, Call, Const, Expr, Lambda, Logic, Name, Not, Star, last_word
from lockcheck.model.identity import FunctionId
from lockcheck.model.library import Effect

_WAITS = {"wait", "gather", "as_completed", "result", "exception"}


def runs(frame: Frame, expr: Call, effect: Effect) -> tuple[FunctionId, ...]:
    """The functions that run in what a call waits for: a joined thread, a future's job, the tasks given to `gather`."""
    if effect.blocks in ("join", "fork"):
        return primitives.joined(frame, expr, effect)
    if effect.blocks != "result":
        return ()
    waited = [expr.func.value] if isinstance(expr.func, Attr) else []
    waited += [a.value if isinstance(a, Star) else a for a in expr.args]
    types = frame.engine.types
    return tuple(dict.fromkeys(f for e in waited for f in jobs(frame.engine, types.evaluate(e, frame.function))))


def jobs(engine: Engine, value: Value) -> Iterator[FunctionId]:
    """The functions that futures and tasks were made to run, as far as the calls that made them are seen."""
    for option in options(value):
        match option:
            case Container(element=element):
                yield from jobs(engine, element)
            case TupleValue(items=items):
                for item in items:
                    yield from jobs(engine, item)
            case LibraryInstance(origin=Origin(function=function, call=call)):
                yield from _spawned(engine, call, function)
            case _:
                pass


def _spawned(engine: Engine, call: Call, function: FunctionId) -> Iterator[FunctionId]:
    for option in options(engine.types.evaluate(call.func, function)):
        effect: Effect | None = None
        if isinstance(option, External):
            effect = engine.library.call(option.name)
        elif isinstance(option, LibraryMethod):
            effect = results.method_effect(engine.types, option)
        if effect is not None and effect.spawn is not None:
            given = locks.argument(call, effect.spawn.parameter, effect.spawn.position)
            yield from functions_of(engine, function, given)


def functions_of(engine: Engine, function: FunctionId, given: Expr | None) -> tuple[FunctionId, ...]:
    """The functions that an argument is: named, bound, partial, or the call of a coroutine function."""
    if given is None or isinstance(given, Const | Star | Await):
        return ()
    if isinstance(given, Lambda):
        return (FunctionId(function.module, given.qualname),)
    expr: Expr = given
    if isinstance(given, Call):
        value = engine.types.evaluate(given.func, function)
        if any(isinstance(o, FunctionValue) for o in options(value)):
            expr = given.func
    found = options(engine.types.evaluate(expr, function))
    return tuple(t.function for o in found for t in engine.targets.callee(o) if not t.made)


def settled(frame: Frame, expr: Call) -> bool:
    """Whether a future whose outcome is asked for is done by then.

    It is where `done()` was asked, where it was waited for before, and in a function that is its callback.
    """
    if not isinstance(expr.func, Attr):
        return False
    receiver = expr.func.value
    name = tests.spelled(receiver)
    if name is None:
        return False
    if isinstance(receiver, Name) and receiver.id in frame.scope.parameters:
        if frame.function in callbacks(frame.engine):
            return True
    names = {name, *_sources(frame, receiver)}
    known = Known(frame.engine.program.body(frame.function), expr.span)
    if any(_done(test, outcome, names) for test, outcome in known.tests):
        return True
    return any(_waited(call, names) for call in known.calls)


def cancelled(frame: Frame, expr: Call) -> bool:
    """Whether every task that `gather` or `wait` is given was cancelled before: they end at their next step."""
    given = {name for arg in expr.args for e in walk(arg) if (name := tests.spelled(e)) is not None}
    if last_word(expr.func) not in ("gather", "wait") or not given:
        return False
    for call in Known(frame.engine.program.body(frame.function), expr.span).calls:
        if isinstance(call.func, Attr) and call.func.name == "cancel" and isinstance(call.func.value, Name):
            if given <= {call.func.value.id, *_sources(frame, call.func.value)}:
                return True
    return False


def _sources(frame: Frame, receiver: Expr) -> Iterator[str]:
    """The collections that a loop's variable comes from."""
    if isinstance(receiver, Name):
        for binding in frame.scope.bindings.get(receiver.id, ()):
            source = tests.spelled(binding.expr) if binding.how == "element" and binding.expr is not None else None
            if source is not None:
                yield source


def _done(test: Expr, outcome: bool, names: set[str]) -> bool:
    match test:
        case Not(value=value):
            return _done(value, not outcome, names)
        case Logic(conjunction=conjunction, values=values):
            return conjunction is outcome and any(_done(v, outcome, names) for v in values)
        case Call(func=Attr(value=value, name="done" | "ready")):
            return outcome and tests.spelled(value) in names
        case _:
            return False


def _waited(call: Call, names: set[str]) -> bool:
    """`wait(futures)`, `gather(*futures)` or an earlier `future.result()`, without a timeout."""
    word = call.func.name if isinstance(call.func, Attr) else call.func.id if isinstance(call.func, Name) else ""
    if word not in _WAITS or any(k.name == "timeout" for k in call.keywords):
        return False
    if word in ("result", "exception"):
        return not call.args and isinstance(call.func, Attr) and tests.spelled(call.func.value) in names
    given = call.args if word == "gather" else call.args[:1] if len(call.args) == 1 else ()
    return any(tests.spelled(e) in names for a in given for e in walk(a))


def callbacks(engine: Engine) -> frozenset[FunctionId]:
    """Functions that are called with a future when it is done."""
    nothing: frozenset[FunctionId] = frozenset()
    return engine.types.memo.solve("callbacks of futures", lambda: _registered(engine), nothing)


def _registered(engine: Engine) -> frozenset[FunctionId]:
    found: set[FunctionId] = set()
    for caller in engine.program.callers("add_done_callback"):
        for step in steps(engine.program.body(caller)):
            for outer in expressions(step):
                for inner in walk(outer):
                    match inner:
                        case Call(func=Attr(name="add_done_callback"), args=(given, *_)):
                            found.update(functions_of(engine, caller, given))
                        case _:
                            pass
    return frozenset(found)
