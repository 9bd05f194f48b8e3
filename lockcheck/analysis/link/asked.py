"""Calls of what came from outside that run nobody's code worth speaking of: a reference is followed, a name is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.analysis.link.bodies import steps, walk
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, Item, Name, last_word
from lockcheck.model.flow import Assign
from lockcheck.model.identity import FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_REFERENCES = {"ReferenceType", "WeakMethod", "ref"}


def dereferenced(types: Types, func: Expr, function: FunctionId) -> bool:
    """`isinstance(entry, weakref.ref) and entry() is None`: a weak reference is asked what it refers to."""
    for test in types.scope(function).calls.get("isinstance", ()):
        if len(test.args) == 2 and _same(test.args[0], func):
            cls = test.args[1]
            if any(last_word(c) in _REFERENCES for c in (cls.items if isinstance(cls, Group) else (cls,))):
                return True
    return False


def named(types: Types, func: Attr, function: FunctionId) -> bool:
    """`self._plugins[plugin.name()] = plugin`: what is registered is asked only for the name that it goes by."""
    names: set[str] = set()
    keys: list[Expr] = []
    for step in steps(types.program.body(function)):
        if isinstance(step, Assign):
            keys += [target.key for target in step.targets if isinstance(target, Item)]
            if isinstance(step.value, Call) and step.value.func is func:
                names.update(target.id for target in step.targets if isinstance(target, Name))
    parts = [part for key in keys for part in walk(key)]
    return any((isinstance(p, Call) and p.func is func) or (isinstance(p, Name) and p.id in names) for p in parts)


def _same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are spelled alike: names and their items by a constant."""
    match one, other:
        case Item(value=first, key=Const(value=key)), Item(value=second, key=Const(value=again)):
            return key == again and _same(first, second)
        case Name(id=first), Name(id=second):
            return first == second
        case _:
            return False
