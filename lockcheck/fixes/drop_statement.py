"""A call that is a statement of its own goes."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import DropStatement


def propose(tree: Tree, repair: DropStatement) -> Proposal:
    """Drop the statement, unless it is the only one of its block."""
    call = tree.call(repair.place.span)
    line = tree.statement(call)
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if value is call:
            pass
        case _:
            raise UnfixableError("it is not a statement of its own")
    before, after = tree.neighbours(line)
    if not before and not after:
        raise UnfixableError("nothing would be left in its block")
    return Proposal("display", f"drop `{tree.code(call)}`", {line: []})
