"""How large something is made: the numbers that a bound may be, through names, parameters and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.analysis.link import arguments
from lockcheck.analysis.link.values import Instance, options
from lockcheck.model.expression import Attr, Const, Expr, Name
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_DEPTH = 3


def constant(types: Types, expr: Expr, function: FunctionId) -> int | None:
    """The whole number that an expression is: a literal, or a name that is assigned one literal only."""
    if isinstance(expr, Const):
        return expr.value if isinstance(expr.value, int) and not isinstance(expr.value, bool) else None
    if isinstance(expr, Name):
        home = types.program.home(function.module, expr.id)
        local = function.qualname != MODULE and types.scope(function).binds(expr.id)
        if home is not None and not local:
            values = types.program.global_values(*home)
            if len(values) == 1 and isinstance(values[0][1], Const):
                return constant(types, values[0][1], values[0][0])
    return None


def sizes(types: Types, expr: Expr, function: FunctionId, depth: int = _DEPTH) -> frozenset[int] | None:
    """The numbers that an expression may be; None where one of them is not known.

    A parameter is what its callers give and what it is by default, an attribute what its class assigns to it; None
    counts as no number at all.
    """
    found = constant(types, expr, function)
    if found is not None:
        return frozenset((found,))
    if isinstance(expr, Const):
        return frozenset() if expr.value is None else None
    if depth == 0:
        return None
    match expr:
        case Name(id=name) if function.qualname != MODULE:
            return _of_name(types, name, function, depth)
        case Attr(value=value, name=name):
            return _of_attribute(types, value, name, function, depth)
        case _:
            return None


def _of_name(types: Types, name: str, function: FunctionId, depth: int) -> frozenset[int] | None:
    scope = types.scope(function)
    parameter = scope.parameters.get(name)
    if parameter is None or name in scope.bindings:
        return None
    given = [sizes(types, e, caller, depth - 1) for caller, e in arguments.given(types, function, name)]
    if parameter.default is None:
        return _all(given)
    default = sizes(types, parameter.default, function, depth - 1)
    found = _all([*given, default])
    return found if found is not None else default


def _of_attribute(types: Types, value: Expr, name: str, function: FunctionId, depth: int) -> frozenset[int] | None:
    for option in options(types.evaluate(value, function)):
        if isinstance(option, Instance):
            found = types.hierarchy.attribute(option.id, name)
            if found is None:
                return None
            owner, facts = found
            return _all(
                [
                    sizes(types, f.value, types.hierarchy.scope_of(owner, f), depth - 1)
                    if f.value is not None
                    else None
                    for f in facts
                    if f.value is not None or f.annotation is None
                ]
            )
    return None


def _all(found: list[frozenset[int] | None]) -> frozenset[int] | None:
    if not found or any(each is None for each in found):
        return None
    return frozenset(size for each in found if each is not None for size in each)
