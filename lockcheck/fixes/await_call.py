"""A coroutine that nobody awaits is awaited."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import AwaitCall

_TIGHT = (cst.Attribute, cst.Call, cst.Subscript, cst.Await)
"""What binds an operand tighter than `await` does, or as tight."""


def propose(tree: Tree, repair: AwaitCall) -> Proposal:
    """Put `await` before a call in a coroutine."""
    call = tree.call(repair.place.span)
    if tree.coroutine(call) is None:
        raise UnfixableError("`await` is possible in a coroutine only")
    awaited = awaiting(tree, call, call)
    return Proposal("safe", f"await `{tree.code(call)}`", {call: awaited})


def awaiting(tree: Tree, old: cst.CSTNode, value: cst.BaseExpression) -> cst.Await:
    """`await value`, in parentheses where what is around the old expression asks for them."""
    node = cst.Await(value)
    if isinstance(tree.parent(old), _TIGHT):
        return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return node
