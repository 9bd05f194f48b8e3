"""Tests whose outcome the text decides: literals, and names that are given one literal only."""

from __future__ import annotations

from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import UNKNOWN, External, options
from lockcheck.model.expression import Attr, Const, Expr, Name
from lockcheck.model.identity import FunctionId

_CONSTANTS = {"typing.TYPE_CHECKING": False, "builtins.__debug__": True, "typing_extensions.TYPE_CHECKING": False}


def truth(types: Types, test: Expr, function: FunctionId) -> bool | None:
    """Whether a test is a constant: a literal, `TYPE_CHECKING`, or a module's name that is given one literal only."""
    match test:
        case Const(value=value):
            return bool(value)
        case Name(id=name) if not types.scope(function).binds(name):
            return _constant(types, name, function)
        case Attr():
            for option in options(types.evaluate(test, function)):
                if isinstance(option, External):
                    return _CONSTANTS.get(option.name)
            return None
        case _:
            return None


def _constant(types: Types, name: str, function: FunctionId) -> bool | None:
    value = types.name(name, function)
    if isinstance(value, External):
        return _CONSTANTS.get(value.name)
    program = types.program
    home = program.home(function.module, name)
    if home is None or program.attribute(function.module, name) != UNKNOWN:
        return None
    values = program.global_values(*home)
    module_level = values and values[0][0] == FunctionId(home[0], "<module>")
    if len(values) == 1 and module_level and isinstance(values[0][1], Const) and isinstance(values[0][1].value, bool):
        return values[0][1].value
    return None
