"""A call that a region comes to under conditions is made after the region, if it came to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import libcst as cst

from lockcheck.fixes.effects import Effects, assigned, meet
from lockcheck.fixes.guarded import State, calls_back, state
from lockcheck.fixes.names import dotted, fresh, plain
from lockcheck.fixes.parts import comments, leading, statement, with_leading
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import DoLater


@dataclass(frozen=True, slots=True)
class _Deferred:
    """The region, the call and its line; `always`: whoever comes to the end of the region came to the call."""

    region: cst.With
    line: cst.SimpleStatementLine
    call: cst.Call
    always: bool


def propose(tree: Tree, repair: DoLater) -> Proposal:
    """Keep what the call is made on, or that it is wanted, and make the call behind the region."""
    found = _found(tree, repair)
    known = state(tree, found.region)
    func = found.call.func
    receiver = dotted(func.value) if isinstance(func, cst.Attribute) else None
    if not isinstance(func, cst.Attribute) or receiver is None or calls_back(tree, found.region):
        raise UnfixableError("it is not a method of something that has a name")
    _refuse_tied(tree, found, known, receiver)
    if "." in receiver:
        name = fresh(tree, plain(receiver.rpartition(".")[2]), found.region)
        kept, nothing, asked = receiver, "None", f"{name} is not None"
        call = found.call.with_changes(func=func.with_changes(value=cst.Name(name)))
    else:
        name = fresh(tree, f"{plain(func.attr.value)}_later", found.region)
        kept, nothing, asked = "True", "False", name
        call = found.call
    after: Statement = found.line.with_changes(body=[cst.Expr(call)], leading_lines=())
    changes: list[Statement] = []
    if not found.always or "." not in receiver:
        changes.append(with_leading(statement(f"{name} = {nothing}"), _blank(found.region)))
        after = cst.If(cst.parse_expression(asked), cst.IndentedBlock([after]))
    mark = with_leading(statement(f"{name} = {kept}"), leading(found.line))
    region = tree.replaced(found.region, {found.line: mark})
    if changes:
        region = region.with_changes(leading_lines=comments(leading(found.region)))
    assert isinstance(region, cst.With)
    lock = tree.code(found.region.items[0].item)
    message = f"do it after `{lock}` is released, where it is to be done"
    return Proposal("unsafe", message, {found.region: [*changes, region, after]})


def _found(tree: Tree, repair: DoLater) -> _Deferred:
    item, region = tree.item(repair.region.span)
    if len(region.items) > 1 or item.asname is not None or not isinstance(region.body, cst.IndentedBlock):
        raise UnfixableError("the `with` does more than take the lock")
    call = tree.call(repair.place.span)
    line = tree.statement(call)
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if value is call:
            pass
        case _:
            raise UnfixableError("its result is looked at")
    tree.block(region)
    tree.block(line)
    above = list(tree.around(line))
    if region not in above:
        raise UnfixableError("it is not in the region")
    inside = [each for each in above[: above.index(region)] if each is not region.body]
    if any(not isinstance(each, cst.If | cst.Else | cst.Try | cst.IndentedBlock) for each in inside):
        raise UnfixableError("it is inside of something else in the region")
    if any(isinstance(outer, cst.Try) and outer.handlers and each is outer.body for each, outer in pairwise(inside)):
        raise UnfixableError("what it raises is handled in the region")
    behind = list(tree.inside(region.body))
    behind = behind[behind.index(line) :]
    if any(isinstance(each, cst.Return | cst.Break | cst.Continue | cst.Raise) for each in behind):
        raise UnfixableError("the region may be left after it")
    func = call.func.value if isinstance(call.func, cst.Attribute) else call.func
    if _is_asked(behind[len(list(tree.inside(line))) :], dotted(func)):
        raise UnfixableError("what comes after it asks what has become of it")
    return _Deferred(region, line, call, not inside)


def _is_asked(behind: Sequence[cst.CSTNode], receiver: str | None) -> bool:
    """Whether something of what a call is made on is looked at before it is replaced."""
    for each in behind:
        match each:
            case cst.AssignTarget(target=target) if dotted(target) == receiver:
                return False
            case cst.Attribute(value=value) if dotted(value) == receiver and receiver != "self":
                return True
            case _:
                pass
    return False


def _refuse_tied(tree: Tree, found: _Deferred, known: State, receiver: str) -> None:
    """Refuse a call that needs the region: for its arguments, or for what it does itself to guarded state."""
    if any(not _is_constant(arg.value) for arg in found.call.args):
        raise UnfixableError("it is given something that may change in the region")
    function = tree.function(found.region)
    if "." not in receiver and (function is None or receiver in _bound(tree, function)):
        raise UnfixableError(f"`{receiver}` may be something else behind the region")
    lock = tree.code(found.region.items[0].item)
    if lock.startswith(f"{receiver}.") and receiver != "self":
        raise UnfixableError("it touches the object whose lock is held")
    if receiver == "self":
        method = (
            known.methods.definition(found.call.func.attr.value) if isinstance(found.call.func, cst.Attribute) else None
        )
        if method is None:
            raise UnfixableError("it is not known what it touches")
        loose = Effects(_outside(tree, method.body.body, lock), known.methods)
        if meet(known.shared(loose.reads | loose.writes), known.changing | known.mutated | known.variables):
            raise UnfixableError("it touches state that the lock guards")


def _outside(tree: Tree, body: Sequence[cst.CSTNode], lock: str) -> Iterator[cst.CSTNode]:
    """The statements of a body that stand in no region of the lock."""
    for each in body:
        if not (isinstance(each, cst.With) and [tree.code(item.item) for item in each.items] == [lock]):
            yield each


def _bound(tree: Tree, function: cst.CSTNode) -> set[str]:
    return {place for each in tree.inside(function) for place in assigned(each)}


def _is_constant(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.BaseNumber | cst.SimpleString) or (
        isinstance(value, cst.Name) and value.value in {"True", "False", "None"}
    )


def _blank(node: cst.CSTNode) -> list[cst.EmptyLine]:
    return [line for line in leading(node) if line.comment is None]
