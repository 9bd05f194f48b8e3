"""A release that an exception would skip moves into a `finally`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.parts import comments, leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import ReleaseInFinally


def propose(tree: Tree, repair: ReleaseInFinally) -> Proposal:
    """Put what stands between the acquisition and the release into a `try`."""
    call = tree.call(repair.place.span)
    if not isinstance(call.func, cst.Attribute):
        raise UnfixableError("the lock is taken by a function")
    lock = tree.code(call.func.value)
    statement: Statement | None = tree.statement(call)
    while statement is not None:
        _, after = tree.neighbours(statement)
        place = next((i for i, each in enumerate(after) if _releases(tree, each, lock)), None)
        if place is not None:
            return _moved(tree, after[:place], after[place], lock)
        function = tree.function(call)
        above = [each for each in tree.around(statement) if isinstance(each, cst.BaseStatement)]
        statement = above[0] if above and above[0] is not function else None
    raise UnfixableError("no release of it stands behind it")


def _moved(tree: Tree, between: Sequence[Statement], release: Statement, lock: str) -> Proposal:
    if not between:
        raise UnfixableError("nothing happens while it is held")
    text = "".join(tree.code(each) for each in between)
    if f"{lock}.release" in text or f"{lock}.acquire" in text:
        raise UnfixableError("it is released or taken again in between")
    first = between[0]
    body = [first.with_changes(leading_lines=comments(leading(first))), *between[1:]]
    last = release.with_changes(leading_lines=comments(leading(release)))
    trying = cst.Try(body=cst.IndentedBlock(body), finalbody=cst.Finally(cst.IndentedBlock([last])))
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {each: [] for each in (*between, release)}
    changes[first] = [trying]
    return Proposal("unsafe", f"release `{lock}` in a `finally`", changes)


def _releases(tree: Tree, node: cst.CSTNode, lock: str) -> bool:
    """Whether a statement gives the lock back, whatever it tests before."""
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() as call)]):
            return tree.code(call.func) == f"{lock}.release"
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Await(expression=cst.Call() as call))]):
            return tree.code(call.func) == f"{lock}.release"
        case cst.If(orelse=None, body=cst.IndentedBlock(body=[inner])):
            return _releases(tree, inner, lock)
        case _:
            return False
