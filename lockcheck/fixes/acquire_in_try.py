"""An acquisition that may be taken though nobody waits for it any more goes into the `try` that gives it back."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.parts import comments, leading, with_leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import AcquireInTry


def propose(tree: Tree, repair: AcquireInTry) -> Proposal:
    """Make it the first statement of the `try` right behind it, whose `finally` releases what it takes."""
    call = tree.call(repair.place.span)
    lock = next((found for arg in call.args if (found := _taken(tree, arg.value)) is not None), None)
    if lock is None:
        raise UnfixableError("it is not said which lock is taken")
    statement = tree.statement(call)
    _, after = tree.neighbours(statement)
    following = after[0] if after else None
    if not isinstance(following, cst.Try) or following.finalbody is None or following.handlers:
        raise UnfixableError("no `try` with nothing but a `finally` stands behind it")
    final = following.finalbody.body
    if not any(isinstance(each, cst.Call) and tree.code(each.func) == f"{lock}.release" for each in tree.inside(final)):
        raise UnfixableError("the `finally` does not release it")
    body = following.body
    if not isinstance(body, cst.IndentedBlock):
        raise UnfixableError("the `try` shares its line with its body")
    first = with_leading(statement, comments(leading(statement)))
    new = following.with_changes(
        leading_lines=(*_blank(statement), *leading(following)), body=body.with_changes(body=[first, *body.body])
    )
    return Proposal("unsafe", f"take `{lock}` in the `try` that releases it", {statement: [], following: new})


def _taken(tree: Tree, value: cst.BaseExpression) -> str | None:
    match value:
        case cst.Attribute(value=lock, attr=cst.Name(value="acquire")):
            return tree.code(lock)
        case _:
            return None


def _blank(node: cst.CSTNode) -> list[cst.EmptyLine]:
    return [line for line in leading(node) if line.comment is None]
