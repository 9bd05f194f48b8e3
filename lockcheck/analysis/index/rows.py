"""Which rows belong together: those of a simple statement, or of the head of a compound one."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def statement_rows(text: str, row: int) -> Iterator[range]:
    """The rows of the statement at a row; behind it, where that says nothing by itself, those that follow in its block.

    A blank line, a comment and an `else:` stand for the statement after them. The text must be Python.
    """
    block: list[ast.stmt] = ast.parse(text).body
    while True:
        after = [statement for statement in block if (statement.end_lineno or statement.lineno) >= row]
        if not after:
            return
        first = after[0]
        inner = [other for part in _blocks(first) for other in part]
        if _first(first) <= row and any((other.end_lineno or 0) >= row for other in inner) and row not in _head(first):
            block = next(part for part in _blocks(first) if part and (part[-1].end_lineno or 0) >= row)
            continue
        yield from (_head(statement) for statement in after)
        return


def _first(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _head(statement: ast.stmt) -> range:
    inner = [other.lineno for part in _blocks(statement) for other in part]
    last = min(inner) - 1 if inner else statement.end_lineno or statement.lineno
    return range(_first(statement), max(last, statement.lineno) + 1)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for part in [getattr(statement, name, [])]:
            if part and not isinstance(part[0], ast.stmt):
                yield from (each.body for each in part)
            elif part:
                yield part
