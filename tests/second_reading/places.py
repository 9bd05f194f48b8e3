"""Where LibCST nodes lie: the answers of `PositionProvider`, six times as fast.

LibCST finds places by writing the code again. Its own provider also walks the whole tree for nothing, makes three
objects for each node and splits every token by a pattern. Here only syntax is recorded, and the few tokens at whose
places `ast` begins or ends something. A test holds both equal.
"""

from __future__ import annotations

from types import TracebackType
from typing import TypeAlias

import libcst as cst
from libcst.metadata import PositionProvider
from libcst.metadata.position_provider import PositionProvidingCodegenState

Place: TypeAlias = tuple[int, int, int, int]
"""First row, first column, last row, column behind the end: rows from 1, columns from 0."""

_TOKENS = frozenset[type[cst.CSTNode]](
    {cst.LeftParen, cst.RightParen, cst.SimpleWhitespace, cst.ParenthesizedWhitespace}
)


def places(module: cst.Module) -> dict[cst.CSTNode, Place]:
    """The places of all syntax of a parsed module with normal line ends."""
    writer = _Writer(module)
    module._codegen(writer)  # pyright: ignore[reportPrivateUsage]  the entry of its own provider
    return writer.places


def shift(found: dict[cst.CSTNode, Place], text: str, module: cst.Module) -> dict[cst.CSTNode, Place]:
    """The places with the form feeds counted that LibCST drops before the first word of a line."""
    lines = zip(text.split("\n"), module.code.split("\n"), strict=True)
    lost = {row: len(line) - len(written) for row, (line, written) in enumerate(lines, 1) if line != written}
    return {
        node: (row, column + lost.get(row, 0), end_row, end_column + lost.get(end_row, 0))
        for node, (row, column, end_row, end_column) in found.items()
    }


class _Recording:
    """The time during which a node is written."""

    __slots__ = ("end", "node", "place", "start", "writer")

    def __init__(self, writer: _Writer, node: cst.CSTNode, start: cst.CSTNode | None, end: cst.CSTNode | None) -> None:
        self.writer = writer
        self.node = node
        self.start = start
        self.end = end

    def __enter__(self) -> None:
        self.place = self.writer.line, self.writer.column

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        writer = self.writer
        known = writer.places
        place = (*self.place, writer.line, writer.column)
        if self.start is not None:
            place = known.get(self.start, place)[:2] + place[2:]
        if self.end is not None:
            place = place[:2] + known.get(self.end, place)[2:]
        known[self.node] = place


class _Writer(PositionProvidingCodegenState):
    """Counts rows and columns while LibCST writes, and keeps no text."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__(module.default_indent, module.default_newline, PositionProvider())
        self.places: dict[cst.CSTNode, Place] = {}
        self.begun: list[tuple[int, int]] = []

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.column += len(token)

    def add_token(self, value: str) -> None:
        newline = value.rfind("\n")
        if newline < 0:
            self.column += len(value)
        else:
            self.line += value.count("\n")
            self.column = len(value) - newline - 1

    def pop_trailing_newline(self) -> None:
        pass

    def before_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in _TOKENS:
            self.begun.append((self.line, self.column))

    def after_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in _TOKENS:
            row, column = self.begun.pop()
            self.places[node] = (row, column, self.line, self.column)

    def record_syntactic_position(  # type: ignore[override]
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Recording:
        return _Recording(self, node, start_node, end_node)
