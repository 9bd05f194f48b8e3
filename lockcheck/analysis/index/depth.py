"""How deeply the statements of a function nest: what reads its blocks descends as often."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

DEEPEST = 1000
"""Levels of syntax that can be followed with room to spare; `ast` has bounded indentation to 100 already."""

_NARROW = DEEPEST // 2
"""What fills fewer columns of one line has fewer levels: each takes a character."""


def is_too_deep(body: Iterable[ast.AST]) -> bool:
    """Whether something in a body nests so deeply that it cannot be followed, the functions inside apart."""
    level = [node for node in body if not _is_narrow(node)]
    depth = 0
    while level and depth <= DEEPEST:
        if depth < _NARROW:
            level = [child for node in level for child in _children(node) if not _is_narrow(child)]
        else:
            level = [child for node in level for child in _children(node)]
        depth += 1
    return bool(level)


def _is_narrow(node: ast.AST) -> bool:
    if not isinstance(node, ast.expr | ast.stmt) or node.lineno != node.end_lineno:
        return False
    return (node.end_col_offset or 0) - node.col_offset < _NARROW


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield from ast.iter_child_nodes(node)
