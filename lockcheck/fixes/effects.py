"""What statements read and write, as far as moving them past one another needs to know.

A place is a dotted path (`data`, `self._items`); two places meet where one is a part of the other. Calling a method
reads and may write its receiver; what is only handed to a call as an argument counts as read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import libcst as cst

from lockcheck.fixes.names import dotted


class Methods:
    """The methods of a class, and what each of them touches of `self`, other methods that it calls included."""

    def __init__(self, definitions: Mapping[str, cst.FunctionDef], attributes: Collection[str] = ()) -> None:
        """Take the methods of a class by name, and the attributes that it assigns: those are no methods."""
        self.attributes = frozenset(attributes)
        self._definitions = definitions
        self._effects: dict[str, Effects | None] = {}

    def effects(self, name: str) -> Effects | None:
        """What a method reads and writes of `self`; None for one that is not known, or that calls itself."""
        if name not in self._effects:
            self._effects[name] = None
            definition = self._definitions.get(name)
            if definition is not None:
                found = Effects([definition.body], self)
                found.reads = _of_self(found.reads)
                found.writes = _of_self(found.writes)
                self._effects[name] = found
        return self._effects[name]


class Effects:
    """What some statements touch.

    `leaves` is whether they may leave the block by `return`, `break`, `continue` or `raise`.
    """

    def __init__(self, nodes: Iterable[cst.CSTNode], methods: Methods | None = None) -> None:
        """Read some statements; `methods` are those of the class that they belong to."""
        self._methods = methods or Methods({})
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.leaves = False
        for node in nodes:
            self._see(node)

    def _see(self, node: cst.CSTNode, *, loop: bool = False) -> None:
        """Read a node and what is in it; `loop` is whether a loop around it is a part of the statements."""
        match node:
            case cst.Name(value=value):
                self.reads.add(value)
                return
            case cst.Attribute(value=value):
                path = dotted(node)
                if path is not None:
                    self.reads.add(path)
                else:
                    self._see(value, loop=loop)
                return
            case cst.Call(func=func, args=args):
                self._call(func)
                for arg in args:
                    self._see(arg.value, loop=loop)
                return
            case cst.Lambda():
                return
            case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                self.writes.add(name.value)
                return
            case cst.Break() | cst.Continue():
                self.leaves |= not loop
            case cst.Return() | cst.Raise() | cst.Assert():
                self.leaves = True
            case _:
                pass
        for target in assigned(node):
            self.writes.add(target)
        within = loop or isinstance(node, cst.For | cst.While)
        for child in node.children:
            self._see(child, loop=within)

    def _call(self, func: cst.BaseExpression) -> None:
        match func:
            case cst.Attribute(value=cst.Name(value="self"), attr=attr):
                known = self._methods.effects(attr.value)
                if known is not None:
                    self.reads |= known.reads
                    self.writes |= known.writes
                elif f"self.{attr.value}" in self._methods.attributes:
                    self.reads.add(f"self.{attr.value}")
                else:
                    self.writes.add("self")
            case cst.Attribute(value=value):
                receiver = _owner(value)
                if receiver is not None:
                    self.writes.add(receiver)
                self._see(value)
            case _:
                self._see(func)


def assigned(node: cst.CSTNode) -> Iterator[str]:
    """The places that a node itself assigns to; writing an element writes the whole."""
    match node:
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            yield from _places(target)
        case cst.NamedExpr(target=target) | cst.For(target=target) | cst.Del(target=target):
            yield from _places(target)
        case cst.AsName(name=name):
            yield from _places(name)
        case _:
            pass


def _places(target: cst.CSTNode) -> Iterator[str]:
    match target:
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from _places(element.value)
        case cst.StarredElement(value=value):
            yield from _places(value)
        case _:
            path = _owner(target)
            if path is not None:
                yield path


_MUTATORS = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "setdefault",
        "update",
    ]
)


def mutated(node: cst.CSTNode) -> str | None:
    """The place whose contents a node itself changes: an element assigned or deleted, a collection's own method."""
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=word))) if word in _MUTATORS:
            return dotted(value)
        case cst.AssignTarget(target=cst.Subscript(value=value)) | cst.Del(target=cst.Subscript(value=value)):
            return dotted(value)
        case cst.AugAssign(target=cst.Subscript(value=value)):
            return dotted(value)
        case _:
            return None


def independent(one: Effects, other: Effects) -> bool:
    """Whether it does not matter which of two runs first."""
    return not (meet(one.reads, other.writes) or meet(one.writes, other.reads) or meet(one.writes, other.writes))


def meet(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a place of one set is a place of another, or a part of it, or has it as a part."""
    theirs = list(others)
    return any(a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.") for a in some for b in theirs)


def _owner(node: cst.CSTNode) -> str | None:
    """The place that an expression is reached from: `self._items` of `self._items[0].names()`."""
    while True:
        path = dotted(node)
        if path is not None:
            return path
        match node:
            case cst.Attribute(value=value) | cst.Subscript(value=value) | cst.Await(expression=value):
                node = value
            case cst.Call(func=func):
                node = func
            case _:
                return None


def _of_self(places: Iterable[str]) -> set[str]:
    return {place for place in places if place == "self" or place.startswith("self.")}
