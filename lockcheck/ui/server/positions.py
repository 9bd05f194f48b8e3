"""Rows and columns as editors count them: from 0, columns in UTF-16 units."""

from __future__ import annotations

import re

from lsprotocol.types import Position, Range

from lockcheck.model.source import Span

_LINE_END = re.compile(r"\r\n|\r|\n")


class Lines:
    """The lines of a text, to translate places in it. Places that the text does not have end at its end."""

    def __init__(self, text: str) -> None:
        """Split as Python and editors do, not at form feeds."""
        self._lines = _LINE_END.split(text)

    def range(self, span: Span) -> Range:
        """Give a span of ours (from 1, in code points) as an editor counts."""
        return Range(self.position(span.row, span.column), self.position(span.end_row, span.end_column))

    def position(self, row: int, column: int) -> Position:
        """Give a place of ours as an editor counts."""
        if row > len(self._lines):
            return Position(len(self._lines) - 1, _units(self._lines[-1]))
        return Position(row - 1, _units(self._lines[row - 1][: column - 1]))

    def line(self, row: int) -> str:
        """Give the line at a row, without its end."""
        return self._lines[row - 1]

    def whole(self, row: int) -> Range:
        """Give the range of a line without its end."""
        return Range(Position(row - 1, 0), Position(row - 1, _units(self._lines[row - 1])))


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges have a place in common; touching counts, as a cursor stands between characters."""
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(position: Position) -> tuple[int, int]:
    return position.line, position.character
