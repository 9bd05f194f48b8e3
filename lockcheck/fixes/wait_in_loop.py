"""The `if` around a condition's `wait()` becomes `while`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.effects import ASKING, Effects, assigned, meet
from lockcheck.fixes.guarded import makes, state
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import WaitInLoop

_QUESTIONS = frozenset({"empty", "full", "qsize", "done", "locked", "poll", "cancelled", "exists", "closed"})


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
    if _does_more(tree, test.test):
        raise UnfixableError("what the `if` tests may be more than a question: it would be done again")
    if not _is_changed(tree, test):
        raise UnfixableError("nobody is seen to change what the `if` tests, or this function does before it waits")
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


def _does_more(tree: Tree, test: cst.BaseExpression) -> bool:
    """Whether a test does something besides asking."""
    questions = [
        each
        for each in tree.inside(test)
        if isinstance(each, cst.Call) and isinstance(each.func, cst.Attribute) and _is_question(each.func.attr.value)
    ]
    found = Effects([test], state(tree, test).methods, questions)
    return found.acts or bool(found.writes)


def _is_question(name: str) -> bool:
    return name.startswith(("is_", "has_")) or name in _QUESTIONS


def _is_changed(tree: Tree, test: cst.If) -> bool:
    """Whether somebody changes what a test asks for, after it was made, and this function not on its way to the test.

    Who counts itself before it asks how many there are waits for one event, and may find another count afterwards.
    """
    asked = _asked(test.test)
    own = tree.function(test)
    words = {place.rpartition(".")[2] for place in asked}
    before = True
    found = False
    for each in tree.inside(tree.module):
        before &= each is not test
        if not (places := set(_changes(each))):
            continue
        function = tree.function(each)
        if before and function is own and meet(places, asked):
            return False
        made = function is not None and isinstance(function, cst.FunctionDef) and makes(function)
        found |= function is not None and not made and bool({place.rpartition(".")[2] for place in places} & words)
    return found


def _changes(node: cst.CSTNode) -> Iterator[str]:
    """The places that a node assigns, or of which it calls something that is no question."""
    yield from assigned(node)
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=name))) if not _is_question(name):
            place = dotted(value)
            if place is not None and name not in ASKING:
                yield place
        case _:
            pass


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
