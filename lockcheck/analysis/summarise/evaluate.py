"""Expressions: what evaluating them does, in order."""

from __future__ import annotations

from typing import Literal

from lockcheck.analysis.link import attributes
from lockcheck.analysis.link.bodies import children
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import FunctionValue, Instance, LibraryInstance, NoneValue, options
from lockcheck.analysis.summarise import calls, outcomes, protocol, tests
from lockcheck.analysis.summarise.compose import compose
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State, join
from lockcheck.model.events import Block, Suspend
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Comprehension,
    Const,
    Expr,
    IfElse,
    Lambda,
    Logic,
    Name,
    Walrus,
    Yield,
)
from lockcheck.model.paths import LocalRoot, Path
from lockcheck.model.source import Span

_TASKS = {"asyncio.Task", "asyncio.Future"}
_QUIET = frozenset({Name, Const, Lambda})
"""Nothing happens when these are evaluated; they are more than half of all expressions."""
Word = Literal["await", "async for", "async with", "async comprehension", "yield"]


def expression(frame: Frame, expr: Expr, state: State) -> State:
    """The state after an expression was evaluated; what happens meanwhile is recorded."""
    if type(expr) in _QUIET:
        return state
    match expr:
        case Call():
            return calls.call(frame, expr, state)
        case Attr():
            return _attribute(frame, expr, state)
        case Await():
            return awaiting(frame, expr, state)
        case Logic(values=values):
            state = expression(frame, values[0], state)
            for value in values[1:]:
                state = join((state, expression(frame, value, state))) or state
            return state
        case IfElse(test=test, then=then, orelse=orelse):
            yes, no = tests.split(frame, test, state)
            ends = (expression(frame, e, s) for e, s in ((then, yes), (orelse, no)) if s is not None)
            return join(ends) or state
        case Comprehension(kind="generator", clauses=clauses):
            return iterable(frame, clauses[0].iterable, state, False)
        case Comprehension():
            return consumed(frame, expr, state)
        case Yield(value=value):
            return _yield(frame, expr, value, state)
        case Walrus(name=name, value=value):
            state = expression(frame, value, state)
            return state.binding(name, frame.engine.paths.of(value, frame.function, state.env))
        case _:
            for child in children(expr):
                state = expression(frame, child, state)
            return protocol.operator(frame, expr, state)


def suspend(frame: Frame, what: Word, span: Span, state: State) -> None:
    """Record that the function is suspended here."""
    frame.may_raise(state)
    frame.record(Suspend(what), state, (frame.step(span, "event", what),))


def _attribute(frame: Frame, expr: Attr, state: State) -> State:
    state = expression(frame, expr.value, state)
    types = frame.engine.types
    for option in options(types.evaluate(expr.value, frame.function)):
        if isinstance(option, Instance):
            method = frame.engine.hierarchy.method(option.id, expr.name)
            if method is not None and attributes.is_property(types, method.function):
                receiver = frame.engine.paths.of(expr.value, frame.function, state.env)
                target = Target(method.function, option)
                state = compose(frame, target, None, state, expr.span, receiver, expr.name)
    return state


def awaiting(frame: Frame, expr: Await, state: State) -> State:
    """`await value`: a suspension, and what the coroutine does."""
    value = expr.value
    if isinstance(value, Call):
        after = calls.call(frame, value, state, awaited=True, suspended=expr.span)
        after = protocol.run(frame, "__await__", value, after, expr.span)
    else:
        after = expression(frame, value, state)
        suspend(frame, "await", expr.span, after)
        after = _waiting(frame, value, expr.span, after)
    return after


def _waiting(frame: Frame, value: Expr, span: Span, state: State) -> State:
    """Awaiting an object that was made before: a task, a future, or a coroutine kept in a local name."""
    types = frame.engine.types
    state = protocol.run(frame, "__await__", value, state, span)
    if isinstance(value, Name):
        bound = frame.scope.bindings.get(value.id, ())
        if len(bound) == 1 and bound[0].how == "value" and isinstance(bound[0].expr, Call) and not bound[0].place:
            made = types.evaluate(bound[0].expr.func, frame.function)
            coroutine = [o for o in options(made) if isinstance(o, FunctionValue)]
            if any(frame.engine.program.functions[o.id].is_async for o in coroutine):
                return calls.run_targets(frame, bound[0].expr, state, span, owed=True)
    for option in options(types.evaluate(value, frame.function)):
        if isinstance(option, LibraryInstance) and frame.engine.library.canonical(option.type) in _TASKS:
            word = value.name if isinstance(value, Attr) else value.id if isinstance(value, Name) else option.type
            runs = tuple(dict.fromkeys(outcomes.jobs(frame.engine, option)))
            event = Block("result", word, awaited=True, bounded=state.bounded > 0, runs=runs)
            frame.record(event, state, (frame.step(span, "event", word),))
    return state


def iterable(frame: Frame, expr: Expr, state: State, is_async: bool, span: Span | None = None) -> State:
    """The iterable of a loop at `span`: a generator's body runs while it is iterated."""
    if isinstance(expr, Call):
        return calls.call(frame, expr, state, iterated=True, awaited=is_async)
    if isinstance(expr, Comprehension):
        return consumed(frame, expr, state)
    if isinstance(expr, Name):
        bound = frame.scope.bindings.get(expr.id, ())
        if len(bound) == 1 and bound[0].how == "value" and isinstance(bound[0].expr, Call) and not bound[0].place:
            made = bound[0].expr
            if calls.makes_generator(frame, made):
                return calls.run_targets(frame, made, state, span or made.span, awaited=is_async, iterated=True)
    state = expression(frame, expr, state)
    return (
        protocol.run(frame, "__aiter__" if is_async else "__iter__", expr, state, span) if span is not None else state
    )


def consumed(frame: Frame, expr: Comprehension, state: State) -> State:
    """A comprehension, or a generator expression whose elements are asked for."""
    outer = state.env
    for clause in expr.clauses:
        state = iterable(frame, clause.iterable, state, clause.is_async)
        if clause.is_async:
            suspend(frame, "async comprehension", expr.span, state)
        for name in _names(clause.target):
            here = Path(LocalRoot(frame.function, name, expr.span.row, expr.span.column))
            state = state.binding(name, here)
        for condition in clause.conditions:
            state = expression(frame, condition, state)
    frame.loops += 1
    state = expression(frame, expr.element, state)
    frame.loops -= 1
    for name in sorted(state.env.keys() - outer.keys()):
        state = state.binding(name, None)
    for name, path in outer.items():
        if state.env.get(name) != path:
            state = state.binding(name, path)
    return state


def _names(target: Expr) -> list[str]:
    if isinstance(target, Name):
        return [target.id]
    return [name for child in children(target) for name in _names(child)]


def _awaitable(frame: Frame, around: Yield, expr: Expr) -> bool:
    """Whether `yield from expr.__await__()` awaits: it does not where a plain function of the program gives nothing."""
    value = frame.engine.types.evaluate(expr, frame.function)
    return around.delegates and not any(isinstance(option, NoneValue) for option in options(value))


def _yield(frame: Frame, expr: Yield, value: Expr | None, state: State) -> State:
    match value:
        case Call(func=Attr(value=awaitable, name="__await__"), args=()) if _awaitable(frame, expr, awaitable):
            return awaiting(frame, Await(awaitable, expr.span), state)
        case _:
            pass
    if value is not None:
        state = iterable(frame, value, state, False) if expr.delegates else expression(frame, value, state)
    frame.around.append(state)
    suspend(frame, "yield", expr.span, state)
    return state
