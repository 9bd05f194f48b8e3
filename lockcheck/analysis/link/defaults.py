"""`lock or Lock()`: what is made only where nothing is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.analysis.link import arguments
from lockcheck.analysis.link.values import LockValue, Value, join, options
from lockcheck.model.expression import Expr, IfElse, Logic, Name

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types
    from lockcheck.model.identity import FunctionId


def given_lock(types: Types, expr: Expr, function: FunctionId) -> Value | None:
    """The locks that callers pass for the parameter that an expression prefers, if every call of the program does."""
    match expr:
        case Logic(conjunction=False, values=(Name(id=name), *_)) | IfElse(then=Name(id=name)):
            scope = types.scope(function)
            if name not in scope.parameters or name in scope.bindings:
                return None
            found = [o for o in options(types.name(name, function)) if isinstance(o, LockValue)]
            return join(found) if found and arguments.always(types, function, name) else None
        case _:
            return None
