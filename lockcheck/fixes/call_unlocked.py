"""Who holds the lock calls what a method does under it, where that is a method already."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.locking_method import LockingMethod, locking_method, parameters
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Changes, Tree, UnfixableError
from lockcheck.model.repairs import CallUnlocked


def propose(tree: Tree, repair: CallUnlocked) -> Proposal:
    """Call the method that is called under the lock with the same arguments, whatever its name is."""
    found = locking_method(tree, repair)
    inner, awaited, returned = _inner(found)
    if not isinstance(inner.func, cst.Attribute) or not _hands_on(found, inner):
        raise UnfixableError("the method does more under the lock than call another one")
    if not _gives_all(found):
        raise UnfixableError("the other method may call what it is given otherwise, or have other defaults")
    around = tree.parent(found.call)
    outside = tree.parent(around) if isinstance(around, cst.Await) else around
    if not returned and not isinstance(outside, cst.Expr):
        raise UnfixableError("the two methods do not return the same")
    assert isinstance(found.call.func, cst.Attribute)
    new = found.call.func.with_changes(attr=inner.func.attr)
    changes: Changes = {found.call.func: new}
    if isinstance(around, cst.Await) and not awaited:
        changes = {around: found.call.with_changes(func=new, lpar=around.lpar, rpar=around.rpar)}
    message = f"call `{inner.func.attr.value}`, which does not take the lock"
    return Proposal("unsafe", message, changes)


def _inner(found: LockingMethod) -> tuple[cst.Call, bool, bool]:
    """The one call of a region, whether it is awaited, and whether its result is returned."""
    match found.region.body.body:
        case [
            cst.SimpleStatementLine(
                body=[cst.Expr(value=value) | cst.Return(value=cst.BaseExpression() as value) as line]
            )
        ]:
            awaited = isinstance(value, cst.Await)
            call = value.expression if isinstance(value, cst.Await) else value
            if isinstance(call, cst.Call):
                return call, awaited, isinstance(line, cst.Return)
        case _:
            pass
    raise UnfixableError("the method does more under the lock than call another one")


def _hands_on(found: LockingMethod, inner: cst.Call) -> bool:
    """Whether a call is one of a method of the same object, with all that the method was given and nothing else."""
    match inner.func:
        case cst.Attribute(value=cst.Name(value=name)) if name == found.object:
            pass
        case _:
            return False
    by_place, by_name = parameters(found.method)
    if any(arg.star or not isinstance(arg.value, cst.Name) for arg in inner.args):
        return False
    given = [arg.value.value for arg in inner.args if isinstance(arg.value, cst.Name)]
    words = [arg.keyword.value if arg.keyword is not None else None for arg in inner.args]
    places = [value for value, word in zip(given, words, strict=True) if word is None]
    named = {value for value, word in zip(given, words, strict=True) if word is not None and word == value}
    return given == [*by_place, *by_name] and places == by_place and named == set(by_name)


def _gives_all(found: LockingMethod) -> bool:
    """Whether the call gives everything, and by its place: names and defaults are those of the method that it calls."""
    by_place, by_name = parameters(found.method)
    args = found.call.args
    if any(arg.star for arg in args):
        return False
    words = [arg.keyword.value for arg in args if arg.keyword is not None]
    return len(args) - len(words) == len(by_place) and set(words) == set(by_name)
