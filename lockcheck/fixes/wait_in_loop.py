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
    around = [line, *tree.around(line)] if isinstance(line, cst.If) else tree.around(line)
    test = next((each for each in around if isinstance(each, cst.BaseStatement)), None)
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
    if not _may_change(tree, test.test):
        raise UnfixableError("what the `if` tests is not changed by anybody else")
    if _is_tested_again(tree, test):
        raise UnfixableError("it is tested again further down: one wake-up is what is waited for")
    loop = cst.While(
        test=test.test,
        body=test.body,
        leading_lines=test.leading_lines,
        whitespace_after_while=test.whitespace_before_test,
        whitespace_before_colon=test.whitespace_after_test,
    )
    return Proposal("safe", f"test `{tree.code(test.test)}` again after each wake-up", {test: loop})


def _may_change(tree: Tree, test: cst.BaseExpression) -> bool:
    """Whether a test may have another result once others have run: it is about more than variables of the function."""
    if any(isinstance(each, cst.Attribute | cst.Call | cst.Subscript) for each in tree.inside(test)):
        return True
    function = tree.function(test)
    own: set[str] = set()
    declared: set[str] = set()
    for each in tree.inside(function) if function is not None else ():
        own.update(assigned(each))
        match each:
            case cst.Param(name=name):
                own.add(name.value)
            case cst.Global(names=names) | cst.Nonlocal(names=names):
                declared.update(item.name.value for item in names)
            case _:
                pass
    return bool(Effects([test]).reads - (own - declared))


def _is_tested_again(tree: Tree, test: cst.If) -> bool:
    """Whether a later branch of the function asks for what a test asks for, so that it knows of either outcome."""
    asked = _asked(test.test)
    function = tree.function(test)
    every = list(tree.inside(function)) if function is not None else []
    behind = every[every.index(test) + len(list(tree.inside(test))) :] if test in every else []
    return any(asked & _asked(each.test) for each in behind if isinstance(each, cst.If | cst.While | cst.IfExp))


def _asked(test: cst.BaseExpression) -> set[str]:
    """The places that a test reads: attributes, and names that are not only the beginning of one."""
    reads = Effects([test]).reads
    return {place for place in reads if not any(other.startswith(f"{place}.") for other in reads)}


def _is_wait(line: cst.CSTNode, call: cst.Call) -> bool:
    match line:
        case (
            cst.SimpleStatementLine(body=[cst.Expr(value=value)])
            | cst.SimpleStatementSuite(body=[cst.Expr(value=value)])
        ):
            return value is call or (isinstance(value, cst.Await) and value.expression is call)
        case _:
            return False
