"""Two locks that are taken right after one another: two items of one `with`, or two `with` with nothing between."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.effects import Effects, meet
from lockcheck.fixes.guarded import state
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.source import Span


@dataclass(frozen=True, slots=True)
class Nested:
    """The two items, the statement that takes the outer one and the one that takes the inner one."""

    outer: cst.WithItem
    inner: cst.WithItem
    first: cst.With
    second: cst.With


def nested(tree: Tree, outer: Span, inner: Span) -> Nested:
    """Find two items that could change places without passing anything else."""
    one, first = tree.item(outer)
    other, second = tree.item(inner)
    if (
        one.asname is not None
        or other.asname is not None
        or (first.asynchronous is None) != (second.asynchronous is None)
    ):
        raise UnfixableError("the two are not taken alike")
    if first is second:
        places = [i for i, each in enumerate(first.items) if each in (one, other)]
        if places[1] - places[0] == 1:
            return Nested(one, other, first, second)
    elif list(first.body.body) == [second] and first.items[-1] is one and second.items[0] is other:
        return Nested(one, other, first, second)
    raise UnfixableError("something stands between the two")


def refuse_guarded(tree: Tree, region: cst.With, lock: cst.BaseExpression) -> None:
    """Refuse to ask which lock it is before the one around it is taken, where that guards what is asked."""
    declared = {
        item.name.value
        for each in tree.inside(tree.module)
        if isinstance(each, cst.Global | cst.Nonlocal)
        for item in each.names
    }
    if meet(Effects([lock]).reads - {"self"}, state(tree, region).changing | declared):
        raise UnfixableError("which lock it is may change while the one around it is not held")
