"""A slow or waiting statement leaves the region of a lock: before it, behind it, or by splitting it in two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.effects import Effects, Methods, assigned, independent, meet, mutated
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.snapshots import Snapshots, snapshots
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import LeaveRegion


@dataclass(frozen=True, slots=True)
class _Region:
    """A `with`, the statement of its body that is to leave, and what stands before and behind that."""

    statement: cst.With
    body: cst.IndentedBlock
    lock: str
    user: Statement
    before: tuple[Statement, ...]
    after: tuple[Statement, ...]


def propose(tree: Tree, repair: LeaveRegion) -> Proposal:
    """Move the statement out where data flow allows, with a snapshot of what it needs of the guarded state.

    The order of what is done stays, unless what the statement passes changes nothing that others see: else a failure
    in between would leave another state behind than it does now. What is copied and then replaced under the lock is
    taken over in one step, and dealt with after that.
    """
    region = _region(tree, repair)
    state = _state(tree, region.statement)
    if region.lock in tree.code(region.user):
        raise UnfixableError("the statement needs the lock itself")
    before, after = Effects(region.before, state.methods), Effects(region.after, state.methods)
    written = before.writes | after.writes
    moved = Effects([region.user], state.methods)
    copies = snapshots(
        tree, region.user, (state.changing | _attributes(written)) - state.mutated, state.mutated - moved.writes
    )
    left = Effects([copies.user], state.methods)
    if meet(_shared(left.reads | left.writes), state.changing | state.mutated | _shared(written)):
        raise UnfixableError("it touches state that the lock guards")
    if any(place.startswith("self.") for node in tree.inside(region.user) for place in assigned(node)):
        raise UnfixableError("it assigns what the lock guards")
    if repair.free and not (region.before or region.after or copies.lines):
        return _alone(region)
    if not region.after:
        return _behind(region, copies)
    if not region.before and not copies.lines and not moved.leaves:
        return _ahead(region)
    if not copies.lines and not moved.leaves and _passes(moved, before):
        return _ahead(region)
    if not moved.leaves and _passes(moved, after):
        return _behind(region, copies)
    copied = Effects(copies.lines, state.methods)
    if meet(_shared(copied.reads), _shared(after.writes)) and not after.leaves and independent(left, after):
        return _behind(region, copies)
    seen = _shared(before.reads | copied.reads)
    if meet(seen, _shared(after.writes)) or meet(_shared(before.writes), _shared(after.reads)):
        raise UnfixableError("what is done under the lock before and after it belongs together")
    return _split(region, copies)


def _passes(moved: Effects, other: Effects) -> bool:
    """Whether a statement may change places with others."""
    return not other.leaves and not _shared(other.writes) and independent(moved, other)


@dataclass(frozen=True, slots=True)
class _State:
    """Of a class its methods, and the attributes that are assigned, or changed inside, after construction."""

    methods: Methods
    changing: frozenset[str]
    mutated: frozenset[str]


def _region(tree: Tree, repair: LeaveRegion) -> _Region:
    item, statement = tree.item(repair.region.span)
    if len(statement.items) > 1 or item.asname is not None or not isinstance(statement.body, cst.IndentedBlock):
        raise UnfixableError("the `with` does more than take the lock")
    node = tree.node(repair.place.span)
    inside = [node, *tree.around(node)]
    if statement not in inside:
        raise UnfixableError("it is not in the region")
    body = list(statement.body.body)
    place = next((i for i, each in enumerate(body) if each in inside), None)
    if place is None:
        raise UnfixableError("it is not in the region")
    for each in inside[: inside.index(statement)]:
        if isinstance(each, cst.FunctionDef | cst.Lambda) or (isinstance(each, cst.With) and each is not body[place]):
            raise UnfixableError("it is inside of something else in the region")
    tree.block(statement)
    before, after = tuple(body[:place]), tuple(body[place + 1 :])
    return _Region(statement, statement.body, tree.code(item.item), body[place], before, after)


def _alone(region: _Region) -> Proposal:
    above = region.statement.leading_lines
    user = region.user.with_changes(leading_lines=(*above, *_comments(region.user)))
    return Proposal("unsafe", f"do it without `{region.lock}`", {region.statement: [user]})


def _ahead(region: _Region) -> Proposal:
    above = region.statement.leading_lines
    user = region.user.with_changes(leading_lines=(*above, *_comments(region.user)))
    rest = _with(region, [*region.before, *region.after]).with_changes(leading_lines=())
    return Proposal("unsafe", f"do it before `{region.lock}` is taken", {region.statement: [user, rest]})


def _behind(region: _Region, copies: Snapshots) -> Proposal:
    left = [*region.before, *copies.lines, *region.after]
    if not left:
        raise UnfixableError("nothing would be left under the lock")
    how = "; copy what it needs while the lock is held" if copies.lines else ""
    message = f"do it after `{region.lock}` is released{how}"
    return Proposal("unsafe", message, {region.statement: [_with(region, left), copies.user]})


def _split(region: _Region, copies: Snapshots) -> Proposal:
    left = [*region.before, *copies.lines]
    second = _with(region, region.after).with_changes(leading_lines=())
    parts: list[Statement] = [copies.user, second]
    if left:
        first = _with(region, left)
        first = first.with_changes(body=first.body.with_changes(footer=()))
        parts = [first, *parts]
    else:
        parts[0] = copies.user.with_changes(leading_lines=(*region.statement.leading_lines, *_comments(copies.user)))
    return Proposal("unsafe", f"release `{region.lock}` while it is done", {region.statement: parts})


def _with(region: _Region, body: Sequence[Statement]) -> cst.With:
    """The region around another body, which begins with no empty line."""
    first, *rest = body
    first = first.with_changes(leading_lines=_comments(first)) if first is not region.body.body[0] else first
    return region.statement.with_changes(body=region.body.with_changes(body=[first, *rest]))


def _comments(node: cst.CSTNode) -> list[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(node, "leading_lines", ())
    return [line for line in lines if line.comment is not None]


def _state(tree: Tree, node: cst.CSTNode) -> _State:
    """What is known of the class around a node."""
    owner = next((each for each in tree.around(node) if isinstance(each, cst.ClassDef)), None)
    if owner is None:
        return _State(Methods({}), frozenset(), frozenset())
    methods = {each.name.value: each for each in owner.body.body if isinstance(each, cst.FunctionDef)}
    attributes = {place for each in tree.inside(owner) for place in assigned(each)}
    later = [each for name, each in methods.items() if name not in ("__init__", "__new__", "__post_init__")]
    inside = [node for method in later for node in tree.inside(method)]
    changing = {place for each in inside for place in assigned(each)}
    contents = {place for each in inside if (place := mutated(each)) is not None}
    return _State(Methods(methods, attributes), _attributes(changing - contents), _attributes(contents))


def _attributes(places: Iterable[str]) -> frozenset[str]:
    """Of some places the attributes of `self` themselves."""
    return frozenset(place for place in places if place.startswith("self.") and place.count(".") == 1)


def _shared(places: Iterable[str]) -> frozenset[str]:
    """Of some places those that other threads see."""
    return frozenset(place for place in places if place == "self" or place.startswith("self."))
