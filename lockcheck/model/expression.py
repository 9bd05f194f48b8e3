"""Expressions, reduced to what matters for locks: names, attributes, calls, awaits and how they combine.

The syntax tree of a file is lowered to these values, so nothing behind the extract stage knows one.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.source import Span


class _Node(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    pass


class Name(_Node, frozen=True, tag="n"):
    """A bare name that is read."""

    id: str


class Attr(_Node, frozen=True, tag="a"):
    """`value.name`; the span is that of the whole expression."""

    value: Expr
    name: str
    span: Span


class Item(_Node, frozen=True, tag="i"):
    """`value[key]`; in an annotation the span may be None."""

    value: Expr
    key: Expr
    span: Span | None = None


class Keyword(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A keyword argument; `name` is None for `**value`."""

    name: str | None
    value: Expr


class Call(_Node, frozen=True, tag="c"):
    """A call; `*args` stand among the arguments as `Star`."""

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    span: Span


class Await(_Node, frozen=True, tag="w"):
    """`await value`."""

    value: Expr
    span: Span


class Yield(_Node, frozen=True, tag="y"):
    """`yield value` or, with `delegates`, `yield from value`."""

    value: Expr | None
    delegates: bool
    span: Span


class Const(_Node, frozen=True, tag="k"):
    """A literal; strings are cut after 200 characters, bytes and complex numbers are not kept apart (None)."""

    value: str | int | float | bool | None


class Not(_Node, frozen=True, tag="!"):
    """`not value`."""

    value: Expr


class Logic(_Node, frozen=True, tag="l"):
    """`a and b and c` (`conjunction`) or `a or b or c`."""

    conjunction: bool
    values: tuple[Expr, ...]


class IfElse(_Node, frozen=True, tag="?"):
    """`then if test else orelse`."""

    test: Expr
    then: Expr
    orelse: Expr


class Compare(_Node, frozen=True, tag="="):
    """A comparison with one operator, spelled as in Python (`is not`, `<`); a chain is an `Opaque`."""

    left: Expr
    operator: str
    right: Expr
    span: Span | None = None


Display: TypeAlias = Literal["tuple", "list", "set", "dict"]


class Group(_Node, frozen=True, tag="g"):
    """A display (a dict's items are its values, its keys come first)."""

    kind: Display
    items: tuple[Expr, ...]


Product: TypeAlias = Literal["list", "set", "dict", "generator"]


class Clause(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One `for target in iterable if …` of a comprehension."""

    target: Expr
    iterable: Expr
    conditions: tuple[Expr, ...]
    is_async: bool


class Comprehension(_Node, frozen=True, tag="f"):
    """A comprehension; a dict's element is a tuple of key and value."""

    kind: Product
    element: Expr
    clauses: tuple[Clause, ...]
    span: Span


class Walrus(_Node, frozen=True, tag=":"):
    """`(name := value)`."""

    name: str
    value: Expr


class Lambda(_Node, frozen=True, tag="f2"):
    """A lambda; its body is the function with this qualified name in the same module."""

    qualname: str


class Star(_Node, frozen=True, tag="*"):
    """`*value` among arguments, in a display or in a target."""

    value: Expr


class Opaque(_Node, frozen=True, tag="o"):
    """Anything else: arithmetic, f-strings, slices … with the parts that are evaluated, in order."""

    parts: tuple[Expr, ...]


Expr: TypeAlias = (
    Name
    | Attr
    | Item
    | Call
    | Await
    | Yield
    | Const
    | Not
    | Logic
    | IfElse
    | Compare
    | Group
    | Comprehension
    | Walrus
    | Lambda
    | Star
    | Opaque
)


def last_word(expr: Expr) -> str:
    """The last word of a dotted name: `c` of `a.b.c`; empty for anything else."""
    return expr.id if isinstance(expr, Name) else expr.name if isinstance(expr, Attr) else ""
