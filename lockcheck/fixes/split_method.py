"""What a method does under its lock becomes a method of its own, for those who hold the lock."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.locking_method import locking_method, parameters
from lockcheck.fixes.names import fresh
from lockcheck.fixes.parts import LINE, statement
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import SplitMethod


def propose(tree: Tree, repair: SplitMethod) -> Proposal:
    """Move the body of the region into a new method behind the old one; both callers call that."""
    found = locking_method(tree, repair)
    inside = list(tree.inside(found.region.body))
    if any(isinstance(each, cst.Yield) for each in inside) or not isinstance(found.region.body, cst.IndentedBlock):
        raise UnfixableError("the method is a generator")
    if any(isinstance(each, cst.Call) and tree.code(each) == "super()" for each in inside):
        raise UnfixableError("the method calls the one that it overrides")
    params = (*found.method.params.posonly_params, *found.method.params.params, *found.method.params.kwonly_params)
    if any(_is_made(tree, param.default) for param in params):
        raise UnfixableError("the new method would have a default of its own")
    name = fresh(tree, f"_{found.method.name.value.strip('_')}_unlocked")
    by_place, by_name = parameters(found.method)
    args = ", ".join([*by_place, *(f"{each}={each}" for each in by_name)])
    call = f"{found.object}.{name}({args})"
    call = f"await {call}" if found.method.asynchronous is not None else call
    returns = any(isinstance(each, cst.Return) and each.value is not None for each in inside)
    one = statement(f"return {call}" if returns else call)
    body = found.region.body
    region = found.region.with_changes(body=cst.IndentedBlock([one], header=body.header, indent=body.indent))
    method = tree.replaced(found.method, {found.region: region})
    variant = found.method.with_changes(
        name=cst.Name(name), body=body.with_changes(header=LINE), leading_lines=(cst.EmptyLine(indent=False),)
    )
    assert isinstance(found.call.func, cst.Attribute)
    changed: dict[cst.CSTNode, cst.CSTNode | list[cst.CSTNode]] = {
        found.call.func: found.call.func.with_changes(attr=cst.Name(name)),
        found.method: [method, variant],
    }
    return Proposal("unsafe", f"do it by a new method `{name}`, which does not take the lock", changed)


def _is_made(tree: Tree, default: cst.BaseExpression | None) -> bool:
    """Whether a default is made where the method is defined: two definitions would have two."""
    made = (cst.Call, cst.List, cst.Dict, cst.Set, cst.BaseComp, cst.Lambda, cst.NamedExpr)
    return default is not None and any(isinstance(each, made) for each in tree.inside(default))
