"""The types that are written for a lock: beside its value, in the body of its class, in another line of the module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import libcst as cst

from lockcheck.fixes.tree import Tree, UnfixableError

Retyped: TypeAlias = "dict[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]]"


def retyped(
    tree: Tree,
    value: cst.BaseExpression,
    is_old: Callable[[cst.CSTNode], bool],
    new: cst.BaseExpression,
    *,
    is_class: bool,
) -> Retyped:
    """What changes where the types of an assigned value name the kind of lock that it had; a type is named once in each.

    A text that is a type is one afterwards. Where `A | None` would be evaluated it becomes a text, unless what makes the
    lock is a class: a function knows no `|`.
    """
    changes: Retyped = {}
    for annotation in _annotations(tree, value):
        whole = annotation.annotation
        old = [node for node in tree.inside(whole) if is_old(node) and not _is_behind_a_dot(tree, node)]
        quoted = [node for node in tree.inside(whole) if isinstance(node, cst.SimpleString)]
        texts = [(node, text) for node in quoted if (text := _text(node, is_old, new)) is not None]
        if len(old) + len(texts) > 1:
            raise UnfixableError("its type names several locks")
        changes.update(texts)
        for node in old:
            united = any(isinstance(each, cst.BinaryOperation) for each in tree.inside(whole))
            if united and not is_class and _is_evaluated(tree, annotation):
                code = cst.Module([]).code_for_node(tree.replaced(whole, {node: new}))
                changes[whole] = cst.SimpleString(_quoted(code))
            else:
                changes[node] = new
    return changes


def declared(tree: Tree, value: cst.BaseExpression) -> list[cst.Annotation]:
    """The annotations of the place that a value is assigned to in other lines than its own."""
    return [each for each in _annotations(tree, value) if each is not _own(tree, value)]


def _annotations(tree: Tree, value: cst.BaseExpression) -> Iterator[cst.Annotation]:
    own = _own(tree, value)
    if own is not None:
        yield own
    assignment = tree.parent(value)
    match assignment:
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) | cst.AnnAssign(target=target):
            pass
        case _:
            return
    around = next((each for each in tree.around(value) if isinstance(each, cst.ClassDef)), None)
    match target:
        case cst.Attribute(value=cst.Name(value="self"), attr=attr) if around is not None:
            name, block = attr.value, around.body.body
        case cst.Name(value=word) if around is not None and tree.function(value) is None:
            name, block = word, around.body.body
        case cst.Name(value=word) if tree.function(value) is None:
            name, block = word, tree.module.body
        case _:
            return
    for line in block:
        match line:
            case cst.SimpleStatementLine(body=[cst.AnnAssign(target=cst.Name(value=found)) as small]) if found == name:
                if small.annotation is not own:
                    yield small.annotation
            case _:
                pass


def _own(tree: Tree, value: cst.BaseExpression) -> cst.Annotation | None:
    parent = tree.parent(value)
    return parent.annotation if isinstance(parent, cst.AnnAssign) else None


def _is_behind_a_dot(tree: Tree, node: cst.CSTNode) -> bool:
    parent = tree.parent(node)
    return isinstance(parent, cst.Attribute) and parent.attr is node


def _text(node: cst.SimpleString, is_old: Callable[[cst.CSTNode], bool], new: cst.BaseExpression) -> cst.CSTNode | None:
    """A type that is written as a text, with the one lock that it names replaced."""
    inner = node.raw_value
    try:
        tree = Tree(inner)
    except cst.ParserSyntaxError:
        return None
    old = [each for each in tree.inside(tree.module) if is_old(each) and not _is_behind_a_dot(tree, each)]
    if len(old) > 1:
        raise UnfixableError("its type names several locks")
    if not old:
        return None
    return node.with_changes(value=f"{node.prefix}{node.quote}{tree.changed({old[0]: new})}{node.quote}")


def _is_evaluated(tree: Tree, annotation: cst.Annotation) -> bool:
    """Whether a type is computed when the program runs."""
    if tree.function(annotation) is not None:
        target = tree.parent(annotation)
        return isinstance(target, cst.AnnAssign) and not isinstance(target.target, cst.Name) and not _is_late(tree)
    return not _is_late(tree)


def _is_late(tree: Tree) -> bool:
    return any(
        isinstance(node, cst.ImportFrom)
        and isinstance(node.module, cst.Name)
        and node.module.value == "__future__"
        and not isinstance(node.names, cst.ImportStar)
        and any(alias.name.value == "annotations" for alias in node.names)
        for node in tree.inside(tree.module)
    )


def _quoted(code: str) -> str:
    return repr(code) if '"' in code else f'"{code}"'
