"""A method that does all it does under a lock of its own object, and a call of it by who holds that lock."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.names import dotted
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import CallUnlocked, SplitMethod


@dataclass(frozen=True, slots=True)
class LockingMethod:
    """The call, the method that is called, and the region that is all of it but the docstring.

    `object` is what the method calls its own object.
    """

    call: cst.Call
    method: cst.FunctionDef
    region: cst.With
    object: str


def locking_method(tree: Tree, repair: CallUnlocked | SplitMethod) -> LockingMethod:
    """Find the method, which must be one of the very class in which its object calls it."""
    if repair.place.path != repair.taken.path:
        raise UnfixableError("the method stands in another file")
    item, region = tree.item(repair.taken.span)
    method = tree.function(region)
    call = tree.call(repair.place.span)
    caller = tree.function(call)
    if not isinstance(method, cst.FunctionDef) or not isinstance(caller, cst.FunctionDef) or caller is method:
        raise UnfixableError("the lock is not taken by another method")
    owner = tree.parent(tree.parent(method) or method)
    if not isinstance(owner, cst.ClassDef) or tree.parent(tree.parent(caller) or caller) is not owner:
        raise UnfixableError("the two methods are not of one class")
    names = [_object(each) for each in (method, caller)]
    match call.func:
        case cst.Attribute(value=cst.Name(value=name), attr=attr) if (
            attr.value == method.name.value and name == names[1]
        ):
            pass
        case _:
            raise UnfixableError("the method is not called by its name on the object")
    body = list(method.body.body)
    body = body[1:] if method.get_docstring() is not None else body
    if len(region.items) > 1 or item.asname is not None or body != [region] or names[0] is None:
        raise UnfixableError("the method does more than what it does under the lock")
    if method.decorators or (dotted(item.item) or "").partition(".")[0] != names[0]:
        raise UnfixableError("the lock is not one of the object")
    return LockingMethod(call, method, region, names[0])


def _object(method: cst.FunctionDef) -> str | None:
    first = [*method.params.posonly_params, *method.params.params][:1]
    return first[0].name.value if first else None


def parameters(method: cst.FunctionDef) -> tuple[list[str], list[str]]:
    """The names of a method's parameters that are given by place, its object left out, and those given by name only."""
    params = method.params
    by_place = [param.name.value for param in (*params.posonly_params, *params.params)][1:]
    if isinstance(params.star_arg, cst.Param) or params.star_kwarg is not None:
        raise UnfixableError("the method takes any number of arguments")
    return by_place, [param.name.value for param in params.kwonly_params]
