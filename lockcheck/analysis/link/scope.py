"""The names that a function binds, read off its body without regard to order."""

from __future__ import annotations

from sys import intern

import msgspec

from lockcheck.analysis.link.bodies import PARTS, expressions, steps
from lockcheck.analysis.link.naming import packed
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.words import share_name
from lockcheck.model.expression import (
    Attr,
    Call,
    Comprehension,
    Expr,
    Group,
    Item,
    Name,
    Star,
    Walrus,
)
from lockcheck.model.facts import FunctionFacts, ImportFact
from lockcheck.model.flow import (
    Assign,
    Bound,
    Caught,
    Define,
    Do,
    Enter,
    Iterate,
    Node,
    Return,
)
from lockcheck.model.identity import FunctionId

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
        outer = (*self.facts.globals, *self.facts.nonlocals)
        self._outer = frozenset(outer) if outer else _NONE
        for item in self.facts.imports:
            self._bind(item.bound.partition(".")[0] if item.attribute is None else item.bound, _imported(item))
        for step in steps(program.body(identity)):
            if type(step) is not Do:  # most are, and they bind nothing by themselves
                self._step(step)
            self._inside(expressions(step))
        self.bindings = packed(self._bindings)
        """The ways in which each name gets its value, in source order."""
        self.calls = packed(self._calls)
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
                    if value is not None and isinstance(target, Item):
                        self.writes += ((value, target.value),)
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

    def _inside(self, given: tuple[Expr, ...]) -> None:
        """Calls, and names bound inside expressions."""
        waiting = [*reversed(given)]
        while waiting:  # as `walk` does, at half of its price: no other walk is made of all that is followed
            inner = waiting.pop()
            if isinstance(inner, Name):
                share_name(inner)
                continue
            if isinstance(inner, Attr):
                share_name(inner)
                waiting.append(inner.value)
                continue
            parts = PARTS.get(type(inner))
            if parts is None:
                continue
            if isinstance(inner, Call):
                self._call(inner)
            elif isinstance(inner, Walrus):
                self._bind(inner.name, Binding("value", inner.value))
            elif isinstance(inner, Comprehension):
                for clause in inner.clauses:
                    self._target(clause.target, "element", clause.iterable, (), clause.is_async)
            waiting += reversed(parts(inner))

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


_NONE: frozenset[str] = frozenset()
"""One for all: Python makes a new one each time, of 216 bytes."""


def _imported(item: ImportFact) -> Binding:
    return Binding("import", imported=item)
