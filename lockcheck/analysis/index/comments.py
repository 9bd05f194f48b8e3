"""Comments that speak to lockcheck or flake8."""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator

from lockcheck.model.facts import Comment

_SPEAKS = re.compile(r"noqa|lockcheck:", re.IGNORECASE)
_SUITES = ("finalbody", "orelse", "cases", "handlers", "body")
"""Where statements stand in statements, from the last to the first."""

_BLANKS = " \t\f"
_CANDIDATE = re.compile(r"#.*?(?:noqa|lockcheck:)", re.IGNORECASE)


def comments(text: str, lines: list[str], tree: ast.Module) -> tuple[Comment, ...]:
    """The comments that suppress or instruct, each with the rows of its logical line.

    Only the lines around a candidate are tokenised: what looks like a comment may be a string.
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
    """From a row where a logical line begins to the row before the next of which that is known."""
    if not rows:
        return
    starts = [1, *_starts(tree, lines), len(lines) + 1]
    done = 0
    for row in rows:
        if row > done:
            place = bisect_right(starts, row)
            done = starts[place] - 1
            yield starts[place - 1], done


def _starts(tree: ast.Module, lines: list[str]) -> Iterator[int]:
    """Rows at which a statement begins and nothing stands before it, not even in the row above to be continued."""
    pending: list[ast.AST] = [*tree.body[::-1]]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            row = node.lineno
            if not lines[row - 1][: node.col_offset].strip() and not lines[row - 2].endswith("\\"):
                yield row
        for name in _SUITES:
            pending += getattr(node, name, ())[::-1]


def _of_chunk(lines: list[str], first_row: int) -> Iterator[Comment]:
    """The comments in some logical lines. Indentation says nothing here, and may end in the middle of a block."""
    bare = [line.lstrip(_BLANKS) for line in lines]
    source = iter([line + "\n" for line in bare])
    indents = [len(line) - len(rest) for line, rest in zip(lines, bare, strict=True)]
    pending: list[tokenize.TokenInfo] = []
    begun = 0
    for token in tokenize.generate_tokens(lambda: next(source, "")):
        if token.type == tokenize.COMMENT:
            if _SPEAKS.search(token.string):
                pending.append(token)
        elif token.type == tokenize.NL:
            if not begun:
                yield from _placed(pending, indents, first_row, 0, 0)
                pending.clear()
        elif token.type == tokenize.NEWLINE:
            yield from _placed(pending, indents, first_row, begun, token.start[0])
            pending.clear()
            begun = 0
        elif token.type != tokenize.ENDMARKER:
            begun = begun or token.start[0]
    yield from _placed(pending, indents, first_row, 0, 0)


def _placed(
    pending: list[tokenize.TokenInfo], indents: list[int], offset: int, first: int, last: int
) -> Iterator[Comment]:
    for token in pending:
        row, column = token.start
        rows = (row, first or row, last or row)
        own, begin, end = (each + offset - 1 for each in rows)
        yield Comment(token.string, own, indents[row - 1] + column + 1, begin, end, alone=not first)
