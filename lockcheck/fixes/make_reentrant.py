"""`Lock()` becomes `RLock()`."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.imports import need, source
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import MakeReentrant


def propose(tree: Tree, repair: MakeReentrant) -> Proposal:
    """Make a lock that its holder may take again, by `Lock()` or by a factory that is given `Lock`."""
    made = [each for each in tree.inside(tree.value(repair.place.span)) if _is_lock(each)]
    made = [
        each for each in made if not isinstance(tree.parent(each), cst.Attribute | cst.Arg) or _is_value(tree, each)
    ]
    match made:
        case [cst.Attribute() as func]:
            new: cst.BaseExpression = func.with_changes(attr=cst.Name("RLock"))
            return Proposal("unsafe", _message(tree, new), {func: new})
        case [cst.Name() as func]:
            wanted = need(tree, source(tree, "Lock") or "threading", "RLock")
            new = cst.parse_expression(wanted.text)
            return Proposal("unsafe", _message(tree, new), {**wanted.changes, func: new})
        case _:
            raise UnfixableError("the lock is not made by `Lock()`")


def _is_lock(node: cst.CSTNode) -> bool:
    match node:
        case cst.Attribute(value=cst.Name(), attr=cst.Name(value="Lock")) | cst.Name(value="Lock"):
            return True
        case _:
            return False


def _is_value(tree: Tree, node: cst.CSTNode) -> bool:
    """Whether this is an argument's value, not the name behind a dot."""
    parent = tree.parent(node)
    return isinstance(parent, cst.Arg) and parent.value is node


def _message(tree: Tree, func: cst.BaseExpression) -> str:
    return f"make it a re-entrant `{tree.code(func)}`"
