"""What a method marked before it awaits is undone where the await fails."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.parts import leading, statement, with_leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import UndoOnCancel


def propose(tree: Tree, repair: UndoOnCancel) -> Proposal:
    """Put the statement that awaits into a `try` whose handler calls the method that undoes the mark, and raises again."""
    awaits = tree.expression(repair.place.span)
    if not isinstance(awaits, cst.Await):
        raise UnfixableError("it is not a plain `await`")
    method = tree.coroutine(awaits)
    line = tree.statement(awaits)
    if method is None or not isinstance(line, cst.SimpleStatementLine):
        raise UnfixableError("the await is part of a compound statement")
    tree.block(line)
    owner = tree.parent(tree.parent(method) or method)
    undo = _method(owner, repair.undo)
    if undo is None or undo.asynchronous is not None or not _takes_only_itself(undo):
        raise UnfixableError("what undoes it needs more than the object")
    params = [*method.params.posonly_params, *method.params.params]
    if not params:
        raise UnfixableError("the method has no name for its object")
    handler = cst.ExceptHandler(
        type=cst.Name("BaseException"),
        body=cst.IndentedBlock([statement(f"{params[0].name.value}.{repair.undo}()"), statement("raise")]),
    )
    trying = cst.Try(body=cst.IndentedBlock([with_leading(line, ())]), handlers=[handler], leading_lines=leading(line))
    return Proposal("unsafe", f"undo it by `{repair.undo}` where the await fails", {line: trying})


def _method(owner: cst.CSTNode | None, name: str) -> cst.FunctionDef | None:
    body = owner.body.body if isinstance(owner, cst.ClassDef) else ()
    return next((each for each in body if isinstance(each, cst.FunctionDef) and each.name.value == name), None)


def _takes_only_itself(method: cst.FunctionDef) -> bool:
    params = [*method.params.posonly_params, *method.params.params]
    required = [each for each in (*params[1:], *method.params.kwonly_params) if each.default is None]
    return bool(params) and not required and not method.decorators
