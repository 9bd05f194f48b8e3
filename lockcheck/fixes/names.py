"""Names in a file: which are taken, and what an expression is called in source."""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
from collections.abc import Collection

import libcst as cst

from lockcheck.fixes.tree import Tree


def fresh(tree: Tree, wish: str, place: cst.CSTNode | None = None, but: Collection[str] = ()) -> str:
    """A name that nothing in the function around a place has (in the file, where no place is given), nor `but`.

    It is the one wished for, or that with a number. What stands behind a dot, or before the value of an argument, takes
    no name; a builtin keeps its own, as the code that is added may need it.
    """
    around = tree.function(place) if place is not None else None
    taken = {
        node.value
        for node in tree.inside(around or tree.module)
        if isinstance(node, cst.Name) and _is_variable(tree, node)
    } | set(but)
    taken |= {*dir(builtins), *keyword.kwlist}
    numbered = (f"{wish}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([wish], numbered) if name not in taken)


def _is_variable(tree: Tree, node: cst.Name) -> bool:
    match tree.parent(node):
        case cst.Attribute(attr=attr) if attr is node:
            return False
        case cst.Arg(keyword=word) if word is node:
            return False
        case cst.ImportFrom():
            return False
        case _:
            return True


def plain(word: str) -> str:
    """A name for a local variable that holds what an attribute of that name holds."""
    return re.sub(r"^_+|_+$", "", word).lower() or "value"


def dotted(node: cst.CSTNode) -> str | None:
    """`self.a.b` of names and attributes only; None for anything else."""
    match node:
        case cst.Name(value=value):
            return value
        case cst.Attribute(value=value, attr=attr):
            inner = dotted(value)
            return f"{inner}.{attr.value}" if inner is not None else None
        case _:
            return None
