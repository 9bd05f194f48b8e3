"""Annotations: read for the types that they name, never as something that runs.

In an annotation every name counts, so `A | None` is an `Opaque` of all its operands, and a quoted annotation is
read as if it stood there without quotes; whatever is inside quotes lies at the place of the whole string.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias, cast

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
    tree = _expression(text.strip())
    return constant(text) if tree is None else annotation(tree, lambda _: span)


@lru_cache(maxsize=1000)
def _expression(text: str) -> ast.expr | None:
    """The tree of a quoted annotation: a program has few, and has them often."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def annotation(node: ast.expr, locate: Locate, verbatim: bool = False) -> Expr:
    """An annotation as the index reads it; `locate` gives the place of a node."""
    kind = type(node)
    if kind is ast.Name:  # the commonest by far
        return Name(cast("ast.Name", node).id)
    read = _READ.get(kind)
    return Opaque(()) if read is None else read(node, locate, verbatim)


def _attribute(node: ast.Attribute, locate: Locate, _: bool) -> Expr:
    return Attr(annotation(node.value, locate), node.attr, locate(node))


def _constant(node: ast.Constant, locate: Locate, verbatim: bool) -> Expr:
    value = node.value
    return quoted(value, locate(node)) if isinstance(value, str) and not verbatim else constant(value)


def _subscript(node: ast.Subscript, locate: Locate, _: bool) -> Expr:
    inner = annotation(node.value, locate)
    return Item(inner, annotation(node.slice, locate, names_values(inner)))


def _tuple(node: ast.Tuple, locate: Locate, verbatim: bool) -> Expr:
    return Group("tuple", tuple([annotation(item, locate, verbatim) for item in node.elts]))


def _list(node: ast.List, locate: Locate, verbatim: bool) -> Expr:
    return Group("list", tuple([annotation(item, locate, verbatim) for item in node.elts]))


def _starred(node: ast.Starred, locate: Locate, _: bool) -> Expr:
    return Star(annotation(node.value, locate))


def _union(node: ast.BinOp, locate: Locate, verbatim: bool) -> Expr:
    if not isinstance(node.op, ast.BitOr):
        return Opaque(())
    return union(annotation(node.left, locate, verbatim), annotation(node.right, locate, verbatim))


_READ: dict[type[ast.expr], Callable[[Any, Locate, bool], Expr]] = {
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Starred: _starred,
    ast.BinOp: _union,
}
"""How each expression that can name a type is read."""


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
