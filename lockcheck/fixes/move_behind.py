"""A statement changes its place in a block."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.effects import Effects
from lockcheck.fixes.names import fresh
from lockcheck.fixes.parts import comments, leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import MoveBehind


def propose(tree: Tree, repair: MoveBehind) -> Proposal:
    """Put the statement of one call behind the statement of the other, or between its value and its `return`."""
    call = tree.call(repair.place.span)
    own = tree.statement(call)
    _, after = tree.neighbours(own)
    other = tree.node(repair.other.span)
    around = [other, *tree.around(other)]
    target = next((each for each in after if each in around), None)
    if target is None or Effects([own]).leaves:
        raise UnfixableError("the two do not stand in one block")
    moved = own.with_changes(leading_lines=comments(leading(own)))
    return Proposal("display", f"do `{tree.code(call)}` after that", {own: [], target: _behind(tree, target, moved)})


def _behind(tree: Tree, target: Statement, moved: Statement) -> Sequence[cst.CSTNode]:
    match target:
        case cst.SimpleStatementLine(body=[cst.Return(value=cst.BaseExpression() as value) as small]):
            name = cst.Name(fresh(tree, "result", target))
            kept = target.with_changes(body=[cst.Assign([cst.AssignTarget(name)], value)])
            leaving = small.with_changes(value=name, whitespace_after_return=cst.SimpleWhitespace(" "))
            return [kept, moved, cst.SimpleStatementLine([leaving])]
        case _ if Effects([target]).leaves:
            raise UnfixableError("what it would come after leaves the block")
        case _:
            return [target, moved]
