"""A lock that a region comes to take behind a call is taken before the region, as it is done elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.effects import assigned
from lockcheck.fixes.guarded import makes
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import TakeFirst


def propose(tree: Tree, repair: TakeFirst) -> Proposal:
    """Put the lock before the one of the region, in the same `with`; its holder may take it again."""
    item, statement = tree.item(repair.region.span)
    if statement.asynchronous is not None:
        raise UnfixableError("the two are not taken alike")
    held = tree.code(item.item)
    if any(_waits(tree, each, held) for each in tree.inside(statement.body)):
        raise UnfixableError("the region gives its own lock back while it waits, and would keep the other one")
    root, *words = repair.lock.split(".")
    function = tree.function(statement)
    if function is not None and any(root in assigned(each) for each in tree.inside(function.body)):
        raise UnfixableError(f"`{root}` is something else there")
    if words and root != "self" and isinstance(function, cst.FunctionDef) and not _is_given(tree, function, root):
        raise UnfixableError(f"`{root}` may be nothing")
    for word in words[:-1]:
        if not _is_there(tree, word) or (word == words[0] and root == "self" and not _is_own(tree, statement, word)):
            raise UnfixableError(f"it is not known whether `{word}` is there when the region begins")
    new = cst.WithItem(cst.parse_expression(repair.lock), comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    return Proposal("unsafe", f"take `{repair.lock}` before `{held}`, as it is done elsewhere", {item: [new, item]})


def _waits(tree: Tree, node: cst.CSTNode, held: str) -> bool:
    """Whether a condition that may be the region's own is waited on here."""
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value="wait" | "wait_for"))):
            return tree.code(value) == held
        case _:
            return False


def _is_there(tree: Tree, word: str) -> bool:
    """Whether an attribute is only ever assigned where objects are made, and not to nothing."""
    found = list(_assignments(tree, word))
    return bool(found) and all(
        function is not None and makes(function) and _is_something(tree, value, function) for function, value in found
    )


def _is_own(tree: Tree, node: cst.CSTNode, word: str) -> bool:
    """Whether the class around a node gives its objects an attribute itself."""
    owner = next((each for each in tree.around(node) if isinstance(each, cst.ClassDef)), None)
    return owner is not None and any(f"self.{word}" in assigned(each) for each in tree.inside(owner))


def _assignments(tree: Tree, word: str) -> Iterator[tuple[cst.FunctionDef | None, cst.BaseExpression | None]]:
    for node in tree.inside(tree.module):
        match node:
            case cst.Attribute(attr=cst.Name(value=name)) if name == word:
                pass
            case _:
                continue
        target = tree.parent(node)
        statement = tree.parent(target) if isinstance(target, cst.AssignTarget) else target
        function = tree.function(node)
        around = function if isinstance(function, cst.FunctionDef) else None
        match statement:
            case cst.Assign(value=value) if isinstance(target, cst.AssignTarget):
                yield around, value
            case cst.AnnAssign(target=assigned, value=value) if assigned is node:
                yield around, value
            case cst.AugAssign(target=assigned) | cst.For(target=assigned) | cst.NamedExpr(target=assigned):
                if assigned is node:
                    yield around, None
            case cst.Del() | cst.Element() | cst.AsName():
                yield around, None
            case _:
                pass


def _is_something(tree: Tree, value: cst.BaseExpression | None, function: cst.FunctionDef) -> bool:
    """Whether a value is an object: made here, or given by whoever makes the object that keeps it."""
    match value:
        case cst.Name(value=name):
            return _is_given(tree, function, name)
        case cst.Call(func=func):
            return dotted(func) is not None
        case _:
            return False


def _is_given(tree: Tree, function: cst.FunctionDef, name: str) -> bool:
    """Whether a parameter always has a value, which is not said to be None for some."""
    params = [*function.params.posonly_params, *function.params.params, *function.params.kwonly_params]
    found = next((param for param in params if param.name.value == name), None)
    if found is None or found.default is not None:
        return False
    words = tree.inside(found.annotation) if found.annotation is not None else ()
    names = [word.value for word in words if isinstance(word, cst.Name | cst.SimpleString)]
    return not any("None" in name or "Optional" in name for name in names)
