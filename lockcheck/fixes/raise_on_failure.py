"""What an attempt to take a lock says is looked at; and an acquisition becomes an attempt."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.limit_wait import keyword
from lockcheck.fixes.parts import statement
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import RaiseOnFailure


def propose(tree: Tree, repair: RaiseOnFailure, seconds: float) -> Proposal:
    """Raise `TimeoutError` where an attempt failed; try for so many seconds what is no attempt yet."""
    call = tree.call(repair.place.span)
    if not repair.waits:
        return _raising(tree, call, call)
    if call.args:
        raise UnfixableError("it has arguments already")
    return _raising(tree, call, call.with_changes(args=[keyword("timeout", cst.parse_expression(f"{seconds:g}"))]))


def _raising(tree: Tree, call: cst.Call, attempt: cst.Call) -> Proposal:
    line = tree.statement(call)
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if value is call:
            test: cst.BaseExpression = attempt
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Await(expression=value) as awaited)]) if value is call:
            test = awaited.with_changes(expression=attempt)
        case _:
            raise UnfixableError("the attempt is not a statement of its own")
    lock = tree.code(call.func.value) if isinstance(call.func, cst.Attribute) else tree.code(call.func)
    raising = statement(f"raise TimeoutError({_quoted(f'{lock} could not be taken in time')})")
    new = cst.If(
        test=cst.UnaryOperation(cst.Not(), test),
        body=cst.IndentedBlock([raising], header=line.trailing_whitespace),
        leading_lines=line.leading_lines,
    )
    return Proposal("unsafe", f"raise `TimeoutError` where `{lock}` could not be taken", {line: [new]})


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'
