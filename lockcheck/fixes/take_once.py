"""A lock that is taken in two ways, one inside the other, is taken once."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.parts import as_lines, bare, comments
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import TakeOnce


def propose(tree: Tree, repair: TakeOnce) -> Proposal:
    """Take the lock outside as it is taken inside, and dissolve the inner `with`."""
    outer, first = tree.item(repair.outer.span)
    inner, second = tree.item(repair.place.span)
    if outer.asname is not None or inner.asname is not None or len(second.items) > 1 or first is second:
        raise UnfixableError("the `with` does more than take the lock")
    if (first.asynchronous is None) != (second.asynchronous is None):
        raise UnfixableError("the two are not taken alike")
    if not isinstance(second.body, cst.IndentedBlock):
        raise UnfixableError("the `with` shares its line with its body")
    tree.block(second)
    body: list[Statement] = list(second.body.body)
    above = [*second.leading_lines, *comments([*as_lines(second.body.header)])]
    lines: Sequence[cst.EmptyLine] = getattr(body[0], "leading_lines", ())
    body[0] = body[0].with_changes(leading_lines=(*above, *comments(lines)))
    spelled = bare(inner).with_changes(comma=outer.comma)
    changes: dict[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]] = {second: body}
    if tree.code(inner.item) == tree.code(outer.item):
        return Proposal("display", f"take `{tree.code(inner.item)}` once", changes)
    return Proposal("display", f"take `{tree.code(inner.item)}` from the start", {**changes, outer: spelled})
