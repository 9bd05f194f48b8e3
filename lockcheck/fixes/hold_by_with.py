"""`acquire` … `release` in one block becomes `with`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.effects import Effects, assigned
from lockcheck.fixes.parts import as_lines, comments, leading, region
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.findings import Applicability
from lockcheck.model.repairs import HoldByWith


@dataclass(frozen=True, slots=True)
class _Taken:
    """The statement that takes a lock, the lock as it is spelled there, and whether it is awaited."""

    statement: cst.SimpleStatementLine
    lock: cst.BaseExpression
    asynchronous: bool


def propose(tree: Tree, repair: HoldByWith) -> Proposal:
    """Make a region of what follows an acquisition, up to its release.

    Safe where `try` … `finally: release()` follows at once: this means the same. Otherwise what raises in between
    gives the lock back now, which it did not.
    """
    taken = _taken(tree, tree.call(repair.place.span))
    refuse_other(tree, taken.lock, ())
    _, after = tree.neighbours(taken.statement)
    name = tree.code(taken.lock)
    for count, each in enumerate(after):
        if isinstance(each, cst.Try) and _releases_at_the_end(tree, each, taken):
            inside = [*after[:count], *_without_finally(each)]
            inside = _without_releases(tree, inside, taken)
            message = f"hold `{name}` by `with`"
            footer = _finals(each)
            return _proposal(taken, inside, after[: count + 1], footer, "safe" if count == 0 else "unsafe", message)
        if _is_release(tree, each, taken):
            if count == 0:
                raise UnfixableError("nothing happens while it is held")
            inside = _without_releases(tree, after[:count], taken)
            footer = [*leading(each), *as_lines(_trailing(each))]
            return _proposal(taken, inside, after[: count + 1], footer, "unsafe", f"hold `{name}` by `with`")
    raise UnfixableError("no `release()` of it stands in the same block")


def _proposal(
    taken: _Taken,
    inside: Sequence[Statement],
    gone: Sequence[Statement],
    footer: Sequence[cst.EmptyLine],
    applicability: Applicability,
    message: str,
) -> Proposal:
    new = region(
        taken.lock,
        inside,
        asynchronous=taken.asynchronous,
        lines=taken.statement.leading_lines,
        trailing=taken.statement.trailing_whitespace,
        footer=comments(footer),
    )
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {taken.statement: [new]}
    changes.update({each: [] for each in gone})
    return Proposal(applicability, message, changes)


def _taken(tree: Tree, call: cst.Call) -> _Taken:
    statement = tree.statement(call)
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        raise UnfixableError("the acquisition is not a statement of its own")
    small = statement.body[0]
    value = small.value if isinstance(small, cst.Expr) else None
    awaited = isinstance(value, cst.Await)
    inner = value.expression if isinstance(value, cst.Await) else value
    if inner is not call or not isinstance(call.func, cst.Attribute):
        raise UnfixableError("the acquisition is not a statement of its own")
    if any(arg.keyword is None or tree.code(arg.value) != "True" for arg in call.args):
        raise UnfixableError("the acquisition may fail")
    return _Taken(statement, call.func.value, awaited)


def _is_release(tree: Tree, node: cst.CSTNode, taken: _Taken) -> bool:
    match node:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.Call(func=cst.Attribute(value=lock, attr=name), args=[]))]
        ):
            return name.value == "release" and tree.code(lock) == tree.code(taken.lock)
        case _:
            return False


def _releases_at_the_end(tree: Tree, node: cst.Try, taken: _Taken) -> bool:
    if node.finalbody is None or not isinstance(node.finalbody.body, cst.IndentedBlock):
        return False
    body = node.finalbody.body.body
    return len(body) == 1 and _is_release(tree, body[0], taken)


def _without_finally(node: cst.Try) -> list[Statement]:
    """What stays of a `try` without its `finally`."""
    if node.handlers:
        return [node.with_changes(finalbody=None)]
    if not isinstance(node.body, cst.IndentedBlock):
        raise UnfixableError("the `try` shares its line with its body")
    body: list[Statement] = list(node.body.body)
    above = comments([*node.leading_lines, *as_lines(node.body.header)])
    first = body[0]
    body[0] = first.with_changes(leading_lines=(*above, *comments(leading(first))))
    return body


def _finals(node: cst.Try) -> list[cst.EmptyLine]:
    """The comments that stood about the release."""
    final = node.finalbody
    found = list(node.body.footer) if isinstance(node.body, cst.IndentedBlock) and not node.handlers else []
    if final is None or not isinstance(final.body, cst.IndentedBlock):
        return found
    found += [*final.leading_lines, *as_lines(final.body.header)]
    for each in final.body.body:
        found += [*leading(each), *as_lines(_trailing(each))]
    return [*found, *final.body.footer]


def _trailing(node: cst.CSTNode) -> cst.TrailingWhitespace:
    whitespace: cst.TrailingWhitespace = getattr(node, "trailing_whitespace", cst.TrailingWhitespace())
    return whitespace


def _without_releases(tree: Tree, inside: Sequence[Statement], taken: _Taken) -> list[Statement]:
    """The body of a region gives the lock back by itself: what did so right before it left is dropped."""
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {}
    for each in (node for statement in inside for node in tree.inside(statement)):
        match each:
            case cst.IndentedBlock(body=[*_, release, cst.SimpleStatementLine(body=[cst.Return()]) as last]):
                if _is_release(tree, release, taken):
                    above = comments([*leading(release), *as_lines(_trailing(release))])
                    changes[release] = []
                    changes[last] = [last.with_changes(leading_lines=(*above, *last.leading_lines))]
            case _:
                pass
    kept = [new for each in inside if isinstance(new := tree.replaced(each, changes), cst.BaseStatement)]
    name = tree.code(taken.lock)
    refuse_other(tree, taken.lock, inside)
    text = "".join(tree.code(each) for each in kept)
    if f"{name}.release" in text or f"{name}.acquire" in text:
        raise UnfixableError("it is released or taken again in between")
    return kept


def refuse_other(tree: Tree, lock: cst.BaseExpression, inside: Iterable[cst.CSTNode]) -> None:
    """Refuse a lock whose expression may be another one behind what is done while it is held."""
    if any(isinstance(each, cst.Call) for each in tree.inside(lock)):
        raise UnfixableError("which lock it is is asked anew each time")
    nodes = (node for each in inside for node in tree.inside(each))
    if _is_changed({place for node in nodes for place in assigned(node)}, Effects([lock]).reads):
        raise UnfixableError("what is released is not what was taken")


def _is_changed(written: Collection[str], spelled: Collection[str]) -> bool:
    """Whether an expression of some places means something else once others were assigned."""
    return any(place == other or place.startswith(f"{other}.") for place in spelled for other in written)
