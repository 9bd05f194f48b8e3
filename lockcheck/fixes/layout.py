"""Calls that are put into other calls: over one line, or over several where one does not hold them."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.tree import Tree

_WIDTH = 88
"""What a line may hold: the default of the formatters that are used most."""


def fits(tree: Tree, old: cst.CSTNode, new: cst.CSTNode) -> bool:
    """Whether what replaces a node leaves its line one line, and one that is not too long."""
    code = tree.code(new)
    span = tree.span(old)
    line = tree.line(span.row)
    return "\n" not in code and len(line) + len(code) - len(tree.code(old)) <= _WIDTH


def over_lines(tree: Tree, old: cst.Await, new: cst.Call) -> cst.Call:
    """A call that takes the place of what was awaited, which is its first argument: each argument in a line of its own.

    Lines of the argument go as far to the right as its beginning does where they are aligned with that, and one step
    where they hang below it.
    """
    inner = old.expression
    step = tree.module.default_indent
    row, line = tree.span(old).row, tree.line(tree.span(old).row)
    indent = line[: len(line) - len(line.lstrip())]
    below = indent[tree.span(tree.statement(old)).column - 1 :]
    hangs = isinstance(inner, cst.Call) and isinstance(inner.whitespace_before_args, cst.ParenthesizedWhitespace)
    start = tree.span(inner)
    moved = len(indent) + len(step) - (start.column - 1)
    first, *rest = new.args
    shifted = first.with_changes(value=_shifted(first.value, step if hangs or start.row != row else moved))
    args = [each.with_changes(comma=_comma(below + step)) for each in (shifted, *rest)]
    args[-1] = args[-1].with_changes(comma=_comma(below))
    return new.with_changes(args=args, whitespace_before_args=_newline(below + step))


def _comma(indent: str) -> cst.Comma:
    return cst.Comma(whitespace_after=_newline(indent))


def _newline(indent: str) -> cst.ParenthesizedWhitespace:
    return cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(indent))


def _shifted(node: cst.BaseExpression, shift: str | int) -> cst.BaseExpression:
    new = node.visit(_Shift(shift))
    return new if isinstance(new, cst.BaseExpression) else node


class _Shift(cst.CSTTransformer):
    """Moves the lines of an expression, all but its first, to the right (or by a number of columns, which may be less than 0)."""

    def __init__(self, shift: str | int) -> None:
        super().__init__()
        self._shift = shift

    def leave_ParenthesizedWhitespace(  # noqa: N802 - what LibCST calls it
        self, original_node: cst.ParenthesizedWhitespace, updated_node: cst.ParenthesizedWhitespace
    ) -> cst.ParenthesizedWhitespace:
        lines = [
            line.with_changes(whitespace=self._moved(line.whitespace)) if line.comment is not None else line
            for line in updated_node.empty_lines
        ]
        return updated_node.with_changes(empty_lines=lines, last_line=self._moved(original_node.last_line))

    def _moved(self, white: cst.SimpleWhitespace) -> cst.SimpleWhitespace:
        if isinstance(self._shift, str):
            return cst.SimpleWhitespace(self._shift + white.value)
        width = max(len(white.value) + self._shift, 0)
        return cst.SimpleWhitespace(white.value[:width].ljust(width))
