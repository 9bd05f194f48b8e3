"""Small pieces of new code, with the comments of the old code kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard

import libcst as cst

from lockcheck.fixes.tree import Statement

LINE = cst.TrailingWhitespace()


def expression(text: str) -> cst.BaseExpression:
    """The expression that a text is."""
    return cst.parse_expression(text)


def statement(text: str) -> cst.SimpleStatementLine:
    """The simple statement that a text is."""
    parsed = cst.parse_statement(text)
    assert isinstance(parsed, cst.SimpleStatementLine)
    return parsed


def number_text(seconds: float) -> str:
    """A number of seconds as one writes it: without a fraction where there is none."""
    return str(int(seconds)) if seconds.is_integer() else str(seconds)


def number(seconds: float) -> cst.BaseExpression:
    """A number of seconds as an expression."""
    return expression(number_text(seconds))


def leading(node: cst.CSTNode) -> Sequence[cst.EmptyLine]:
    """The empty lines and comments above a statement."""
    lines: Sequence[cst.EmptyLine] = getattr(node, "leading_lines", ())
    return lines


def with_leading(node: Statement, lines: Iterable[cst.EmptyLine]) -> Statement:
    """A statement with other lines above it."""
    return node.with_changes(leading_lines=tuple(lines))


def comments(lines: Iterable[cst.EmptyLine]) -> list[cst.EmptyLine]:
    """Of some lines, the comments."""
    return [line for line in lines if line.comment is not None]


def as_lines(trailing: cst.TrailingWhitespace) -> list[cst.EmptyLine]:
    """A comment at the end of a line, as a line of its own."""
    return [cst.EmptyLine(comment=trailing.comment)] if trailing.comment is not None else []


def is_alone(line: cst.BaseStatement, value: cst.BaseExpression) -> TypeGuard[cst.SimpleStatementLine]:
    """Whether a line does nothing but evaluate an expression, and assign its value to one target at most."""
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=found)]):
            return found is value
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[_], value=found) | cst.AnnAssign(value=found)]):
            return found is value
        case _:
            return False


def region(
    item: cst.BaseExpression,
    body: Sequence[Statement],
    *,
    asynchronous: bool,
    lines: Sequence[cst.EmptyLine] = (),
    trailing: cst.TrailingWhitespace = LINE,
    footer: Sequence[cst.EmptyLine] = (),
) -> cst.With:
    """`with item:` around a body."""
    return cst.With(
        items=[cst.WithItem(item)],
        body=cst.IndentedBlock(list(body), header=trailing, footer=tuple(footer)),
        asynchronous=cst.Asynchronous() if asynchronous else None,
        leading_lines=tuple(lines),
    )


def bare(item: cst.WithItem) -> cst.WithItem:
    """An item of a `with` without the comma behind it."""
    return item.with_changes(comma=cst.MaybeSentinel.DEFAULT)
