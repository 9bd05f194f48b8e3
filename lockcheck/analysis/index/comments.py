"""Comments that speak to lockcheck or flake8."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator

from lockcheck.model.facts import Comment

_SPEAKS = re.compile(r"noqa|lockcheck:", re.IGNORECASE)
_CANDIDATE = re.compile(r"#.*?(?:noqa|lockcheck:)", re.IGNORECASE)


def comments(text: str, lines: list[str], tree: ast.Module) -> tuple[Comment, ...]:
    """The comments that suppress or instruct, each with the rows of its logical line.

    Only the statements of the module around a candidate are tokenised: what looks like a comment may be a string.
    """
    small = text.lower()
    if "noqa" not in small and "lockcheck:" not in small:  # a pattern that ignores case takes ten times as long
        return ()
    rows = [row for row, line in enumerate(lines, 1) if "#" in line and _CANDIDATE.search(line)]
    found: list[Comment] = []
    for first, last in _chunks(rows, lines, tree):
        found.extend(_of_chunk(lines[first - 1 : last], first))
    return tuple(found)


def _chunks(rows: list[int], lines: list[str], tree: ast.Module) -> Iterator[tuple[int, int]]:
    if not rows:
        return
    starts = [1, *_starts(lines, tree), len(lines) + 1]
    done = 0
    place = 0
    for row in rows:
        if row <= done:
            continue
        while starts[place + 1] <= row:
            place += 1
        done = starts[place + 1] - 1
        yield starts[place], done


def _starts(lines: list[str], tree: ast.Module) -> Iterator[int]:
    """Rows at which a logical line of the module surely begins."""
    behind = 1
    for statement in tree.body:
        row = statement.lineno
        if row > behind and not _is_decorated(statement) and not lines[row - 2].endswith("\\"):
            yield row
        behind = statement.end_lineno or row


def _is_decorated(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and bool(
        statement.decorator_list
    )


def _of_chunk(lines: list[str], first_row: int) -> Iterator[Comment]:
    source = iter([line + "\n" for line in lines])
    pending: list[tokenize.TokenInfo] = []
    begun = 0
    for token in tokenize.generate_tokens(lambda: next(source, "")):
        if token.type == tokenize.COMMENT:
            if _SPEAKS.search(token.string):
                pending.append(token)
        elif token.type == tokenize.NL:
            if not begun:
                yield from _placed(pending, first_row, 0, 0)
                pending.clear()
        elif token.type == tokenize.NEWLINE:
            yield from _placed(pending, first_row, begun, token.start[0])
            pending.clear()
            begun = 0
        elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            begun = begun or token.start[0]
    yield from _placed(pending, first_row, 0, 0)


def _placed(pending: list[tokenize.TokenInfo], offset: int, first: int, last: int) -> Iterator[Comment]:
    for token in pending:
        row, column = token.start
        rows = (row, first or row, last or row)
        own, begin, end = (each + offset - 1 for each in rows)
        yield Comment(token.string, own, column + 1, begin, end, alone=not first)
