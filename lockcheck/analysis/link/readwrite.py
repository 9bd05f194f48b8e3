"""Read-write locks that a program makes itself: classes that are taken for reading and for writing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.model.expression import Attr, Expr, Name
from lockcheck.model.flow import Assign, Node, While
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.library import Effect, LockKind, Mode

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_TAKES = re.compile(
    r"(?:acquire|lock|enter|begin|start)_?(?:for_)?(read|write)(?:er|ing)?(?:_lock)?|(r|w|read|write)(?:er)?_(?:acquire|enter)"
)
_GIVES = re.compile(
    r"release(?:_(?:read|write|reader|writer)(?:_lock)?)?|(?:r|w|read|write)(?:er)?_(?:release|leave)|(?:unlock|leave|end|finish|stop)_?(?:read|write)(?:er|ing)?"
)
_ENTERED = re.compile(r"(?:for_)?(r|w|read|write)(?:er|ing)?(?:_?lock(?:ed)?)?")
_WHO = {"get_ident", "current_thread", "get_native_id", "currentThread", "current_task", "local", "_local"}


def effect(name: str) -> Effect | None:
    """What a method of a read-write lock of the program does, by its name."""
    if (found := _TAKES.fullmatch(name)) is not None:
        return Effect(operation="acquire", mode=_mode(found))
    if _GIVES.fullmatch(name) is not None:
        return Effect(operation="release")
    found = _ENTERED.fullmatch(name)
    return Effect(mode=_mode(found)) if found is not None else None


def _mode(found: re.Match[str]) -> Mode:
    word = next(g for g in found.groups() if g is not None)
    return "read" if word.startswith("r") else "write"


def read_write_kind(types: Types, cls: ClassId, inner: LockKind) -> LockKind | None:
    """The kind of a class whose public methods all take for reading, take for writing or give back.

    `inner` is the lock that it keeps to do so. It counts as re-entrant; whether its readers may read again and go on
    to write is read off its methods.
    """
    methods: dict[str, FunctionId] = {}
    for owner in reversed(types.hierarchy.mro(cls)):
        methods.update(types.hierarchy.own_methods(owner))
    taking: dict[Mode, list[FunctionId]] = {"read": [], "write": []}
    for name, function in methods.items():
        if name.startswith("_"):
            continue
        known = effect(name)
        if known is None or (known.operation is None) is not _is_manager(types, function):
            return None
        if known.operation != "release" and known.mode is not None:
            taking[known.mode].append(function)
    if not taking["read"] or not taking["write"]:
        return None
    own = any(_asks_who(types, f) for f in methods.values())
    prefers = _waiting(types, taking["write"]) & _tested(types, taking["read"])
    return LockKind(str(cls), inner.domain, "readwrite", True, rereads=own or not prefers, upgrades=own)


def _is_manager(types: Types, function: FunctionId) -> bool:
    facts = types.program.functions[function]
    words = {d.name if isinstance(d, Attr) else d.id if isinstance(d, Name) else "" for d in facts.decorators}
    return facts.is_generator and bool(words & {"contextmanager", "asynccontextmanager"})


def _asks_who(types: Types, function: FunctionId) -> bool:
    """Whether a method tells threads apart."""
    found = [e for step in steps(types.program.body(function)) for x in expressions(step) for e in walk(x)]
    return any((e.name if isinstance(e, Attr) else e.id) in _WHO for e in found if isinstance(e, Attr | Name))


def _waiting(types: Types, functions: list[FunctionId]) -> set[str]:
    """The attributes by which writers say that they wait: set before the loop in which they do."""
    found: set[str] = set()
    for function in functions:
        for node in _before_loop(types.program.body(function)):
            if isinstance(node, Assign):
                found |= {t.name for t in node.targets if isinstance(t, Attr)}
    return found


def _before_loop(nodes: tuple[Node, ...]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, While):
            return found
        inner = [_before_loop(b) for b in blocks(node)]
        found += [n for b in inner for n in b] if inner else [node]
        if any(isinstance(n, While) for b in blocks(node) for n in b):
            return found
    return []


def _tested(types: Types, functions: list[FunctionId]) -> set[str]:
    """The attributes that keep readers waiting."""
    found: set[str] = set()
    for function in functions:
        for test in _loops(types.program.body(function)):
            found |= {e.name for e in walk(test) if isinstance(e, Attr)}
    return found


def _loops(nodes: tuple[Node, ...]) -> list[Expr]:
    found: list[Expr] = []
    for node in nodes:
        if isinstance(node, While):
            found.append(node.test)
        for block in blocks(node):
            found += _loops(block)
    return found
