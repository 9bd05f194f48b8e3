"""Two instances of a family of locks are taken in one order."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.effects import Effects, assigned, meet
from lockcheck.fixes.names import dotted, fresh
from lockcheck.fixes.nested import nested, refuse_guarded
from lockcheck.fixes.parts import statement
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import TakeSorted


def propose(tree: Tree, repair: TakeSorted) -> Proposal:
    """Sort the two owners by their identity, or the two keys by themselves, before the locks are taken."""
    found = nested(tree, repair.outer.span, repair.place.span)
    names = fresh(tree, "first", found.first), fresh(tree, "second", found.first)
    match found.outer.item, found.inner.item:
        case cst.Attribute() as one, cst.Attribute() as other if one.attr.value == other.attr.value:
            key = ", key=id"
            pair = one.value, other.value
            new: list[cst.BaseExpression] = [
                each.with_changes(value=cst.Name(name)) for each, name in zip((one, other), names, strict=True)
            ]
        case cst.Subscript() as one, cst.Subscript() as other if tree.code(one.value) == tree.code(other.value):
            key = ""
            pair = _key(one), _key(other)
            new = [
                each.with_changes(slice=[cst.SubscriptElement(cst.Index(cst.Name(name)))])
                for each, name in zip((one, other), names, strict=True)
            ]
        case _:
            raise UnfixableError("the two locks are not named alike")
    if any(dotted(each) is None for each in pair):
        raise UnfixableError("the owners of the two locks have no names")
    for each in pair:
        refuse_guarded(tree, found.first, each)
    names_before = {name for item in found.first.items if item.asname is not None for name in assigned(item.asname)}
    if meet(Effects(pair).reads, names_before):
        raise UnfixableError("the owner of a lock gets its name from the same `with`")
    codes = ", ".join(tree.code(each) for each in pair)
    line = statement(f"{names[0]}, {names[1]} = sorted(({codes}){key})")
    line = line.with_changes(leading_lines=found.first.leading_lines)
    changed = tree.replaced(found.first, {found.outer.item: new[0], found.inner.item: new[1]})
    return Proposal(
        "unsafe",
        f"take the locks of `{codes}` in one order",
        {found.first: [line, changed.with_changes(leading_lines=())]},
    )


def _key(node: cst.Subscript) -> cst.BaseExpression:
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=value))]:
            return value
        case _:
            raise UnfixableError("the two locks are not named alike")
