"""A handler that gives back what was acquired, and raises again, catches a cancellation as well."""

from __future__ import annotations

from itertools import pairwise

import libcst as cst

from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import CatchAll


def propose(tree: Tree, repair: CatchAll) -> Proposal:
    """Make the `except Exception` of the `try` behind the acquisition an `except BaseException`.

    Not where the acquisition is awaited in that `try`: who is cancelled while it waits has nothing to give back.
    """
    call = tree.call(repair.place.span)
    if not isinstance(call.func, cst.Attribute):
        raise UnfixableError("the lock is taken by a function")
    lock = tree.code(call.func.value)
    statement = tree.statement(call)
    awaited = isinstance(tree.parent(call), cst.Await)
    above = [statement, *tree.around(statement)]
    around = [
        outer for each, outer in pairwise(above) if isinstance(outer, cst.Try) and not (awaited and each is outer.body)
    ]
    for trying in (*_behind(tree, statement), *around):
        handler = trying.handlers[-1] if trying.handlers else None
        if isinstance(handler, cst.ExceptHandler) and _undoes(tree, handler, lock):
            return Proposal(
                "unsafe",
                f"release `{lock}` where the task is cancelled too",
                {kind: cst.Name("BaseException") for kind in [handler.type] if kind is not None},
            )
    raise UnfixableError("no handler of every exception gives it back and raises again")


def _behind(tree: Tree, statement: Statement) -> list[cst.Try]:
    _, after = tree.neighbours(statement)
    return [each for each in after if isinstance(each, cst.Try)]


def _undoes(tree: Tree, handler: cst.ExceptHandler, lock: str) -> bool:
    body = handler.body.body
    match handler.type, body[-1] if body else None:
        case cst.Name(value="Exception"), cst.SimpleStatementLine(body=[cst.Raise(exc=None)]):
            pass
        case _:
            return False
    released = [
        each
        for each in tree.inside(handler.body)
        if isinstance(each, cst.Call) and tree.code(each.func) == f"{lock}.release"
    ]
    leaving = [each for each in tree.inside(handler.body) if isinstance(each, cst.Return | cst.Break | cst.Continue)]
    return bool(released) and not leaving
