"""`with` becomes `async with`, or the other way round."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.parts import bare
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import SwitchWith


def propose(tree: Tree, repair: SwitchWith) -> Proposal:
    """Use the keyword that the lock is made for; other items of the same statement keep theirs."""
    item, statement = tree.item(repair.place.span)
    if repair.asynchronous and tree.coroutine(statement) is None:
        raise UnfixableError("`async with` is possible in a coroutine only")
    keyword = "async with" if repair.asynchronous else "with"
    message = f"use `{keyword}` for `{tree.code(item.item)}`"
    return Proposal("safe", message, {statement: switched(statement, item, asynchronous=repair.asynchronous)})


def switched(statement: cst.With, item: cst.WithItem, *, asynchronous: bool) -> cst.With:
    """A `with` with the other keyword for one item: one statement for each run of items of a kind, in their order."""
    if len(statement.items) == 1:
        return statement.with_changes(asynchronous=_word(asynchronous))
    place = next(i for i, each in enumerate(statement.items) if each is item)
    before, after = statement.items[:place], statement.items[place + 1 :]
    body: cst.BaseSuite = statement.body
    if after:
        body = cst.IndentedBlock([_with(after, body, statement.asynchronous is not None)])
    inner = _with([item], body, asynchronous)
    if not before:
        return inner.with_changes(leading_lines=statement.leading_lines)
    outer = _with(before, cst.IndentedBlock([inner]), statement.asynchronous is not None)
    return outer.with_changes(leading_lines=statement.leading_lines)


def _with(items: Sequence[cst.WithItem], body: cst.BaseSuite, asynchronous: bool) -> cst.With:
    return cst.With(items=[*items[:-1], bare(items[-1])], body=body, asynchronous=_word(asynchronous))


def _word(asynchronous: bool) -> cst.Asynchronous | None:
    return cst.Asynchronous() if asynchronous else None
