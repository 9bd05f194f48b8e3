"""What a function does, in order.

A body is a tuple of nodes. In a *structured* body compound nodes keep their blocks: these are kept of the functions
that may touch a primitive. The others have *flat* bodies: simple steps only, the statements of compound statements
one after another (each step as it stands in the source, tests and headers as `Do`, `Iterate` and `Enter`).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from lockcheck.model.expression import Expr
from lockcheck.model.source import Span


class _Node(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    pass


class Do(_Node, frozen=True, tag="do"):
    """An expression that is evaluated; what it yields is dropped or tested."""

    value: Expr


class Assign(_Node, frozen=True, tag="as"):
    """`target = … = value`. A bare annotation has no value; an augmented assignment has `augmented` set.

    Targets are `Name`, `Attr`, `Item`, `Group` (kind tuple) or `Star`.
    """

    targets: tuple[Expr, ...]
    value: Expr | None
    annotation: Expr | None
    augmented: bool
    span: Span


class Iterate(_Node, frozen=True, tag="it"):
    """The head of a `for`: each round binds the target to an element of the iterable."""

    target: Expr
    iterable: Expr
    is_async: bool
    span: Span


class Enter(_Node, frozen=True, tag="en"):
    """One item of a `with`: the span is that of the item's expression."""

    value: Expr
    target: Expr | None
    is_async: bool
    span: Span


class Return(_Node, frozen=True, tag="re"):
    """`return value`."""

    value: Expr | None
    span: Span


class Raise(_Node, frozen=True, tag="ra"):
    """`raise value`; without a value it raises again."""

    value: Expr | None
    span: Span


class Delete(_Node, frozen=True, tag="de"):
    """`del target, …`."""

    targets: tuple[Expr, ...]


class Define(_Node, frozen=True, tag="df"):
    """A nested function or class is bound to a name; `is_class` tells which."""

    name: str
    qualname: str
    is_class: bool


class Assert(_Node, frozen=True, tag="at"):
    """`assert test`."""

    test: Expr


class Break(_Node, frozen=True, tag="br"):
    """`break`."""


class Continue(_Node, frozen=True, tag="co"):
    """`continue`."""


class Caught(_Node, frozen=True, tag="ca"):
    """The head of an `except`: in a flat body it stands before the handler's steps."""

    types: Expr | None
    name: str | None


class Bound(_Node, frozen=True, tag="bo"):
    """Names bound by a `case` pattern."""

    names: tuple[str, ...]


Step: TypeAlias = (
    Do | Assign | Iterate | Enter | Return | Raise | Delete | Define | Assert | Break | Continue | Caught | Bound
)


class With(_Node, frozen=True, tag="W"):
    """`with items: body`; the span is that of the statement's head line up to the colon."""

    items: tuple[Enter, ...]
    body: Block
    is_async: bool
    span: Span


class Branch(_Node, frozen=True, tag="I"):
    """`if test: then else: orelse` (an `elif` is a Branch in `orelse`)."""

    test: Expr
    then: Block
    orelse: Block


class For(_Node, frozen=True, tag="F"):
    """`for …: body else: orelse`."""

    head: Iterate
    body: Block
    orelse: Block


class While(_Node, frozen=True, tag="L"):
    """`while test: body else: orelse`; the span is that of the test."""

    test: Expr
    body: Block
    orelse: Block
    span: Span


class Handler(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`except types as name: body`."""

    head: Caught
    body: Block
    span: Span


class Try(_Node, frozen=True, tag="T"):
    """`try: body except …: … else: orelse finally: final`."""

    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    final: Block
    span: Span


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`case pattern if guard: body`; `always` marks a pattern that matches everything."""

    head: Bound
    guard: Expr | None
    body: Block
    always: bool


class Match(_Node, frozen=True, tag="M"):
    """`match subject: …`."""

    subject: Expr
    cases: tuple[Case, ...]


Node: TypeAlias = (
    Do
    | Assign
    | Iterate
    | Enter
    | Return
    | Raise
    | Delete
    | Define
    | Assert
    | Break
    | Continue
    | Caught
    | Bound
    | With
    | Branch
    | For
    | While
    | Try
    | Match
)
Block: TypeAlias = tuple[Node, ...]
