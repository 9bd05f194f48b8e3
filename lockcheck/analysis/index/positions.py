"""Places of `ast` nodes: from offsets in UTF-8 to columns in code points."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TypeAlias

from lockcheck.model.source import Span

Placed: TypeAlias = ast.expr | ast.stmt | ast.pattern

_COLON = re.compile(r"[^#:]*:")
_NAME = re.compile(r"(?:async[\s\\]+)?(?:def|class)[\s\\]+(\w+)")


def normal(text: str) -> str:
    """The text with every line end a newline, which is how the compiler counts lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Positions:
    """The places in one text. Rows are counted from the function that is being read."""

    span: Callable[[Placed], Span]
    """Tells where a node lies."""

    def __init__(self, text: str) -> None:
        """Take in a text with normal line ends."""
        self.span = self._plain_span if text.isascii() else self._wide_span
        self.above = 0
        """How many rows come before the first of the function that is being read."""
        self._begun: dict[str, int] = {}
        self.lines = text.split("\n")
        self._wide: dict[int, bytes] = {}
        self.count = len(self.lines) - (not self.lines[-1])
        if not text.isascii():
            rows = enumerate(self.lines, 1)
            self._wide = {row: line.encode("utf-8", "surrogatepass") for row, line in rows if not line.isascii()}

    def begin(self, qualname: str, first_row: int) -> int:
        """Count rows from a function on; give from where they were counted before."""
        before, self.above = self.above, self._begun.setdefault(qualname, first_row - 1)
        return before

    def _plain_span(self, node: Placed) -> Span:
        """Where a node lies in a text of ASCII; the parser tells of every node where it ends."""
        above = self.above
        return Span(
            node.lineno - above, node.col_offset + 1, (node.end_lineno or 0) - above, (node.end_col_offset or 0) + 1
        )

    def column(self, row: int, offset: int) -> int:
        """The 1-based column of a 0-based offset in UTF-8."""
        line = self._wide.get(row)
        return offset + 1 if line is None else len(line[:offset].decode("utf-8", "surrogatepass")) + 1

    def _wide_span(self, node: Placed) -> Span:
        return self.between(node, node)

    def between(self, first: Placed, last: Placed) -> Span:
        """From where one node begins to where another ends."""
        end_row = last.end_lineno or last.lineno
        return Span(
            first.lineno - self.above,
            self.column(first.lineno, first.col_offset),
            end_row - self.above,
            self.column(end_row, last.end_col_offset or last.col_offset),
        )

    def head(self, node: Placed | ast.ExceptHandler, last: ast.expr | None) -> Span:
        """From the keyword of a compound statement up to its colon; `last` is the last expression before that."""
        row, begin = node.lineno, self.column(node.lineno, node.col_offset)
        end_row, end = row, begin - 1
        if last is not None:
            end_row = last.end_lineno or last.lineno
            end = self.column(end_row, last.end_col_offset or last.col_offset) - 1
        while (found := _COLON.match(self.lines[end_row - 1], end)) is None:
            end_row, end = end_row + 1, 0
        return Span(row - self.above, begin, end_row - self.above, found.end())

    def name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Span:
        """Where the name of a definition lies: `ast` does not say. Before it stand keywords and blanks only."""
        row, offset = node.lineno, node.col_offset
        found = _NAME.match(self.lines[row - 1], offset)
        if found is None:
            return self.span(node)
        row -= self.above
        return Span(row, found.start(1) + 1, row, found.end(1) + 1)

    def first_row(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
        """The row where a definition begins, its decorators included; the `@` may stand above its expression."""
        if not node.decorator_list:
            return node.lineno
        row = node.decorator_list[0].lineno
        while row > 1 and not self.lines[row - 1].lstrip(" \t\f").startswith("@"):
            row -= 1
        return row
