"""`task_done()` moves into a `finally`."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.parts import comments, leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import DoneInFinally


def propose(tree: Tree, repair: DoneInFinally) -> Proposal:
    """Put what is done with an item into `try` … `finally: task_done()`."""
    call = tree.call(repair.place.span)
    done = tree.statement(call)
    match done:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if value is call:
            pass
        case _:
            raise UnfixableError("`task_done()` is not a statement of its own")
    get = tree.statement(tree.call(repair.get.span))
    before, _ = tree.neighbours(done)
    if get not in before:
        raise UnfixableError("`get()` and `task_done()` do not stand in one block")
    work = before[before.index(get) + 1 :]
    if not work or any(".task_done" in tree.code(each) for each in work):
        raise UnfixableError("there is more than one `task_done()`, or nothing to be done")
    first = work[0]
    body = [first.with_changes(leading_lines=comments(leading(first))), *work[1:]]
    final = cst.Finally(cst.IndentedBlock([done.with_changes(leading_lines=comments(leading(done)))]))
    trying = cst.Try(body=cst.IndentedBlock(body), finalbody=final)
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {first: [trying], done: []}
    changes.update({each: [] for each in work[1:]})
    return Proposal("unsafe", "call `task_done()` in a `finally`", changes)
