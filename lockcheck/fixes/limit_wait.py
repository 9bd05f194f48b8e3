"""A wait is given an end, in the idiom of its library."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.await_call import awaiting
from lockcheck.fixes.imports import Import, need
from lockcheck.fixes.layout import fits, over_lines
from lockcheck.fixes.parts import is_alone, number, number_text, region
from lockcheck.fixes.proposal import Proposal, Terms
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import LimitWait

_TIMEOUT_SCOPE = (3, 11)
"""Since when there is `asyncio.timeout`."""


def propose(tree: Tree, repair: LimitWait, terms: Terms) -> Proposal:
    """Add the parameter that bounds the call, or a scope around it, or `wait_for` where a scope is not to be had."""
    if repair.parameter:
        return _by_parameter(
            tree, tree.call(repair.place.span), repair.parameter, _in_unit(repair.parameter, terms.seconds)
        )
    awaited = _awaited(tree, repair)
    line = tree.statement(awaited)
    if repair.library != "asyncio":
        return _by_scope(tree, awaited, need(tree, repair.library, "fail_after"), terms.seconds)
    if terms.target >= _TIMEOUT_SCOPE and is_alone(line, awaited):
        return _by_scope(tree, awaited, need(tree, "asyncio", "timeout"), terms.seconds, asynchronous=True)
    return _by_function(tree, awaited, terms.seconds)


def _awaited(tree: Tree, repair: LimitWait) -> cst.Await:
    """What is awaited: the call that the finding stands on, or what stands there by name."""
    node = tree.expression(repair.place.span)
    awaited = node if isinstance(node, cst.Await) else tree.parent(node)
    if not isinstance(awaited, cst.Await):
        raise UnfixableError("it is not awaited where it is called")
    return awaited


def _by_parameter(tree: Tree, call: cst.Call, name: str, number: cst.BaseExpression) -> Proposal:
    if any(arg.star for arg in call.args):
        raise UnfixableError("its arguments are not spelled out")
    given = next((arg for arg in call.args if arg.keyword is not None and arg.keyword.value == name), None)
    if given is not None:
        if tree.code(given.value) != "None":
            raise UnfixableError(f"`{name}` is given already")
        return Proposal("unsafe", f"make it `{name}={tree.code(number)}`", {given.value: number})
    plain = [arg for arg in call.args if arg.keyword is None]
    if any(tree.code(arg.value) == "None" for arg in (plain[1:] if _is_put(call) else plain)):
        raise UnfixableError("one of its arguments may be the timeout already")
    if any(_says_whether(arg) and tree.code(arg.value) != "True" for arg in call.args):
        raise UnfixableError("whether it waits at all is said already")
    args = [arg for arg in call.args if not _waits_for_ever(arg)]
    if len(args) < len(call.args) and not all(_is_on_one_line(arg) for arg in call.args):
        raise UnfixableError("its arguments stand in lines of their own")
    added = keyword(name, number)
    if args:
        args[-1], added = _behind(call, args[-1], added)
    new = call.with_changes(args=[*args, added])
    return Proposal("unsafe", f"add `{name}={tree.code(number)}`", {call: new})


def _behind(call: cst.Call, last: cst.Arg, added: cst.Arg) -> tuple[cst.Arg, cst.Arg]:
    """The last argument and one behind it, in a line of its own where the last one is."""
    comma = last.comma
    closing = last.whitespace_after_arg
    if isinstance(closing, cst.ParenthesizedWhitespace):
        return _in_a_line_of_its_own(call, last, added, closing)
    if not isinstance(comma, cst.Comma) or not isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace):
        return last.with_changes(comma=cst.MaybeSentinel.DEFAULT), added
    start, end = call.whitespace_before_args, comma.whitespace_after
    line = start.last_line if isinstance(start, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace("")
    indent = start.indent if isinstance(start, cst.ParenthesizedWhitespace) else end.indent
    between = cst.ParenthesizedWhitespace(first_line=end.first_line, indent=indent, last_line=line)
    behind = end.with_changes(first_line=cst.TrailingWhitespace())
    return (
        last.with_changes(comma=comma.with_changes(whitespace_after=between)),
        added.with_changes(comma=cst.Comma(whitespace_after=behind)),
    )


def _in_a_line_of_its_own(
    call: cst.Call, last: cst.Arg, added: cst.Arg, closing: cst.ParenthesizedWhitespace
) -> tuple[cst.Arg, cst.Arg]:
    """An argument between the last one, which has no comma, and the line of the closing parenthesis."""
    start = call.whitespace_before_args
    line = start.last_line if isinstance(start, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace("")
    between = closing.with_changes(empty_lines=(), last_line=line)
    behind = closing.with_changes(first_line=cst.TrailingWhitespace())
    comma = cst.Comma(whitespace_after=between)
    return (
        last.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace("")),
        added.with_changes(whitespace_after_arg=behind),
    )


def _is_on_one_line(arg: cst.Arg) -> bool:
    return not isinstance(arg.comma, cst.Comma) or isinstance(arg.comma.whitespace_after, cst.SimpleWhitespace)


def _is_put(call: cst.Call) -> bool:
    """Whether the first argument is the item: that may be `None`."""
    return isinstance(call.func, cst.Attribute) and call.func.attr.value == "put"


def _says_whether(arg: cst.Arg) -> bool:
    """Whether an argument is the one that says if the call waits."""
    return arg.keyword is not None and arg.keyword.value in ("block", "blocking")


def _waits_for_ever(arg: cst.Arg) -> bool:
    """`block=True` says what a timeout says."""
    return _says_whether(arg) and isinstance(arg.value, cst.Name) and arg.value.value == "True"


def _in_unit(parameter: str, seconds: float) -> cst.BaseExpression:
    """So many seconds as a parameter counts them: one that ends in `_ms` wants milliseconds."""
    return cst.parse_expression(f"{round(seconds * 1000)}" if parameter.endswith("_ms") else f"{seconds:g}")


def _by_scope(
    tree: Tree, awaited: cst.Await, function: Import, seconds: float, *, asynchronous: bool = False
) -> Proposal:
    """`async with asyncio.timeout(…)`, or `with` and what other libraries call it, around the statement that waits."""
    line = tree.statement(awaited)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1:
        raise UnfixableError("the wait is a part of a compound statement, or shares its line with others")
    scope = cst.parse_expression(f"{function.text}({number_text(seconds)})")
    body = [line.with_changes(leading_lines=())]
    new = region(scope, body, asynchronous=asynchronous, lines=line.leading_lines)
    changes = {**function.changes, line: [new]}
    return Proposal("unsafe", f"wait at most {number_text(seconds)} seconds", changes)


def _by_function(tree: Tree, awaited: cst.Await, seconds: float) -> Proposal:
    function = need(tree, "asyncio", "wait_for")
    inner = awaited.expression.with_changes(lpar=(), rpar=())
    waiting = cst.Call(cst.parse_expression(function.text), [cst.Arg(inner), keyword("timeout", number(seconds))])
    new = awaiting(tree, awaited, waiting).with_changes(lpar=awaited.lpar, rpar=awaited.rpar)
    if not fits(tree, awaited, new):
        new = new.with_changes(expression=over_lines(tree, awaited, waiting))
    name = tree.code(awaited.expression.func if isinstance(awaited.expression, cst.Call) else awaited.expression)
    message = f"wait for `{name}` at most {number_text(seconds)} seconds"
    return Proposal("unsafe", message, {**function.changes, awaited: new})


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """`name=value` as an argument."""
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value, keyword=cst.Name(name), equal=tight)
