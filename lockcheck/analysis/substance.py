"""What may be left out of a body."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Compare,
    Comprehension,
    Const,
    Expr,
    Group,
    IfElse,
    Item,
    Lambda,
    Logic,
    Name,
    Not,
    Opaque,
    Star,
    Walrus,
    Yield,
)

LONGEST_STRING = 200
"""Strings are cut here: long enough for a name or an annotation, too short for a document."""

_MEMBERSHIP = {"in", "not in"}
_LARGEST = 2**63
_EMPTY = frozenset[type]({Name, Const})
_ACTIVE = frozenset[type]({Call, Attr, Await, Yield, Walrus, Lambda})


def constant(value: object) -> Const:
    """The literal as the facts keep it: what msgpack or a reader of facts cannot hold becomes None."""
    if isinstance(value, str):
        cut = value[:LONGEST_STRING]
        return Const(cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, int):
        return Const(value if -_LARGEST <= value < _LARGEST else None)
    return Const(value if isinstance(value, float) else None)


def negative(value: Expr) -> Expr:
    """`-value`: a number is folded, since `timeout=-1` means something."""
    if isinstance(value, Const) and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
        return constant(-value.value)
    return opaque((value,))


def identifier(text: str) -> str:
    """The name as the compiler sees it: two spellings of one identifier are equal."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def matters(value: Expr) -> bool:
    """Whether evaluating this can run code: it calls, awaits, yields, loads an attribute or item, asks for membership or binds a name."""
    kind = type(value)
    if kind in _EMPTY:
        return False
    if kind in _ACTIVE:
        return True
    match value:
        case Item():
            return True
        case Compare(left, operator, right):
            return operator in _MEMBERSHIP or matters(left) or matters(right)
        case Not(inner) | Star(inner):
            return matters(inner)
        case Logic(_, items) | Group(_, items) | Opaque(items):
            return any(map(matters, items))
        case IfElse(test, then, orelse):
            return matters(test) or matters(then) or matters(orelse)
        case Comprehension(_, element, clauses, _):
            return matters(element) or any(
                clause.is_async or matters(clause.iterable) or any(map(matters, clause.conditions))
                for clause in clauses
            )
        case _:
            return False


def opaque(values: Iterable[Expr]) -> Opaque:
    """An expression of which only the parts that matter are kept, in order, without nesting."""
    parts: list[Expr] = []
    for value in values:
        if type(value) is Opaque:
            parts.extend(value.parts)
        elif matters(value):
            parts.append(value)
    return Opaque(tuple(parts))


def runs_where_defined(value: Expr) -> bool:
    """Whether a decorator, default or base is a step of the enclosing body: a dotted name is not worth one."""
    inner = value
    while isinstance(inner, Attr):
        inner = inner.value
    return not isinstance(inner, Name) and matters(value)
