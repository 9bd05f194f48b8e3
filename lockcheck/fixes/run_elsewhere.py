"""A blocking call in a coroutine is given to a thread, and a sleep to the event loop."""

from __future__ import annotations

from itertools import pairwise

import libcst as cst

from lockcheck.fixes.await_call import awaiting
from lockcheck.fixes.imports import need
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import RunElsewhere

_TO_THREAD = (3, 9)
"""Since when there is `asyncio.to_thread`."""


def propose(tree: Tree, repair: RunElsewhere, target: tuple[int, int]) -> Proposal:
    """Await `asyncio.sleep(…)` or `asyncio.to_thread(…)` in place of the call."""
    call = tree.call(repair.place.span)
    if tree.coroutine(call) is None:
        raise UnfixableError("`await` is possible in a coroutine only")
    if any(isinstance(each, cst.BaseComp | cst.GeneratorExp) for each in tree.around(call)):
        raise UnfixableError("it stands in a comprehension")
    if isinstance(tree.parent(call), cst.Await) or _makes_object(call):
        raise UnfixableError("it makes an object, which may belong to the loop")
    if not repair.sleeps and (_is_fallback(tree, call) or _opens_block(tree, call)):
        raise UnfixableError("a thread cannot do it, or would do the least of it")
    if not repair.sleeps and target < _TO_THREAD:
        raise UnfixableError("the oldest Python that it runs on has no `asyncio.to_thread`")
    function = need(tree, "asyncio", "sleep" if repair.sleeps else "to_thread")
    args = list(call.args)
    if not repair.sleeps:
        first = cst.Arg(call.func.with_changes(lpar=(), rpar=()))
        if args:
            first = first.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
        args = [first, *args]
    new = awaiting(tree, call, call.with_changes(func=cst.parse_expression(function.text), args=args, lpar=(), rpar=()))
    return Proposal("unsafe", f"await `{function.text}(…)`", {**function.changes, call: new})


def _is_fallback(tree: Tree, call: cst.Call) -> bool:
    """Whether it is done here because a thread could not be had for it: what was tried is the same, handed over."""
    name = tree.code(call.func)
    above = list(tree.around(call))
    attempts = [each for inner, each in pairwise(above) if isinstance(inner, cst.ExceptHandler)]
    return any(
        isinstance(each, cst.Arg) and tree.code(each.value) == name
        for attempt in attempts
        if isinstance(attempt, cst.Try)
        for each in tree.inside(attempt.body)
    )


def _opens_block(tree: Tree, call: cst.Call) -> bool:
    """Whether it opens a file for a block, which reads or writes it where it always did."""
    name = dotted(call.func) or ""
    return name.rpartition(".")[2] == "open" and isinstance(tree.parent(call), cst.WithItem)


def _makes_object(call: cst.Call) -> bool:
    """Whether a call seems to be that of a class, by its name."""
    name = dotted(call.func)
    return name is not None and name.rpartition(".")[2].lstrip("_")[:1].isupper()
