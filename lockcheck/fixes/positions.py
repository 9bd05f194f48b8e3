"""Where the nodes of a LibCST tree stand, worked out for one statement of the module at a time.

LibCST finds positions by writing a whole module anew, and walks it once more for that: two thirds of what parsing and
placing a file takes. A repair is about a few statements; Python's own parser, which is far faster, tells where these begin.
"""

from __future__ import annotations

import ast
import itertools
import warnings
from bisect import bisect_right
from collections.abc import Sequence

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from lockcheck.fixes.nodes import walk
from lockcheck.model.source import Span


class Positions:
    """The spans of all nodes in the statements of a module, each statement looked at when it is first asked about."""

    def __init__(self, module: cst.Module, text: str) -> None:
        """Find the rows that the statements begin at; a text that Python does not take has one beginning."""
        self.module = module
        self.rows = _rows(module.body, text)
        """The row at which each statement of the module begins, its decorators included and comments before it left out.

        Empty where that can't be had.
        """
        self._index: dict[cst.CSTNode, int] = {statement: number for number, statement in enumerate(module.body)}
        self._placed: set[int] = set()
        self._at: dict[Span, list[cst.CSTNode]] = {}
        self._spans: dict[cst.CSTNode, Span] = {}

    def at(self, span: Span) -> Sequence[cst.CSTNode]:
        """The nodes that cover just this span, the innermost last."""
        self._place(max(0, bisect_right(self.rows, span.row) - 1))
        return self._at.get(span, ())

    def of(self, node: cst.CSTNode, statement: cst.CSTNode) -> Span | None:
        """Where a node stands, which is in, or is, a statement of the module."""
        if node not in self._spans and (number := self._index.get(statement)) is not None:
            self._place(number)
        return self._spans.get(node)

    def _place(self, number: int) -> None:
        """Place a statement of the module, or all of it where its rows are not known."""
        number = number if self.rows else 0
        if number in self._placed:
            return
        self._placed.add(number)
        if not self.rows:
            self._note(self.module, self.module, 0, {})
            return
        statement = self.module.body[number]
        bare = statement.with_changes(leading_lines=())
        alone = self.module.with_changes(body=[bare], header=(), footer=())
        self._note(alone, bare, self.rows[number] - 1, {bare: statement})

    def _note(self, module: cst.Module, top: cst.CSTNode, above: int, instead: dict[cst.CSTNode, cst.CSTNode]) -> None:
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
        for node in walk(top):
            where = positions.get(node)
            if where is not None:
                start, end = where.start, where.end
                span = Span(start.line + above, start.column + 1, end.line + above, end.column + 1)
                known = instead.get(node, node)
                self._at.setdefault(span, []).append(known)
                self._spans[known] = span


def _rows(body: Sequence[cst.BaseStatement | cst.SimpleStatementLine], text: str) -> list[int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = iter(ast.parse(text).body)
    except (SyntaxError, ValueError):
        return []
    rows: list[int] = []
    for each in body:
        several = len(each.body) if isinstance(each, cst.SimpleStatementLine) else 1
        found = list(itertools.islice(statements, several))
        if len(found) != several or not found:
            return []
        first: list[ast.stmt | ast.expr] = [found[0], *getattr(found[0], "decorator_list", [])]
        rows.append(min(item.lineno for item in first))
    return [] if next(statements, None) is not None else rows
