"""Two locks that are taken right after one another are taken the other way round."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.nested import nested, refuse_guarded
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import SwapNesting


def propose(tree: Tree, repair: SwapNesting) -> Proposal:
    """Take the inner lock first; what is said of each at the end of its line goes with it."""
    found = nested(tree, repair.outer.span, repair.place.span)
    one, other = found.outer.item, found.inner.item
    refuse_guarded(tree, found.first, other)
    changes: dict[cst.CSTNode, cst.CSTNode] = {one: other, other: one}
    if found.first is not found.second:
        outer, inner = found.first.body, found.second.body
        if not (isinstance(outer, cst.IndentedBlock) and isinstance(inner, cst.IndentedBlock)):
            raise UnfixableError("a `with` shares its line with its body")
        changes |= {outer.header: inner.header, inner.header: outer.header}
    message = f"take `{tree.code(other)}` before `{tree.code(one)}`, as it is done elsewhere"
    return Proposal("unsafe", message, changes)
