"""Special methods: what operators, built-in functions and attribute assignments call."""

from __future__ import annotations

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import External, Instance, Value, options
from lockcheck.analysis.summarise.compose import compose
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.expression import Attr, Call, Compare, Expr, Item, Star
from lockcheck.model.source import Span

_BUILTINS = {
    "builtins.len": "__len__",
    "builtins.iter": "__iter__",
    "builtins.next": "__next__",
    "builtins.bool": "__bool__",
    "builtins.str": "__str__",
    "builtins.repr": "__repr__",
    "builtins.list": "__iter__",
    "builtins.tuple": "__iter__",
    "builtins.set": "__iter__",
    "builtins.sorted": "__iter__",
    "builtins.hash": "__hash__",
}


def run(frame: Frame, name: str, expr: Expr, state: State, span: Span) -> State:
    """Run the special method `name` of the object that an expression is, if its class has one."""
    types = frame.engine.types
    for option in options(types.evaluate(expr, frame.function)):
        if isinstance(option, Instance):
            method = frame.engine.hierarchy.method(option.id, name)
            facts = frame.engine.program.functions[method.function] if method is not None else None
            runs = facts is not None and not facts.is_async and (not facts.is_generator or name == "__await__")
            if method is not None and runs:
                receiver = frame.engine.paths.of(expr, frame.function, state.env)
                state = compose(frame, Target(method.function, option), None, state, span, receiver, name)
    return state


def operator(frame: Frame, expr: Expr, state: State) -> State:
    """What `x[k]`, `k in x` and `x == y` run."""
    match expr:
        case Item(value=value, span=span) if span is not None:
            return run(frame, "__getitem__", value, state, span)
        case Compare(operator="in" | "not in", right=right, span=span) if span is not None:
            return run(frame, "__contains__", right, state, span)
        case Compare(left=left, operator="==", span=span) if span is not None:
            return run(frame, "__eq__", left, state, span)
        case _:
            return state


def builtin(frame: Frame, expr: Call, callee: Value, state: State) -> State:
    """What `len(x)` and its like run."""
    if not isinstance(callee, External) or len(expr.args) != 1 or isinstance(expr.args[0], Star):
        return state
    name = _BUILTINS.get(callee.name)
    return run(frame, name, expr.args[0], state, expr.span) if name is not None else state


def assigned(frame: Frame, target: Attr, state: State) -> State:
    """What `x.name = …` runs where the name is a property."""
    types = frame.engine.types
    for option in options(types.evaluate(target.value, frame.function)):
        if isinstance(option, Instance):
            setter = frame.engine.hierarchy.setter(option.id, target.name)
            if setter is not None:
                receiver = frame.engine.paths.of(target.value, frame.function, state.env)
                state = compose(frame, Target(setter, option), None, state, target.span, receiver, target.name)
    return state
