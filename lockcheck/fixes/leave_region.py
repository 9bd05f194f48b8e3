"""A slow or waiting statement leaves the region of a lock: before it, behind it, or by splitting it in two."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.effects import Effects, assigned, independent, meet
from lockcheck.fixes.guarded import State, aliases, calls_back, inherited, reaches_in, state
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.snapshots import Snapshots, snapshots
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import LeaveRegion


@dataclass(frozen=True, slots=True)
class _Region:
    """A `with`, the statement of its body that is to leave, and what stands before and behind that.

    `locks` are what it takes; `handed` are the arguments in that statement that whoever is called deals with by itself.
    """

    statement: cst.With
    body: cst.IndentedBlock
    locks: tuple[str, ...]
    user: Statement
    before: tuple[Statement, ...]
    after: tuple[Statement, ...]
    handed: frozenset[cst.CSTNode]

    @property
    def lock(self) -> str:
        """The locks as a message names them."""
        return "` and `".join(self.locks)


def propose(tree: Tree, repair: LeaveRegion) -> Proposal:
    """Move the statement out where data flow allows, with a snapshot of what it needs of the guarded state.

    The order of what is done stays, unless what the statement passes changes nothing that others see: else a failure
    in between would leave another state behind than it does now. What is copied and then replaced under the lock is
    taken over in one step, and dealt with after that.
    """
    region = _region(tree, repair)
    known = state(tree, region.statement)
    before, after = Effects(region.before, known.methods), Effects(region.after, known.methods)
    moved = Effects([region.user], known.methods, region.handed)
    _refuse_tied(tree, region, moved, known)
    written = before.writes | after.writes
    copies = snapshots(
        tree,
        region.user,
        known,
        (known.changing | known.attributes(written) | inherited(tree, region.statement, moved.reads)) - known.mutated,
        known.mutated - moved.writes,
    )
    left = Effects([copies.user], known.methods, region.handed)
    if meet(known.shared(left.reads | left.writes), known.changing | known.mutated | known.variables | written):
        raise UnfixableError("it touches state that the lock guards")
    if repair.free and not (region.before or region.after or copies.lines):
        return _alone(region)
    return _placed(region, copies, _Flow(before, moved, left, after, Effects(copies.lines, known.methods)), known)


@dataclass(frozen=True, slots=True)
class _Flow:
    """What the parts of a region touch; `left` is the statement that leaves once it uses the copies."""

    before: Effects
    moved: Effects
    left: Effects
    after: Effects
    copied: Effects


def _placed(region: _Region, copies: Snapshots, flow: _Flow, known: State) -> Proposal:
    """Before the region, behind it, or between two halves of it."""
    before, after = flow.before, flow.after
    if not region.after:
        return _behind(region, copies)
    if not copies.lines and not flow.moved.leaves and _passes(flow.moved, before, known):
        return _ahead(region)
    if not flow.moved.leaves and _passes(flow.moved, after, known):
        return _behind(region, copies)
    replaced = known.shared(flow.copied.reads)
    taken_over = meet(replaced, known.shared(after.writes)) and not meet(replaced, known.shared(before.writes))
    if taken_over and not after.leaves and not after.acts and not flow.moved.leaves and independent(flow.left, after):
        return _behind(region, copies)
    seen = known.shared(before.reads | flow.copied.reads)
    changed = known.shared(after.writes)
    if meet(seen, changed) or meet(known.shared(before.writes), known.shared(after.reads | after.writes)):
        raise UnfixableError("what is done under the lock before and after it belongs together")
    if changed and before.acts:
        raise UnfixableError("what is done under the lock before it is noted under the lock after it")
    if changed and known.shared(before.reads) and meet(before.writes - known.shared(before.writes), after.reads):
        raise UnfixableError("what was read under the lock before it is used under the lock after it")
    if not (known.shared(after.reads | after.writes) or after.acts):
        return _followed(region, copies)
    return _split(region, copies)


def _refuse_tied(tree: Tree, region: _Region, moved: Effects, known: State) -> None:
    """Refuse a statement that stays tied to the guarded state, by whatever name."""
    code = tree.code(region.user)
    if any(lock in code for lock in region.locks):
        raise UnfixableError("the statement needs the lock itself")
    if _is_asked(tree, region.lock):
        raise UnfixableError("others ask whether the lock is held, and so whether this is under way")
    if all(_returns(each) for each in region.after) and _is_pause(region.user):
        raise UnfixableError("the lock is held for as long as others are to stay away")
    if calls_back(tree, region.statement):
        raise UnfixableError("the object that the method belongs to is not called `self`")
    bases = {_base(lock) for lock in region.locks} - {"", "self"}
    if meet(moved.reads | moved.writes, bases):
        raise UnfixableError("it touches the object whose lock is held")
    inside = [place for node in tree.inside(region.user) for place in assigned(node)]
    if any(place.startswith("self.") or place in known.variables for place in inside):
        raise UnfixableError("it assigns what the lock guards")
    replaced = {
        place for each in (*region.before, *region.after) for node in tree.inside(each) for place in _whole(node)
    }
    if meet(moved.reads, aliases(tree, region.statement, known, replaced)):
        raise UnfixableError("it touches state that the lock guards by another name")
    if reaches_in(tree, region.user, known):
        raise UnfixableError("it reads of an object out of the guarded state what others change of it")


def _is_asked(tree: Tree, lock: str) -> bool:
    """Whether `locked()` is asked of a lock of this name anywhere in the file."""
    name = lock.rpartition(".")[2]
    paths = (dotted(each) or "" for each in tree.inside(tree.module) if isinstance(each, cst.Attribute))
    return any(path.split(".")[-2:] == [name, "locked"] for path in paths)


def _returns(statement: Statement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Return)


def _is_pause(statement: Statement) -> bool:
    """Whether a statement sleeps for as long as somebody has set: that is a distance between two uses."""
    match statement:
        case cst.If(body=cst.IndentedBlock(body=[cst.SimpleStatementLine() as inner]), orelse=None):
            return _is_pause(inner)
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]):
            call = value.expression if isinstance(value, cst.Await) else value
        case _:
            return False
    if not isinstance(call, cst.Call) or (dotted(call.func) or "").rpartition(".")[2] != "sleep":
        return False
    return any(isinstance(each.value, cst.Attribute) for each in call.args)


def _whole(node: cst.CSTNode) -> list[str]:
    """The places that are assigned anew, so that what they held belongs to nobody else."""
    if isinstance(node, cst.AssignTarget) and not isinstance(node.target, cst.Subscript):
        return list(assigned(node))
    return []


def _passes(moved: Effects, other: Effects, known: State) -> bool:
    """Whether a statement may change places with others."""
    return (
        not other.leaves
        and not other.acts
        and not other.fails
        and not known.shared(other.writes)
        and independent(moved, other)
    )


def _region(tree: Tree, repair: LeaveRegion) -> _Region:
    _, statement = tree.item(repair.region.span)
    locks = [tree.expression(place.span) for place in (repair.region, *repair.beside)]
    items = [item.item for item in statement.items]
    plain = all(item.asname is None for item in statement.items)
    if not plain or any(item not in locks for item in items) or not isinstance(statement.body, cst.IndentedBlock):
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
    codes = tuple(tree.code(item) for item in items)
    handed = _handed(node, {_base(code) for code in codes}) if repair.foreign else ()
    return _Region(statement, statement.body, codes, body[place], before, after, frozenset(handed))


def _base(lock: str) -> str:
    """The object that a lock hangs on."""
    return lock.rpartition(".")[0]


def _handed(call: cst.CSTNode, bases: Collection[str]) -> Iterator[cst.CSTNode]:
    """The arguments of a call that are the object itself whose lock is held."""
    for arg in call.args if isinstance(call, cst.Call) else ():
        if dotted(arg.value) in bases:
            yield arg.value


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


def _followed(region: _Region, copies: Snapshots) -> Proposal:
    """Behind the region, with what comes after it: that has nothing to do with what the lock guards."""
    left = [*region.before, *copies.lines]
    if not left:
        raise UnfixableError("nothing would be left under the lock")
    how = "; copy what it needs while the lock is held" if copies.lines else ""
    message = f"do it after `{region.lock}` is released{how}"
    return Proposal("unsafe", message, {region.statement: [_with(region, left), copies.user, *region.after]})


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
