"""The names that a function binds, read off its body without regard to order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from sys import intern
from typing import Any, TypeAlias, TypeVar

import msgspec

from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.words import share_name
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Compare,
    Comprehension,
    Expr,
    Group,
    IfElse,
    Item,
    Logic,
    Name,
    Not,
    Opaque,
    Star,
    Walrus,
    Yield,
)
from lockcheck.model.facts import FunctionFacts, ImportFact
from lockcheck.model.flow import (
    Assert,
    Assign,
    Bound,
    Branch,
    Case,
    Caught,
    Define,
    Delete,
    Do,
    Enter,
    For,
    Handler,
    Iterate,
    Match,
    Node,
    Raise,
    Return,
    Try,
    While,
    With,
)
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_STORES = {"append": 0, "appendleft": 0, "add": 0, "insert": 1, "setdefault": 1, "put": 0, "put_nowait": 0}
"""Methods that put an argument into their object, and which argument that is."""


class Binding(msgspec.Struct, frozen=True, gc=False):
    """One way in which a name gets its value.

    `how`: "value" (assigned), "annotation", "element" (of an iterable), "entered" (by `with`), "import",
    "function", "class", "caught" or "other". `place` are the indices into a tuple that is unpacked.
    """

    how: str
    expr: Expr | None = None
    place: tuple[int, ...] = ()
    qualname: str = ""
    imported: ImportFact | None = None
    is_async: bool = False


class Scope:
    """What one function binds: its parameters and its local names."""

    __slots__ = ("_bindings", "_calls", "_outer", "bindings", "calls", "facts", "id", "parameters", "returns", "writes")

    def __init__(self, program: Program, identity: FunctionId) -> None:
        """Walk the body once."""
        self.id = identity
        self.facts: FunctionFacts = program.functions[identity]
        self.parameters = {p.name: p for p in self.facts.parameters}
        self._bindings: dict[str, list[Binding]] = {}
        self.returns: tuple[Expr, ...] = ()
        self._calls: dict[str, list[Call]] = {}
        self.writes: tuple[tuple[Expr, Expr], ...] = ()
        """`x[k] = value`, `x.append(value)` …: each value with the container that it goes into."""
        self._outer = frozenset((*self.facts.globals, *self.facts.nonlocals))
        for item in self.facts.imports:
            self._bind(item.bound.partition(".")[0] if item.attribute is None else item.bound, _imported(item))
        for step in steps(program.body(identity)):
            self._step(step)
        self.bindings = _packed(self._bindings)
        """The ways in which each name gets its value, in source order."""
        self.calls = _packed(self._calls)
        """The calls in the body by the last word of what they call, in source order."""
        del self._bindings, self._calls

    @property
    def first(self) -> str | None:
        """The name of the first positional parameter: a method's own object."""
        for parameter in self.facts.parameters:
            return parameter.name if parameter.kind in "pa" else None
        return None

    def binds(self, name: str) -> bool:
        """Whether the name is local to this function."""
        return name not in self._outer and (name in self.parameters or name in self.bindings)

    def _bind(self, name: str, binding: Binding) -> None:
        if name not in self._outer:
            self._bindings.setdefault(intern(name), []).append(binding)

    def _step(self, step: Node) -> None:
        match step:
            case Assign(targets=targets, value=value, annotation=annotation, augmented=augmented):
                for target in targets:
                    if annotation is not None and isinstance(target, Name):
                        self._bind(target.id, Binding("annotation", annotation))
                    if value is not None:
                        self._target(target, "other" if augmented else "value", value, ())
            case Iterate(target=target, iterable=iterable, is_async=is_async):
                self._target(target, "element", iterable, (), is_async)
            case Enter(value=value, target=target, is_async=is_async):
                if target is not None:
                    self._target(target, "entered", value, (), is_async)
            case Define(name=name, qualname=qualname, is_class=is_class):
                self._bind(name, Binding("class" if is_class else "function", qualname=qualname))
            case Caught(types=types, name=str(name)):
                self._bind(name, Binding("caught", types))
            case Bound(names=names):
                for name in names:
                    self._bind(name, Binding("other"))
            case Return(value=value) if value is not None:
                self.returns += (value,)
            case _:
                pass
        self._inside(step)

    def _inside(self, step: Node) -> None:
        """Calls, and names bound inside expressions."""
        if isinstance(step, Assign) and step.value is not None:
            self.writes += tuple((step.value, t.value) for t in step.targets if isinstance(t, Item))
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, (Name, Attr)):
                    share_name(inner)
                elif isinstance(inner, Call):
                    self._call(inner)
                elif isinstance(inner, Walrus):
                    self._bind(inner.name, Binding("value", inner.value))
                elif isinstance(inner, Comprehension):
                    for clause in inner.clauses:
                        self._target(clause.target, "element", clause.iterable, (), clause.is_async)

    def _call(self, call: Call) -> None:
        func = call.func
        for keyword in call.keywords:
            share_name(keyword)
        if isinstance(func, Name):
            self._calls.setdefault(intern(func.id), []).append(call)
        elif isinstance(func, Attr):
            self._calls.setdefault(intern(func.name), []).append(call)
            at = _STORES.get(func.name)
            if at is not None and at < len(call.args):
                self.writes += ((call.args[at], func.value),)

    def _target(self, target: Expr, how: str, value: Expr, place: tuple[int, ...], is_async: bool = False) -> None:
        match target:
            case Name(id=name):
                self._bind(name, Binding(how, value, place, is_async=is_async))
            case Group(items=items):
                starred = False
                for index, item in enumerate(items):
                    starred = starred or isinstance(item, Star)
                    self._target(item, "other" if starred else how, value, (*place, index), is_async)
            case Star(value=inner):
                self._target(inner, "other", value, place)
            case _:
                pass


_Kept = TypeVar("_Kept")


def _packed(found: dict[str, list[_Kept]]) -> dict[str, tuple[_Kept, ...]]:
    """The same in half of the memory: most have one element, and all scopes of a program are kept."""
    return {name: tuple(items) for name, items in found.items()}


def _imported(item: ImportFact) -> Binding:
    return Binding("import", imported=item)


_COMPOUND = frozenset({With, Branch, While, For, Try, Match})


def steps(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Every simple step of a body, structured or flat, in source order; tests come as `Do`."""
    for node in nodes:
        if type(node) not in _COMPOUND:
            yield node
            continue
        match node:
            case With(items=items, body=body):
                yield from items
                yield from steps(body)
            case Branch(test=test, then=then, orelse=orelse) | While(test=test, body=then, orelse=orelse):
                yield Do(test)
                yield from steps(then)
                yield from steps(orelse)
            case For(head=head, body=body, orelse=orelse):
                yield head
                yield from steps(body)
                yield from steps(orelse)
            case Try(body=body, handlers=handlers, orelse=orelse, final=final):
                yield from steps(body)
                for handler in handlers:
                    yield from _handler(handler)
                yield from steps(orelse)
                yield from steps(final)
            case Match(subject=subject, cases=cases):
                yield Do(subject)
                for case in cases:
                    yield from _case(case)
            case _:
                yield node


def _handler(handler: Handler) -> Iterator[Node]:
    yield handler.head
    yield from steps(handler.body)


def _case(case: Case) -> Iterator[Node]:
    yield case.head
    if case.guard is not None:
        yield Do(case.guard)
    yield from steps(case.body)


def expressions(step: Node) -> tuple[Expr, ...]:
    """The expressions that a simple step evaluates, in order; targets that are stored to included."""
    match step:
        case Do(value=value) | Assert(test=value):
            return (value,)
        case Assign(targets=targets, value=value):
            return targets if value is None else (value, *targets)
        case Iterate(target=target, iterable=iterable):
            return (iterable, target)
        case Enter(value=value, target=target):
            return (value,) if target is None else (value, target)
        case Return(value=value) | Raise(value=value):
            return () if value is None else (value,)
        case Caught(types=types):
            return () if types is None else (types,)
        case Delete(targets=targets):
            return targets
        case _:
            return ()


def _comprehension(expr: Comprehension) -> tuple[Expr, ...]:
    parts: list[Expr] = []
    for clause in expr.clauses:
        parts += [clause.iterable, clause.target, *clause.conditions]
    return (*parts, expr.element)


_Parts: TypeAlias = "Callable[[Any], tuple[Expr, ...]]"


def _one(expr: Attr | Await | Not | Star | Walrus) -> tuple[Expr, ...]:
    return (expr.value,)


def _call(expr: Call) -> tuple[Expr, ...]:
    if expr.keywords:
        return (expr.func, *expr.args, *[k.value for k in expr.keywords])
    return (expr.func, *expr.args)


_PARTS: dict[type[Expr], _Parts] = {
    Attr: _one,
    Await: _one,
    Not: _one,
    Star: _one,
    Walrus: _one,
    Call: _call,
    Item: lambda expr: (expr.value, expr.key),
    Logic: lambda expr: expr.values,
    IfElse: lambda expr: (expr.test, expr.then, expr.orelse),
    Compare: lambda expr: (expr.left, expr.right),
    Group: lambda expr: expr.items,
    Opaque: lambda expr: expr.parts,
    Yield: lambda expr: () if expr.value is None else (expr.value,),
    Comprehension: _comprehension,
}
"""How each kind of expression is taken apart; all others have no parts."""


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression in the order of evaluation."""
    parts = _PARTS.get(type(expr))
    return parts(expr) if parts is not None else ()


def walk(expr: Expr) -> list[Expr]:
    """An expression and everything inside it, an outer one before its parts."""
    if type(expr) not in _PARTS:
        return [expr]
    found: list[Expr] = []
    waiting = [expr]
    while waiting:
        current = waiting.pop()
        found.append(current)
        parts = _PARTS.get(type(current))
        if parts is not None:
            waiting += reversed(parts(current))
    return found


def blocks(node: Node) -> tuple[tuple[Node, ...], ...]:
    """The blocks of a compound statement; none for a simple step."""
    match node:
        case With(body=body):
            return (body,)
        case Branch(then=then, orelse=orelse):
            return (then, orelse)
        case For(body=body, orelse=orelse) | While(body=body, orelse=orelse):
            return (body, orelse)
        case Try(body=body, handlers=handlers, orelse=orelse, final=final):
            return (body, *(h.body for h in handlers), orelse, final)
        case Match(cases=cases):
            return tuple(c.body for c in cases)
        case _:
            return ()


def decisions(nodes: tuple[Node, ...], without: Span | None = None) -> Iterator[Expr]:
    """The tests of a body, without those in the region of the lock that is taken at a span."""
    for node in nodes:
        if isinstance(node, With) and any(item.span == without for item in node.items):
            continue
        if isinstance(node, Branch | While):
            yield node.test
        for inner in blocks(node):
            yield from decisions(inner, without)


def calls_in(nodes: tuple[Node, ...]) -> Iterator[Call]:
    """Every call in a body, in order."""
    for step in steps(nodes):
        for expr in expressions(step):
            yield from (inner for inner in walk(expr) if isinstance(inner, Call))


def contains(nodes: tuple[Node, ...], span: Span) -> bool:
    """Whether what stands at a span (a call, an attribute, the item of a `with`) is in a block."""
    for step in steps(nodes):
        if isinstance(step, Enter | Iterate) and step.span == span:
            return True
        for expr in expressions(step):
            if any(isinstance(inner, Call | Attr | Await) and inner.span == span for inner in walk(expr)):
                return True
    return False
