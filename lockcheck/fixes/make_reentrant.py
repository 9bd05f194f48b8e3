"""`Lock()` becomes `RLock()`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from lockcheck.fixes.annotations import retyped
from lockcheck.fixes.imports import need, source
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import MakeReentrant


def propose(tree: Tree, repair: MakeReentrant) -> Proposal:
    """Make a lock that its holder may take again, by `Lock()` or by a factory that is given `Lock`."""
    value = tree.value(repair.place.span)
    _refuse_other_uses(tree, value)
    made = [each for each in tree.inside(value) if _is_lock(each)]
    made = [
        each for each in made if not isinstance(tree.parent(each), cst.Attribute | cst.Arg) or _is_value(tree, each)
    ]
    if made and any(isinstance(each, cst.BooleanOperation | cst.IfExp) for each in _between(tree, made[0], value)):
        if tree.annotation(value) is not None:
            raise UnfixableError("the lock may come from elsewhere, of the kind that its type names")
    match made:
        case [cst.Attribute() as func]:
            new: cst.BaseExpression = func.with_changes(attr=cst.Name("RLock"))
            changes: dict[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]] = {func: new}
        case [cst.Name() as func]:
            wanted = need(tree, source(tree, "Lock") or "threading", "RLock")
            new = cst.parse_expression(wanted.text)
            changes = {**wanted.changes, func: new}
        case _:
            raise UnfixableError("the lock is not made by `Lock()`")
    changes.update(retyped(tree, value, _is_lock, new, is_class=False))
    return Proposal("unsafe", f"make it a re-entrant `{tree.code(new)}`", changes)


def _refuse_other_uses(tree: Tree, value: cst.BaseExpression) -> None:
    """Refuse a lock that is used as a re-entrant one can't be: asked whether it is held, or given back by another thread.

    A function that releases it and does not acquire it may run in a thread that does not hold it.
    """
    match tree.parent(value):
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) | cst.AnnAssign(target=target):
            name = (dotted(target) or "").rpartition(".")[2]
        case _:
            return
    done: dict[cst.CSTNode | None, set[str]] = {}
    for each in tree.inside(tree.module):
        if isinstance(each, cst.Attribute) and (dotted(each.value) or "").rpartition(".")[2] == name:
            done.setdefault(tree.function(each), set()).add(each.attr.value)
    if any("locked" in words for words in done.values()):
        raise UnfixableError("others ask whether the lock is held, which a re-entrant one does not say")
    if any("release" in words and "acquire" not in words for words in done.values()):
        raise UnfixableError("it is released where it was not acquired, maybe by another thread")


def _between(tree: Tree, node: cst.CSTNode, outer: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What a node is inside of, up to another."""
    for each in tree.around(node):
        yield each
        if each is outer:
            return


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
