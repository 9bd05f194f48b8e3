"""What a statement that leaves a region needs of the state that the lock guards, copied while it is still held."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.names import dotted, fresh, plain
from lockcheck.fixes.parts import statement
from lockcheck.fixes.tree import Statement, Tree

_COPIES = frozenset({"list", "tuple", "sorted", "set", "dict", "frozenset"})


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The lines that copy, and the statement that uses the copies."""

    lines: tuple[Statement, ...]
    user: Statement


def snapshots(tree: Tree, user: Statement, changing: Collection[str], mutated: Collection[str]) -> Snapshots:
    """Copy what a statement iterates over of `self`, and what it reads of the attributes that change.

    Of an attribute that is assigned anew the object is kept, of one whose contents change a copy is made.
    """
    taken: dict[str, str] = {}
    names: list[str] = []
    lines: list[Statement] = []
    changes: dict[cst.CSTNode, cst.CSTNode] = {}
    for loop in _loops(user):
        source = _shared(loop.iter)
        if source is not None and loop.asynchronous is None:
            name = fresh(tree, plain(source), user, names)
            names.append(name)
            lines.append(statement(f"{name} = {_copy(tree, loop.iter)}"))
            changes[loop.iter] = cst.Name(name)
    for node in _loads(user, changes):
        path = dotted(node)
        if path is not None and (path in changing or path in mutated):
            if path not in taken:
                taken[path] = fresh(tree, plain(node.attr.value), user, names)
                names.append(taken[path])
                copied = ".copy()" if path in mutated else ""
                lines.append(statement(f"{taken[path]} = {path}{copied}"))
            changes[node] = cst.Name(taken[path])
    new = tree.replaced(user, changes)
    return Snapshots(tuple(lines), new if isinstance(new, cst.BaseStatement) else user)


def _loops(node: cst.CSTNode) -> Iterator[cst.For]:
    for each in _here(node):
        if isinstance(each, cst.For):
            yield each


def _loads(node: cst.CSTNode, but: Collection[cst.CSTNode]) -> Iterator[cst.Attribute]:
    """The attributes of `self` that are read here."""
    pending = [node]
    while pending:
        each = pending.pop()
        if each in but or isinstance(each, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            continue
        match each:
            case cst.Attribute(value=cst.Name(value="self")):
                yield each
            case _:
                pending.extend(reversed(each.children))


def _here(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What runs when a statement does."""
    pending = [node]
    while pending:
        each = pending.pop()
        if not isinstance(each, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            yield each
            pending.extend(reversed(each.children))


def _shared(iterable: cst.BaseExpression) -> str | None:
    """The attribute that an iterable is made of, if it is one of `self`."""
    for each in _here(iterable):
        match each:
            case cst.Attribute(value=cst.Name(value="self"), attr=attr):
                return attr.value
            case _:
                pass
    return None


def _copy(tree: Tree, iterable: cst.BaseExpression) -> str:
    code = tree.code(iterable)
    match iterable:
        case cst.Call(func=cst.Name(value=name)) if name in _COPIES:
            return code
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="copy"))):
            return code
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Slice())]):
            return code
        case _:
            return f"list({code})"
