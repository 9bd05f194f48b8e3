"""What a statement that leaves a region needs of the state that the lock guards, copied while it is still held."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.guarded import State
from lockcheck.fixes.names import dotted, fresh, plain
from lockcheck.fixes.nodes import children
from lockcheck.fixes.parts import statement
from lockcheck.fixes.tree import Statement, Tree, UnfixableError

_COPIES = frozenset({"list", "tuple", "sorted", "set", "dict", "frozenset"})
_FINITE = _COPIES | {"enumerate", "zip", "reversed"}
_SURE = frozenset({"list", "tuple", "set", "frozenset", "dict", "len", "bool"})
"""What copies or measures a collection without comparing its elements: that can't fail."""

_VIEWS = frozenset({"items", "keys", "values", "copy"})
_READING = frozenset({"items", "keys", "values", "copy", "get"})
_OF_BOTH_PYTHONS = frozenset(
    {"six.iteritems", "six.iterkeys", "six.itervalues", "six.viewitems", "six.viewkeys", "six.viewvalues"}
)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The lines that copy, and the statement that uses the copies."""

    lines: tuple[Statement, ...]
    user: Statement


def snapshots(
    tree: Tree, user: Statement, known: State, changing: Collection[str], mutated: Collection[str]
) -> Snapshots:
    """Copy what a statement iterates over of the guarded state, and what it reads of the attributes that change.

    Of an attribute that is assigned anew the object is kept, of one whose contents change a copy is made: that is done
    whether the statement comes to need it or not, so it is done only where it can't fail.
    """
    taken: dict[str, str] = {}
    names: list[str] = []
    lines: list[Statement] = []
    changes: dict[cst.CSTNode, cst.CSTNode] = {}
    if isinstance(user, cst.For) and user.asynchronous is None:
        source = _source(user.iter, known)
        if source is not None and _is_finite(user.iter):
            if source in known.deep and _iterates(user.body):
                raise UnfixableError("what it iterates over holds collections that change as well")
            name = fresh(tree, plain(source.rpartition(".")[2]), user, names)
            names.append(name)
            lines.append(statement(f"{name} = {_copy(tree, user.iter)}"))
            changes[user.iter] = cst.Name(name)
    for node in _loads(user, changes):
        path = dotted(node)
        if path is not None and (path in changing or path in mutated):
            if path in mutated and _is_handed_out(tree, node):
                raise UnfixableError("it hands out what the lock guards")
            if path in mutated and (path not in known.collections or path in known.deep):
                raise UnfixableError("it is not known how to copy what it reads")
            value = _copied(tree, node) if path in mutated else node
            code = tree.code(value)
            if code not in taken or value is not node:
                taken[code] = fresh(tree, plain(node.attr.value), user, names)
                names.append(taken[code])
                copied = ".copy()" if path in mutated and value is node else ""
                lines.append(statement(f"{taken[code]} = {code}{copied}"))
            changes[value] = cst.Name(taken[code])
    if taken and any(isinstance(each, cst.While) for each in tree.inside(user)):
        raise UnfixableError("a loop would not see what changes meanwhile")
    new = tree.replaced(user, changes)
    return Snapshots(tuple(lines), new if isinstance(new, cst.BaseStatement) else user)


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
                pending.extend(reversed(children(each)))


def _copied(tree: Tree, node: cst.Attribute) -> cst.BaseExpression:
    """What makes a copy of a collection where it is read, of its views too; the collection where nothing does."""
    read: cst.CSTNode = node
    match tree.parent(node), tree.parent(tree.parent(node) or node):
        case cst.Attribute(attr=cst.Name(value=name)), cst.Call(args=[]) as call if name in _VIEWS:
            read = call
            if name == "copy":
                return call
        case _:
            pass
    match tree.parent(read), tree.parent(tree.parent(read) or read):
        case cst.Arg(keyword=None, star=""), cst.Call(func=cst.Name(value=name), args=[_]) as call if name in _SURE:
            return call
        case _:
            return node


def _is_handed_out(tree: Tree, node: cst.CSTNode) -> bool:
    """Whether a value is what a statement returns, yields or assigns: somebody keeps it, who would have a copy."""
    for each in tree.around(node):
        match each:
            case cst.Return() | cst.Yield() | cst.Assign() | cst.AnnAssign() | cst.NamedExpr():
                return True
            case cst.Tuple() | cst.List() | cst.BaseElement() | cst.Dict() | cst.BaseDictElement() | cst.IfExp():
                continue
            case cst.BooleanOperation():
                continue
            case _:
                return False
    return False


def _source(iterable: cst.CSTNode, known: State) -> str | None:
    """The place that an iterable is made of, if it is one that other threads see."""
    match iterable:
        case cst.Name(value=value):
            return value if value in known.variables else None
        case cst.Attribute():
            path = dotted(iterable)
            return path if path is not None and known.shared([path]) else None
        case cst.Call(func=cst.Attribute(value=value), args=args):
            inside: list[cst.CSTNode] = [value, *args]
        case cst.Lambda() | cst.BaseComp():
            return None
        case _:
            inside = children(iterable)
    return next((found for each in inside if (found := _source(each, known)) is not None), None)


def _is_finite(iterable: cst.BaseExpression) -> bool:
    """Whether all of an iterable can be taken at once: it has an end, and asking for it waits for nothing."""
    match iterable:
        case cst.Name() | cst.Attribute():
            return dotted(iterable) is not None
        case cst.Subscript(value=value):
            return _is_finite(value)
        case cst.Call(func=cst.Name(value=name), args=args):
            return name in _FINITE and all(arg.keyword is not None or _is_finite(arg.value) for arg in args)
        case cst.Call(func=func, args=[cst.Arg(value=value)]) if dotted(func) in _OF_BOTH_PYTHONS:
            return _is_finite(value)
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=name))):
            return name in _READING and _is_finite(value)
        case _:
            return False


def _iterates(body: cst.CSTNode) -> bool:
    """Whether there is a loop in this."""
    pending = [body]
    while pending:
        each = pending.pop()
        if isinstance(each, cst.For | cst.CompFor):
            return True
        pending.extend(children(each))
    return False


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
