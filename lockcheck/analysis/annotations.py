"""Annotations: read for the types that they name, never as something that runs.

In an annotation every name counts, so `A | None` is an `Opaque` of all its operands, and a quoted annotation is
read as if it stood there without quotes; whatever is inside quotes lies at the place of the whole string.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable
from typing import TypeAlias

from lockcheck.analysis.substance import constant, identifier
from lockcheck.model.expression import Attr, Expr, Group, Item, Name, Opaque, Star
from lockcheck.model.source import Span

Locate: TypeAlias = Callable[[ast.expr], Span]

VERBATIM = frozenset({"Literal", "Annotated"})
"""Strings in the brackets of these are values, not annotations."""


def quoted(text: str, span: Span) -> Expr:
    """A string that stands for an annotation; one that is no expression stays a string."""
    if text.isidentifier() and not keyword.iskeyword(text):
        return Name(identifier(text))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return constant(text)
    return annotation(tree.body, lambda _: span)


def annotation(node: ast.expr, locate: Locate, verbatim: bool = False) -> Expr:
    """An annotation as the index reads it; `locate` gives the place of a node."""
    match node:
        case ast.Name(name):
            return Name(name)
        case ast.Attribute(value, name):
            return Attr(annotation(value, locate), name, locate(node))
        case ast.Constant(str() as text) if not verbatim:
            return quoted(text, locate(node))
        case ast.Constant(value):
            return constant(value)
        case ast.Subscript(value, key):
            inner = annotation(value, locate)
            return Item(inner, annotation(key, locate, names_values(inner)))
        case ast.Tuple(items):
            return Group("tuple", tuple(annotation(item, locate, verbatim) for item in items))
        case ast.List(items):
            return Group("list", tuple(annotation(item, locate, verbatim) for item in items))
        case ast.Starred(value):
            return Star(annotation(value, locate))
        case ast.BinOp(left, ast.BitOr(), right):
            return union(annotation(left, locate, verbatim), annotation(right, locate, verbatim))
        case _:
            return Opaque(())


def names_values(generic: Expr) -> bool:
    """Whether the brackets behind this hold values rather than types."""
    return (isinstance(generic, Attr) and generic.name in VERBATIM) or (
        isinstance(generic, Name) and generic.id in VERBATIM
    )


def union(left: Expr, right: Expr) -> Opaque:
    """`left | right` with all its members side by side."""
    return Opaque((*members(left), *members(right)))


def members(value: Expr) -> tuple[Expr, ...]:
    """The alternatives of a union, or the one type that it is."""
    return value.parts if isinstance(value, Opaque) and value.parts else (value,)
