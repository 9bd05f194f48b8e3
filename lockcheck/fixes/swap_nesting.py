"""Two locks that are taken right after one another are taken the other way round."""

from __future__ import annotations

from lockcheck.fixes.nested import nested
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree
from lockcheck.model.repairs import SwapNesting


def propose(tree: Tree, repair: SwapNesting) -> Proposal:
    """Take the inner lock first."""
    found = nested(tree, repair.outer.span, repair.place.span)
    one, other = found.outer.item, found.inner.item
    message = f"take `{tree.code(other)}` before `{tree.code(one)}`, as it is done elsewhere"
    return Proposal("unsafe", message, {one: other, other: one})
