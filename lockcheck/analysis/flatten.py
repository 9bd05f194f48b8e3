"""The bridge between the two readings: a structured body without its structure is the flat body."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.substance import matters
from lockcheck.model.expression import Expr
from lockcheck.model.flow import Block, Branch, Do, For, Match, Node, Step, Try, While, With


def flatten(body: Block) -> tuple[Step, ...]:
    """The simple steps of a body in source order, as the index yields them; a flat body stays as it is."""
    return tuple(_steps(body))


def _steps(body: Block) -> Iterator[Step]:
    for node in body:
        yield from _of(node)


def _of(node: Node) -> Iterator[Step]:
    match node:
        case With(items, inner):
            yield from items
            yield from _steps(inner)
        case Branch(test, then, orelse):
            yield from _tested(test)
            yield from _steps(then)
            yield from _steps(orelse)
        case For(head, inner, orelse):
            yield head
            yield from _steps(inner)
            yield from _steps(orelse)
        case While(test, inner, orelse):
            yield from _tested(test)
            yield from _steps(inner)
            yield from _steps(orelse)
        case Try(inner, handlers, orelse, final):
            yield from _steps(inner)
            for handler in handlers:
                yield handler.head
                yield from _steps(handler.body)
            yield from _steps(orelse)
            yield from _steps(final)
        case Match():
            yield from _of_match(node)
        case _:
            yield node


def _of_match(node: Match) -> Iterator[Step]:
    yield from _tested(node.subject)
    for case in node.cases:
        if case.head.names:
            yield case.head
        if case.guard is not None:
            yield from _tested(case.guard)
        yield from _steps(case.body)


def _tested(value: Expr) -> Iterator[Do]:
    if matters(value):
        yield Do(value)
