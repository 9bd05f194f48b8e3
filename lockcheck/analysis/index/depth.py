"""How deeply the statements of a function nest: what reads its blocks descends as often."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import cast

DEEPEST = 1000
"""Levels of syntax that can be followed with room to spare; `ast` has bounded indentation to 100 already."""

_NARROW = DEEPEST // 2
"""What fills fewer columns of one line has fewer levels: each takes a character."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLACED = (ast.expr, ast.stmt)


def is_too_deep(body: Iterable[ast.AST]) -> bool:
    """Whether something in a body nests so deeply that it cannot be followed, the functions inside apart."""
    level = [node for node in body if not _is_narrow(node)]
    depth = 0
    while level and depth <= DEEPEST:
        inner: list[ast.AST] = []
        for node in level:
            if not isinstance(node, _FUNCTIONS):
                inner += _children(node)
        level = [node for node in inner if depth >= _NARROW or not _is_narrow(node)]
        depth += 1
    return bool(level)


def _is_narrow(node: ast.AST) -> bool:
    if not isinstance(node, _PLACED) or node.lineno != node.end_lineno:
        return False
    return (node.end_col_offset or 0) - node.col_offset < _NARROW


def _children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, in any order."""
    found: list[ast.AST] = []
    for value in vars(node).values():
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            items = cast("list[object]", value)
            found += [item for item in items if isinstance(item, ast.AST)]
    return found
