"""A piece of a source with spans underlined: what a person reads first in a full report."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
from rich.cells import cell_len
from rich.text import Text

from lockcheck.model.source import Span
from lockcheck.ui.render.view import View, visible

_NEAR = 3
"""Rows between two marks up to which they share a piece without a gap."""

_TAB = 4
_CUT = "…"
_MARGIN = "   │ "
"""What a line has before it, beside its number."""


class Mark(msgspec.Struct, frozen=True):
    """A span to be underlined, and what is said of it. The primary one is underlined with carets."""

    span: Span
    label: str
    is_primary: bool


def frame(view: View, path: str, marks: Sequence[Mark]) -> Text:
    """Draw the rows of a file that carry marks, in the order of the rows."""
    by_row: dict[int, list[Mark]] = {}
    for mark in marks:
        by_row.setdefault(mark.span.row, []).append(mark)
    around = {row for mark in marks if mark.is_primary for row in (mark.span.row - 1, mark.span.row + 1)}
    shown = _joined({*by_row, *(row for row in around if (view.line(path, row) or "").strip())})
    gutter = len(str(max(shown)))
    text = Text()
    before: int | None = None
    for row in shown:
        line = view.line(path, row)
        if line is None:
            continue
        if before is not None and row != before + 1:
            text.append(f"{'':>{gutter}} ┆\n", "dim")
        before = row
        window = _Window.over(line, by_row.get(row, ()), max(view.width - gutter - len(_MARGIN), 40))
        text.append(f"{row:>{gutter}} │ ", "dim")
        text.append(f"{window.text}\n")
        for mark in sorted(by_row.get(row, ()), key=lambda each: (not each.is_primary, each.label)):
            text.append(f"{'':>{gutter}} │ ", "dim")
            text.append_text(_underline(window, mark))
    return text


def _joined(rows: set[int]) -> list[int]:
    """Give the rows and what little lies between them."""
    ordered = sorted(rows)
    near = (range(one, other) for one, other in itertools.pairwise(ordered) if other - one <= _NEAR)
    return sorted(rows.union(*near))


class _Window(msgspec.Struct, frozen=True):
    """The part of a line that is shown. `cells` is where each of its columns begins on the screen."""

    text: str
    first: int
    cells: tuple[int, ...]

    @classmethod
    def over(cls, line: str, marks: Sequence[Mark], width: int) -> _Window:
        """Show a line, or as much of it around its first mark as fits."""
        drawn = _drawn(line)
        first, last = 0, len(drawn)
        if sum(map(cell_len, drawn)) > width:
            column = min((mark.span.column - 1 for mark in marks), default=0)
            first = max(0, min(column - width // 4, len(drawn) - width))
            last = first
            room = width - 2
            while last < len(drawn) and room >= cell_len(drawn[last]):
                room -= cell_len(drawn[last])
                last += 1
        pieces = [_CUT if first else "", *drawn[first:last], _CUT if last < len(drawn) else ""]
        cells = [0]
        for piece in pieces[:-1]:
            cells.append(cells[-1] + cell_len(piece))
        return cls("".join(pieces).rstrip(), first, tuple(cells[1:]))

    def cell(self, column: int) -> int:
        """Give where a 1-based column of the line begins on the screen; outside the window, its nearer edge."""
        return self.cells[min(max(column - 1 - self.first, 0), len(self.cells) - 1)]


def _drawn(line: str) -> list[str]:
    """Give what is shown for each character of a line."""
    drawn: list[str] = []
    cell = 0
    for character in line:
        piece = " " * (_TAB - cell % _TAB) if character == "\t" else visible(character)
        drawn.append(piece)
        cell += cell_len(piece)
    return drawn


def _underline(window: _Window, mark: Mark) -> Text:
    start = window.cell(mark.span.column)
    ends_below = mark.span.end_row > mark.span.row
    end = window.cells[-1] if ends_below else window.cell(mark.span.end_column)
    sign, style = ("^", "bold red") if mark.is_primary else ("~", "bold blue")
    text = Text(" " * start)
    text.append(sign * max(end - start, 1), style)
    if mark.label:
        text.append(f" {visible(mark.label)}", style.removeprefix("bold "))
    text.append("\n")
    return text
