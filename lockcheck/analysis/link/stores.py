"""What functions put into collections, and under which name these are reached."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.types import Types
from lockcheck.model.expression import Attr, Call, Expr, Item
from lockcheck.model.flow import Assign
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_STORES = {"append": 0, "appendleft": 0, "add": 0, "insert": 1, "setdefault": 1}


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A value that is kept: the expression, the function that it is read in, where that happens, and in what."""

    function: FunctionId
    given: Expr
    span: Span
    into: Expr | None = None


def writes(types: Types, function: FunctionId) -> Iterator[tuple[Stored, Expr]]:
    """`x[k] = value`, `x.append(value)`, `x[k].append(value)`: each value with the name that it is reached by."""
    for step in steps(types.program.body(function)):
        if isinstance(step, Assign) and step.value is not None:
            for target in step.targets:
                if isinstance(target, Item):
                    yield Stored(function, step.value, step.span, _base(target)), _base(target)
                    yield Stored(function, target.key, step.span, _base(target)), _base(target)
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call) and isinstance(inner.func, Attr):
                    at = _STORES.get(inner.func.name)
                    if at is not None and at < len(inner.args):
                        base = _base(inner.func.value)
                        yield Stored(function, inner.args[at], inner.span, base), base


def _base(expr: Expr) -> Expr:
    while True:
        match expr:
            case Item(value=value) | Call(func=Attr(value=value, name="setdefault" | "get")):
                expr = value
            case _:
                return expr
