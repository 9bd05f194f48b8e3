"""From a structured body to a flat one, in which the statements of compound statements stand one after another."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.analysis.substance import matters
from lockcheck.model.expression import Expr
from lockcheck.model.flow import Branch, Do, For, Match, Node, Step, Try, While, With


def flatten(body: Iterable[Node]) -> tuple[Step, ...]:
    """The simple steps of a body in the order of the source; a flat body stays as it is."""
    steps: list[Step] = []
    _flatten(body, steps)
    return tuple(steps)


def _flatten(body: Iterable[Node], steps: list[Step]) -> None:
    for node in body:
        match node:
            case Branch():
                _branch(node, steps)
            case For(head, inner, orelse):
                steps.append(head)
                _flatten(inner, steps)
                _flatten(orelse, steps)
            case With(items, inner):
                steps.extend(items)
                _flatten(inner, steps)
            case Try(inner, handlers, orelse, final):
                _flatten(inner, steps)
                for handler in handlers:
                    steps.append(handler.head)
                    _flatten(handler.body, steps)
                _flatten(orelse, steps)
                _flatten(final, steps)
            case While(test, inner, orelse):
                _tested(test, steps)
                _flatten(inner, steps)
                _flatten(orelse, steps)
            case Match():
                _match(node, steps)
            case _:
                steps.append(node)


def _branch(node: Branch, steps: list[Step]) -> None:
    """An `elif` is a branch in the `else`: there may be thousands, so this does not descend."""
    _tested(node.test, steps)
    _flatten(node.then, steps)
    orelse = node.orelse
    while len(orelse) == 1 and isinstance(inner := orelse[0], Branch):
        _tested(inner.test, steps)
        _flatten(inner.then, steps)
        orelse = inner.orelse
    _flatten(orelse, steps)


def _match(node: Match, steps: list[Step]) -> None:
    _tested(node.subject, steps)
    for case in node.cases:
        if case.head.names:
            steps.append(case.head)
        if case.guard is not None:
            _tested(case.guard, steps)
        _flatten(case.body, steps)


def _tested(value: Expr, steps: list[Step]) -> None:
    if matters(value):
        steps.append(Do(value))
