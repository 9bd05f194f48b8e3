"""Special methods: what operators, built-in functions and attribute assignments call."""

from __future__ import annotations

import re

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import External, Instance, LibraryInstance, LibraryMethod, Value, options
from lockcheck.analysis.summarise.compose import compose
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Item, Star
from lockcheck.model.findings import Confidence
from lockcheck.model.source import Span

_BUILTINS = {
    "builtins.len": "__len__",
    "builtins.iter": "__iter__",
    "builtins.next": "__next__",
    "builtins.bool": "__bool__",
    "builtins.list": "__iter__",
    "builtins.tuple": "__iter__",
    "builtins.set": "__iter__",
    "builtins.sorted": "__iter__",
    "builtins.hash": "__hash__",
}
_AS_TEXT = ("__str__", "__repr__")
_TEXTS = {"builtins.str": _AS_TEXT, "builtins.print": _AS_TEXT, "builtins.repr": ("__repr__",)}
_FIELD = re.compile(r"%(?:%|[-#0 +]*\d*(?:\.\d+)?([a-zA-Z]))")
_LOGS = {
    "debug": Confidence.MEDIUM,
    "info": Confidence.MEDIUM,
    "warning": Confidence.HIGH,
    "error": Confidence.HIGH,
    "exception": Confidence.HIGH,
    "critical": Confidence.HIGH,
}
"""Calls that write their arguments out, and how sure it is that somebody listens."""


def run(
    frame: Frame,
    names: str | tuple[str, ...],
    expr: Expr,
    state: State,
    span: Span,
    confidence: Confidence = Confidence.HIGH,
) -> State:
    """Run the first of some special methods that the class of the object that an expression is has."""
    for option in options(frame.engine.types.evaluate(expr, frame.function)):
        if isinstance(option, Instance):
            found = ((n, frame.engine.hierarchy.method(option.id, n)) for n in _several(names))
            name, method = next(((n, m) for n, m in found if m is not None), ("", None))
            facts = frame.engine.program.functions[method.function] if method is not None else None
            runs = facts is not None and not facts.is_async and (not facts.is_generator or name == "__await__")
            if method is not None and runs:
                receiver = frame.engine.paths.of(expr, frame.function, state.env)
                target = Target(method.function, option, confidence=confidence)
                state = compose(frame, target, None, state, span, receiver, name)
    return state


def _several(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def operator(frame: Frame, expr: Expr, state: State) -> State:
    """What `x[k]`, `k in x` and `x == y` run."""
    if not isinstance(expr, Item | Compare):
        return state
    match expr:
        case Item(value=value, span=span) if span is not None:
            return run(frame, "__getitem__", value, state, span)
        case Compare(operator="in" | "not in", right=right, span=span) if span is not None:
            return run(frame, "__contains__", right, state, span)
        case Compare(left=left, operator="==", span=span) if span is not None:
            return run(frame, "__eq__", left, state, span)
        case Compare(left=left, operator="!=", span=span) if span is not None:
            return run(frame, ("__ne__", "__eq__"), left, state, span)
        case _:
            return state


def builtin(frame: Frame, expr: Call, callee: Value, state: State) -> State:
    """What `len(x)` and its like run, and what writes objects out: `print`, a log."""
    match callee:
        case External(name=name) if name in _TEXTS:
            for arg in expr.args:
                state = run(frame, _TEXTS[name], arg, state, expr.span)
            return state
        case External(name=name) if name.startswith("logging."):
            return _logged(frame, expr, name.removeprefix("logging."), state)
        case LibraryMethod(receiver=LibraryInstance(type="logging.Logger"), name=name):
            return _logged(frame, expr, name, state)
        case External(name=name) if name in _BUILTINS and len(expr.args) == 1 and not isinstance(expr.args[0], Star):
            return run(frame, _BUILTINS[name], expr.args[0], state, expr.span)
        case _:
            return state


def _logged(frame: Frame, expr: Call, name: str, state: State) -> State:
    """`log.warning("%s is full", self)`: the objects that a log's text has places for."""
    confidence = _LOGS.get(name)
    text = expr.args[0] if expr.args else None
    if confidence is None or not isinstance(text, Const) or not isinstance(text.value, str):
        return state
    fields = [letter for letter in _FIELD.findall(text.value) if letter]
    if len(fields) != len(expr.args) - 1:
        return state
    for letter, arg in zip(fields, expr.args[1:], strict=True):
        names = {"s": _AS_TEXT, "r": ("__repr__",)}.get(letter, ())
        state = run(frame, names, arg, state, expr.span, confidence)
    return state


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
