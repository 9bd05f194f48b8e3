"""What statements read and write, as far as moving them past one another needs to know.

A place is a dotted path (`data`, `self._items`); two places meet where one is a part of the other. Calling a method
reads and may write its receiver; what is only handed to a call as an argument counts as read.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping

import libcst as cst

from lockcheck.fixes.names import dotted
from lockcheck.fixes.nodes import children


class Methods:
    """The methods of a class, and what each of them touches of `self`, other methods that it calls included.

    The functions of the module likewise, with the variables of the module that they touch.
    """

    def __init__(
        self,
        definitions: Mapping[str, cst.FunctionDef],
        attributes: Collection[str] = (),
        functions: Mapping[str, cst.FunctionDef] | None = None,
        variables: Collection[str] = (),
        below: Iterable[cst.FunctionDef] = (),
    ) -> None:
        """Take the methods of a class by name, and the attributes that it assigns: those are no methods.

        `functions` are what else is defined in the module, `variables` the names that several functions share, `below`
        the methods of classes that derive from this one, which may be called in place of its own.
        """
        self.attributes = frozenset(attributes)
        self._below = tuple(below)
        self._definitions = definitions
        self._functions = functions or {}
        self._variables = frozenset(variables)
        self._effects: dict[str, Effects | None] = {}
        self._of_functions: dict[str, Effects | None] = {}

    def definition(self, name: str) -> cst.FunctionDef | None:
        """The method of a name, where the class itself defines one."""
        return self._definitions.get(name)

    def is_property(self, name: str) -> bool:
        """Whether a method is called by reading it."""
        definition = self._definitions.get(name)
        decorators = definition.decorators if definition is not None else ()
        names = [(dotted(each.decorator) or "").rpartition(".")[2] for each in decorators]
        return "property" in names or "cached_property" in names

    def function(self, name: str) -> Effects | None:
        """What a function of the module touches that others see; None for one that is not known."""
        if name not in self._of_functions:
            self._of_functions[name] = None
            definition = self._functions.get(name)
            if definition is not None:
                found = Effects([definition.body], self)
                found.reads = self._seen(found.reads)
                found.writes = self._seen(found.writes)
                self._of_functions[name] = found
        return self._of_functions[name]

    def _seen(self, places: Iterable[str]) -> set[str]:
        roots = {"self", *self._variables}
        return {place for place in places if place.partition(".")[0] in roots}

    def effects(self, name: str) -> Effects | None:
        """What a method reads and writes of `self`; None for one that is not known, or that calls itself."""
        if name not in self._effects:
            self._effects[name] = None
            definition = self._definitions.get(name)
            if definition is not None:
                others = [each.body for each in self._below if each.name.value == name]
                found = Effects([definition.body, *others], self)
                found.reads = self._seen(found.reads)
                found.writes = self._seen(found.writes)
                self._effects[name] = found
        return self._effects[name]


class Effects:
    """What some statements touch.

    `leaves` is whether they may leave the block by `return`, `break`, `continue` or `raise`; `acts` whether they do what
    places do not tell of: they call what is not known to be harmless, or are suspended. `fails` is whether they are
    likely to raise: they look something up, or turn one thing into another.
    """

    def __init__(
        self, nodes: Iterable[cst.CSTNode], methods: Methods | None = None, but: Collection[cst.CSTNode] = ()
    ) -> None:
        """Read some statements; `methods` are those of the class that they belong to, `but` what is not looked at."""
        self._methods = methods or Methods({})
        self._but = but
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.leaves = False
        self.acts = False
        self.fails = False
        for node in nodes:
            self._see(node)

    def _see(self, node: cst.CSTNode, *, loop: bool = False) -> None:
        """Read a node and what is in it; `loop` is whether a loop around it is a part of the statements."""
        if node in self._but:
            return
        match node:
            case cst.Name(value=value):
                self.reads.add(value)
                return
            case cst.Attribute(value=value):
                path = dotted(node)
                if path is not None:
                    self.reads.add(path)
                    self._property(path)
                else:
                    self._see(value, loop=loop)
                return
            case cst.Call(func=func, args=args):
                self._call(func)
                for arg in args:
                    self._see(arg.value, loop=loop)
                return
            case cst.Lambda(body=body):
                self._later(body)
                return
            case cst.FunctionDef(name=name, body=body) | cst.ClassDef(name=name, body=body):
                self.writes.add(name.value)
                self._later(body)
                return
            case cst.ImportAlias(name=name, asname=None):
                self.writes.add((dotted(name) or "").partition(".")[0])
                return
            case _:
                self._mark(node, loop=loop)
        for target in assigned(node):
            self.writes.add(target)
        within = loop or isinstance(node, cst.For | cst.While)
        for child in children(node):
            self._see(child, loop=within)

    def _mark(self, node: cst.CSTNode, *, loop: bool) -> None:
        """Say of a node itself what places do not tell."""
        match node:
            case cst.Await() | cst.Yield() | cst.Asynchronous():
                self.acts = True
            case cst.Del():
                self.fails = True
            case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index())]):
                self.fails = True
            case cst.Break() | cst.Continue():
                self.leaves |= not loop
            case cst.Return() | cst.Raise() | cst.Assert():
                self.leaves = True
            case _:
                pass

    def _later(self, body: cst.CSTNode) -> None:
        """What a function reads counts where it is made: it may be called at once."""
        inner = Effects([body], self._methods)
        self.reads |= inner.reads
        self.writes |= {place for place in inner.writes if "." in place}

    def _property(self, path: str) -> None:
        """Reading a property runs it; a method that is only handed on is called by somebody else, at another time."""
        root, _, name = path.partition(".")
        known = self._methods.effects(name) if root == "self" and self._methods.is_property(name) else None
        if known is not None:
            self._add(known)

    def _add(self, known: Effects) -> None:
        self.reads |= known.reads
        self.writes |= known.writes
        self.acts |= known.acts
        self.fails |= known.fails

    def _call(self, func: cst.BaseExpression) -> None:
        match func:
            case cst.Name(value="super"):
                self.writes.add("self")
            case cst.Name(value=name) if name in _HARMLESS:
                self.fails |= name in _FAILING
            case cst.Attribute(attr=cst.Name(value=name)) if name in _MUTATORS | ASKING:
                self.fails |= name in _FAILING
            case cst.Name(value=name) if self._methods.function(name) is not None:
                pass
            case cst.Attribute(value=cst.Name(value="self"), attr=attr) if (
                self._methods.effects(attr.value) is not None
            ):
                pass
            case _:
                self.acts = True
        match func:
            case cst.Name(value=name):
                self.reads.add(name)
                known = self._methods.function(name)
                if known is not None:
                    self._add(known)
            case cst.Attribute(value=cst.Name(value="self"), attr=attr):
                known = self._methods.effects(attr.value)
                if known is not None:
                    self._add(known)
                elif f"self.{attr.value}" in self._methods.attributes:
                    self.reads.add(f"self.{attr.value}")
                else:
                    self.writes.add("self")
            case cst.Attribute(value=value, attr=attr):
                receiver = owner(value) if attr.value not in ASKING else None
                if receiver is not None:
                    self.writes.add(receiver)
                self._see(value)
            case _:
                self._see(func)


_ACTING = frozenset(
    """__import__ breakpoint compile delattr eval exec exit filter globals input iter locals map next open print quit setattr
    vars""".split()  # noqa: SIM905 - a list of words
)
_FAILING = frozenset(
    """bytes chr complex float int max min ord index pop popitem popleft remove""".split()  # noqa: SIM905 - a list of words
)
_HARMLESS = frozenset(dir(builtins)) - _ACTING
ASKING = frozenset(
    """copy count endswith format get index items join keys lower split startswith strip upper values
    """.split()  # noqa: SIM905 - a list of words
)


_ASSIGNING: frozenset[type[cst.CSTNode]] = frozenset(
    {
        cst.AssignTarget,
        cst.AnnAssign,
        cst.AugAssign,
        cst.NamedExpr,
        cst.For,
        cst.Del,
        cst.AsName,
        cst.MatchAs,
        cst.MatchStar,
        cst.MatchMapping,
    }
)
_CHANGING: frozenset[type[cst.CSTNode]] = frozenset({cst.Call, cst.AssignTarget, cst.Del, cst.AugAssign})
"""The classes of nodes that the patterns below name: nodes are of just these classes, and asking by `isinstance`, as a
pattern does, takes long where most nodes are of others."""


def assigned(node: cst.CSTNode) -> Iterator[str]:
    """The places that a node itself assigns to; writing an element writes the whole."""
    return _assigned(node) if type(node) in _ASSIGNING else iter(())


def _assigned(node: cst.CSTNode) -> Iterator[str]:
    match node:
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            yield from _places(target)
        case cst.NamedExpr(target=target) | cst.For(target=target) | cst.Del(target=target):
            yield from _places(target)
        case cst.AsName(name=name):
            yield from _places(name)
        case cst.MatchAs(name=cst.Name(value=value)) | cst.MatchStar(name=cst.Name(value=value)):
            yield value
        case cst.MatchMapping(rest=cst.Name(value=value)):
            yield value
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
            path = owner(target)
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


def _of_class(node: cst.BaseExpression) -> str | None:
    """The place that is named as one of an object: a variable of its class is seen through it."""
    match node:
        case cst.Attribute(
            value=cst.Call(func=cst.Name(value="type"), args=[cst.Arg(value=cst.Name(value="self"))])
            | cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value="__class__")),
            attr=attr,
        ):
            return f"self.{attr.value}"
        case _:
            return dotted(node)


def mutated(node: cst.CSTNode) -> str | None:
    """The place whose contents a node itself changes: an element assigned or deleted, a collection's own method."""
    return _mutated(node) if type(node) in _CHANGING else None


def _mutated(node: cst.CSTNode) -> str | None:
    match node:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=word))) if word in _MUTATORS:
            return _of_class(value)
        case cst.AssignTarget(target=cst.Subscript(value=value)) | cst.Del(target=cst.Subscript(value=value)):
            return _of_class(value)
        case cst.AugAssign(target=cst.Subscript(value=value)):
            return _of_class(value)
        case _:
            return None


def independent(one: Effects, other: Effects) -> bool:
    """Whether it does not matter which of two runs first."""
    return not (meet(one.reads, other.writes) or meet(one.writes, other.reads) or meet(one.writes, other.writes))


def meet(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a place of one set is a place of another, or a part of it, or has it as a part."""
    theirs = list(others)
    return any(a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.") for a in some for b in theirs)


def owner(node: cst.CSTNode) -> str | None:
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
