"""What is done to a condition that is not held is done while it is held."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.names import dotted
from lockcheck.fixes.parts import region
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import TakeLock


def propose(tree: Tree, repair: TakeLock) -> Proposal:
    """Put `with` around the statement of a call, for the object that it is a method of."""
    call = tree.call(repair.place.span)
    line = tree.statement(call)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1 or not isinstance(call.func, cst.Attribute):
        raise UnfixableError("it is a part of a compound statement, or shares its line with others")
    lock = call.func.value
    if dotted(lock) is None:
        raise UnfixableError("which object it is is asked anew each time")
    if repair.asynchronous and tree.coroutine(call) is None:
        raise UnfixableError("`async with` is possible in a coroutine only")
    body = [line.with_changes(leading_lines=())]
    new = region(lock, body, asynchronous=repair.asynchronous, lines=line.leading_lines)
    return Proposal("display", f"hold `{tree.code(lock)}` while it is done", {line: [new]})
