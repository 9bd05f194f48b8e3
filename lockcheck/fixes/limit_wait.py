"""A wait is given an end, in the idiom of its library."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.await_call import awaiting
from lockcheck.fixes.imports import need
from lockcheck.fixes.parts import region
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import LimitWait


def propose(tree: Tree, repair: LimitWait, seconds: float) -> Proposal:
    """Add the parameter that bounds the call, or a scope around it."""
    call = tree.call(repair.place.span)
    number = cst.parse_expression(f"{seconds:g}")
    if repair.parameter:
        return _by_parameter(tree, call, repair.parameter, number)
    awaited = tree.parent(call)
    if not isinstance(awaited, cst.Await):
        raise UnfixableError("it is not awaited where it is called")
    if repair.library == "asyncio":
        function = need(tree, "asyncio", "wait_for")
        args = [cst.Arg(call.with_changes(lpar=(), rpar=())), keyword("timeout", number)]
        waiting = cst.Call(cst.parse_expression(function.text), args)
        new = awaiting(tree, awaited, waiting).with_changes(lpar=awaited.lpar, rpar=awaited.rpar)
        message = f"wait for `{_head(tree, call)}` at most {seconds:g} seconds"
        return Proposal("unsafe", message, {**function.changes, awaited: new})
    return _by_scope(tree, awaited, repair.library, seconds)


def _by_parameter(tree: Tree, call: cst.Call, name: str, number: cst.BaseExpression) -> Proposal:
    if any(arg.keyword is not None and arg.keyword.value == name for arg in call.args):
        raise UnfixableError(f"`{name}` is given already")
    if any(arg.star for arg in call.args):
        raise UnfixableError("its arguments are not spelled out")
    args = [arg for arg in call.args if not _waits_for_ever(arg)]
    if args:
        args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    new = call.with_changes(args=[*args, keyword(name, number)])
    return Proposal("unsafe", f"add `{name}={tree.code(number)}`", {call: new})


def _waits_for_ever(arg: cst.Arg) -> bool:
    """`block=True` says what a timeout says."""
    match arg:
        case cst.Arg(keyword=cst.Name(value="block" | "blocking"), value=cst.Name(value="True")):
            return True
        case _:
            return False


def _by_scope(tree: Tree, awaited: cst.Await, library: str, seconds: float) -> Proposal:
    statement = tree.statement(awaited)
    if not isinstance(statement, cst.SimpleStatementLine):
        raise UnfixableError("the wait is a part of a compound statement")
    function = need(tree, library, "fail_after")
    scope = cst.parse_expression(f"{function.text}({seconds:g})")
    inner = statement.with_changes(leading_lines=())
    new = region(scope, [inner], asynchronous=False, lines=statement.leading_lines)
    return Proposal("unsafe", f"wait at most {seconds:g} seconds", {**function.changes, statement: [new]})


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """`name=value` as an argument."""
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value, keyword=cst.Name(name), equal=tight)


def _head(tree: Tree, call: cst.Call) -> str:
    return tree.code(call.func)
