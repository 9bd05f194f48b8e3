"""A thread's lock that only coroutines of one module use becomes an `asyncio.Lock`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.annotations import declared, retyped
from lockcheck.fixes.effects import assigned
from lockcheck.fixes.imports import need, without
from lockcheck.fixes.names import dotted
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.switch_with import switched
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import MakeAsynchronous


def propose(tree: Tree, repair: MakeAsynchronous) -> Proposal:
    """Make it by `asyncio.Lock()` and take it by `async with` everywhere."""
    maker = tree.value(repair.place.span)
    if not isinstance(maker, cst.Call) or maker.args or dotted(maker.func) not in ("threading.Lock", "Lock"):
        raise UnfixableError("the lock is not made by `Lock()`")
    wanted = need(tree, "asyncio", "Lock")
    changes: dict[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]] = {**wanted.changes}
    changes[maker] = cst.Call(cst.parse_expression(wanted.text))
    changes.update(retyped(tree, maker, _is_lock, cst.parse_expression(wanted.text), is_class=True))
    name = ""
    for place in repair.uses:
        item, statement = tree.item(place.span)
        if tree.coroutine(statement) is None or statement in changes:
            raise UnfixableError("it is taken where nothing can be awaited")
        name = tree.code(item.item)
        changes[statement] = switched(statement, item, asynchronous=True)
    _refuse_other_uses(tree, maker, name, len(repair.uses) + len(declared(tree, maker)))
    changes.update(without(tree, dotted(maker.func) or "", wanted.changes, changes))
    return Proposal("unsafe", f"make `{name}` an `asyncio.Lock`", changes)


def _is_lock(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression) and dotted(node) in ("threading.Lock", "Lock")


def _refuse_other_uses(tree: Tree, maker: cst.CSTNode, name: str, known: int) -> None:
    """Whatever else is done with the lock would have to change too; a class that makes one of its own has another."""
    word = name.rpartition(".")[2]
    owner = next((each for each in tree.around(maker) if isinstance(each, cst.ClassDef)), None)
    others = [
        node
        for each in tree.inside(tree.module)
        if isinstance(each, cst.ClassDef) and each is not owner and _makes(tree, each, word)
        for node in tree.inside(each)
    ]
    apart = set(others)
    found = 0
    for node in tree.inside(tree.module):
        match node:
            case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=value)) if value == word:
                found += owner is not None and node not in apart
            case cst.Attribute(attr=cst.Name(value=value)) if value == word:
                found += 1
            case cst.Name(value=value) if value == word and not isinstance(tree.parent(node), cst.Attribute):
                found += owner is None or owner in tree.around(node)
            case cst.SimpleString() if node.evaluated_value == word:
                found += 1
            case _:
                pass
    if found != known + 1:
        raise UnfixableError("it is used in other ways too")


def _makes(tree: Tree, definition: cst.ClassDef, word: str) -> bool:
    """Whether a class gives a value to an attribute of a name itself."""
    return any(place in (word, f"self.{word}") for node in tree.inside(definition) for place in assigned(node))
