"""What an attempt to take a lock says is looked at; and an acquisition becomes an attempt."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.hold_by_with import refuse_other
from lockcheck.fixes.limit_wait import keyword
from lockcheck.fixes.parts import number, statement
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import RaiseOnFailure

_TAKEN, _WAITED = "could not be taken", "was waited for in vain"


def propose(tree: Tree, repair: RaiseOnFailure, seconds: float) -> Proposal:
    """Raise `TimeoutError` where an attempt failed; try for so many seconds what is no attempt yet."""
    span = repair.place.span
    timeout = keyword("timeout", number(seconds))
    if repair.waits and not isinstance(tree.expression(span), cst.Call):
        return _opened(tree, *tree.item(span), timeout)
    call = tree.call(span)
    if not repair.waits:
        return _raising(tree, call, call)
    if call.args:
        raise UnfixableError("it has arguments already")
    return _raising(tree, call, call.with_changes(args=[timeout]))


def _opened(tree: Tree, item: cst.WithItem, region: cst.With, timeout: cst.Arg) -> Proposal:
    """A region becomes an attempt, `try` and `finally`."""
    if len(region.items) > 1 or item.asname is not None or region.asynchronous is not None:
        raise UnfixableError("the `with` does more than take the lock")
    if not isinstance(region.body, cst.IndentedBlock):
        raise UnfixableError("the `with` shares its line with its body")
    refuse_other(tree, item.item, [region.body])
    lock = tree.code(item.item)
    attempt = cst.Call(cst.Attribute(item.item, cst.Name("acquire")), [timeout])
    header = region.body.header
    body = region.body.with_changes(header=cst.TrailingWhitespace())
    final = cst.Finally(cst.IndentedBlock([statement(f"{lock}.release()")]))
    trying = _merged(body, final) or cst.Try(body=body, finalbody=final)
    return Proposal("unsafe", _message(lock), {region: [_test(lock, attempt, region.leading_lines, header), trying]})


def _merged(body: cst.BaseSuite, final: cst.Finally) -> cst.Try | None:
    """The `try` that a body consists of, with a `finally` of its own."""
    match body:
        case cst.IndentedBlock(body=[cst.Try(finalbody=None) as only], footer=[]):
            return only.with_changes(finalbody=final)
        case _:
            return None


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
    failed = _WAITED if isinstance(call.func, cst.Attribute) and call.func.attr.value == "wait" else _TAKEN
    if failed is _TAKEN:
        _refuse_given_back(tree, call, lock)
    new = _test(lock, test, line.leading_lines, line.trailing_whitespace, failed)
    return Proposal("unsafe", _message(lock, failed), {line: [new]})


def _refuse_given_back(tree: Tree, call: cst.Call, lock: str) -> None:
    """Refuse to raise where what is around would release what was not taken, or would not be cleaned up."""
    for each in tree.around(call):
        match each:
            case cst.FunctionDef() | cst.Lambda():
                return
            case cst.Finally():
                raise UnfixableError("an error in a `finally` takes the place of what is being cleaned up")
            case cst.With(items=items) if any(tree.code(item.item) == lock for item in items):
                raise UnfixableError("the region around it releases the lock")
            case cst.Try(finalbody=cst.Finally() as final) if f"{lock}.release" in tree.code(final):
                raise UnfixableError("the `finally` around it releases the lock")
            case cst.Try(handlers=handlers) if any(f"{lock}.release" in tree.code(handler) for handler in handlers):
                raise UnfixableError("a handler around it releases the lock")
            case _:
                pass


def _test(
    lock: str,
    attempt: cst.BaseExpression,
    lines: Sequence[cst.EmptyLine],
    trailing: cst.TrailingWhitespace,
    failed: str = _TAKEN,
) -> cst.If:
    raising = statement(f"raise TimeoutError({_quoted(f'{lock} {failed}')})")
    return cst.If(
        test=cst.UnaryOperation(cst.Not(), attempt),
        body=cst.IndentedBlock([raising], header=trailing),
        leading_lines=lines,
    )


def _message(lock: str, failed: str = _TAKEN) -> str:
    return f"raise `TimeoutError` where `{lock}` {failed}"


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'
