"""The `if` around a condition's `wait()` becomes `while`."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.effects import Effects, assigned
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import WaitInLoop


def propose(tree: Tree, repair: WaitInLoop) -> Proposal:
    """Test the predicate again after each wake-up."""
    call = tree.call(repair.place.span)
    line = tree.statement(call)
    test = next((each for each in tree.around(line) if isinstance(each, cst.BaseStatement)), None)
    if not isinstance(test, cst.If) or isinstance(tree.parent(test), cst.If):
        raise UnfixableError("no `if` stands right around it")
    if test.orelse is not None:
        raise UnfixableError("the `if` has an `else`")
    if call.args:
        raise UnfixableError("the wait has a timeout")
    if not isinstance(test.body, cst.IndentedBlock | cst.SimpleStatementSuite) or len(test.body.body) != 1:
        raise UnfixableError("the `if` does more than wait")
    if not _is_wait(line if isinstance(test.body, cst.IndentedBlock) else test.body, call):
        raise UnfixableError("the `if` does more than wait")
    if not any(isinstance(each, cst.Attribute | cst.Call | cst.Subscript) for each in tree.inside(test.test)):
        own = tree.function(test)
        bound = {place for each in (tree.inside(own) if own is not None else ()) for place in assigned(each)}
        bound |= {each.name.value for each in (tree.inside(own) if own else ()) if isinstance(each, cst.Param)}
        declared = {
            item.name.value
            for each in (tree.inside(own) if own is not None else ())
            if isinstance(each, cst.Global | cst.Nonlocal)
            for item in each.names
        }
        if not Effects([test.test]).reads - (bound - declared):
            raise UnfixableError("what the `if` tests is not changed by anybody else")
    loop = cst.While(
        test=test.test,
        body=test.body,
        leading_lines=test.leading_lines,
        whitespace_after_while=test.whitespace_before_test,
        whitespace_before_colon=test.whitespace_after_test,
    )
    return Proposal("safe", f"test `{tree.code(test.test)}` again after each wake-up", {test: loop})


def _is_wait(line: cst.CSTNode, call: cst.Call) -> bool:
    match line:
        case (
            cst.SimpleStatementLine(body=[cst.Expr(value=value)])
            | cst.SimpleStatementSuite(body=[cst.Expr(value=value)])
        ):
            return value is call or (isinstance(value, cst.Await) and value.expression is call)
        case _:
            return False
