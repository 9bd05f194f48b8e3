"""What is gathered while one function is read, and the facts that come of it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence

import msgspec

from lockcheck.analysis.flatten import flatten
from lockcheck.analysis.index.depth import is_too_deep
from lockcheck.analysis.index.words import names_primitive
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, Item, Name, Star
from lockcheck.model.facts import (
    MODULE,
    AttributeFact,
    ClassFacts,
    FunctionFacts,
    GlobalFact,
    ImportFact,
    Parameter,
)
from lockcheck.model.flow import Node
from lockcheck.model.source import Span

_ENCODER = msgspec.msgpack.Encoder()


class ClassFrame:
    """A class while its body and methods are read."""

    __slots__ = ("attributes", "methods", "qualname")

    def __init__(self, qualname: str) -> None:
        """Begin a class."""
        self.qualname = qualname
        self.attributes: list[AttributeFact] = []
        self.methods: dict[str, str] = {}

    def facts(
        self, span: Span, bases: tuple[Expr, ...], decorators: tuple[Expr, ...], parent: str | None
    ) -> ClassFacts:
        """The class as it was found."""
        methods = tuple(self.methods.items())
        return ClassFacts(self.qualname, span, bases, decorators, tuple(self.attributes), methods, parent)


class Found:
    """What is found anywhere in a module."""

    __slots__ = ("classes", "functions", "globals", "visits_all")

    def __init__(self) -> None:
        """Begin a module."""
        self.visits_all = False
        """Whether every function keeps its structure."""
        self.globals: list[GlobalFact] = []
        self.classes: list[ClassFacts] = []
        self.functions: list[FunctionFacts] = []


class Frame:
    """A function while its body is read.

    `inner` is what the qualified names of its locals begin with; `scope` is the function whose locals its own
    functions see (a class body is none); `receiver` is the name through which `of_class` is reached.
    """

    __slots__ = (
        "body_of",
        "called",
        "found",
        "globals",
        "imports",
        "inner",
        "is_generator",
        "made",
        "nests",
        "nodes",
        "nonlocals",
        "of_class",
        "qualifies",
        "qualname",
        "receiver",
        "scope",
        "stored",
    )

    def __init__(self, qualname: str, inner: str, scope: str | None, found: Found) -> None:
        """Begin a function."""
        self.qualname = qualname
        self.inner = inner
        self.scope = scope
        self.found = found
        self.body_of: ClassFrame | None = None
        self.of_class: ClassFrame | None = None
        self.receiver: str | None = None
        self.nodes: list[Node] = []
        """What was read so far of the suite at hand."""
        self.nests = False
        self.called: set[str] = set()
        self.stored: set[str] = set()
        self.made: set[str] = set()
        """Names of objects of the class that one of its methods makes by `__new__`."""
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.imports: list[ImportFact] = []
        self.is_generator = False
        self.qualifies = False

    def add(self, node: Node) -> None:
        """Add a compound node."""
        self.nests = True
        self.nodes.append(node)

    def bind(self, target: Expr, value: Expr | None, annotation: Expr | None, span: Span) -> None:
        """Take note of a value given to a global or to an attribute of a class."""
        if isinstance(target, Name):
            self.bind_name(target.id, value, annotation, span)
        elif isinstance(target, Attr):
            self._bind_attribute(target, value, annotation, span)
        elif isinstance(target, Group):
            self._bind_each(target, value, span)
        elif isinstance(target, Star):
            self.bind(target.value, None, None, span)

    def bind_name(self, name: str, value: Expr | None, annotation: Expr | None, span: Span) -> None:
        """A bare name gets a value."""
        if self.of_class is not None and _makes(value, self.receiver):
            self.made.add(name)
        if name in self.globals or self.qualname == MODULE:
            self.found.globals.append(GlobalFact(name, value, annotation, self.qualname, span))
        elif self.body_of is not None:
            self.body_of.attributes.append(AttributeFact(name, value, annotation, None, span))

    def _bind_attribute(self, target: Attr, value: Expr | None, annotation: Expr | None, span: Span) -> None:
        self.stored.add(target.name)
        if self.of_class is not None and self._is_own(target.value):
            self.of_class.attributes.append(AttributeFact(target.name, value, annotation, self.qualname, span))

    def _is_own(self, value: Expr) -> bool:
        match value:
            case Name(name):
                return name == self.receiver or name in self.made
            case Call(Name("type"), (Name(name),)) | Attr(Name(name), "__class__"):
                return name == self.receiver
            case _:
                return False

    def _bind_each(self, target: Group, value: Expr | None, span: Span) -> None:
        items = target.items
        values: tuple[Expr | None, ...] = (None,) * len(items)
        if isinstance(value, Group) and len(value.items) == len(items) and value.kind in ("tuple", "list"):
            starred = any(isinstance(item, Star) for item in (*items, *value.items))
            values = values if starred else value.items
        elif isinstance(value, Call) and not any(isinstance(item, Star) for item in items):
            values = tuple(Item(value, Const(index)) for index in range(len(items)))
        for item, part in zip(items, values, strict=True):
            self.bind(item, part, None, span)

    def facts(
        self,
        span: Span,
        rows: tuple[int, int],
        above: int,
        parent: str | None,
        source: Sequence[ast.AST],
        *,
        is_async: bool = False,
        parameters: tuple[Parameter, ...] = (),
        returns: Expr | None = None,
        decorators: tuple[Expr, ...] = (),
        owner: str | None = None,
    ) -> FunctionFacts:
        """The function as it was found, its body packed: structured if it qualifies and nests no deeper than can be followed."""
        called = self.called
        qualifies = self.qualifies or names_primitive(called)
        visited = (qualifies or self.found.visits_all) and not is_too_deep(source)
        is_flat = self.nests and not visited
        body = flatten(self.nodes) if is_flat else self.nodes
        return FunctionFacts(
            self.qualname,
            span,
            rows[0],
            rows[1],
            above,
            is_async,
            self.is_generator,
            parameters,
            returns,
            decorators,
            owner,
            parent,
            tuple(sorted(self.globals)) if self.globals else (),
            tuple(sorted(self.nonlocals)) if self.nonlocals else (),
            tuple(sorted(called)) if called else (),
            tuple(sorted(self.stored)) if self.stored else (),
            tuple(self.imports),
            qualifies,
            visited,
            _standing_for(self.nodes) if is_flat else b"",
            msgspec.Raw(_ENCODER.encode(body)),
        )


def _standing_for(nodes: list[Node]) -> bytes:
    """What tells one structured body from another; nothing where it nests too deeply to be followed."""
    try:
        return hashlib.blake2b(_ENCODER.encode(nodes), digest_size=8).digest()
    except RecursionError:
        return b""


def _makes(value: Expr | None, receiver: str | None) -> bool:
    """`super().__new__(cls)`, `object.__new__(cls)`, `cls.__new__(cls)`: an object of the method's own class."""
    match value:
        case Call(Attr(_, "__new__"), (Name(name), *_)):
            return name == receiver
        case _:
            return False
