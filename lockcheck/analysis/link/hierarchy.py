"""Classes and their bases: resolution order, inherited methods and attributes, overrides."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.reads import NOTHING
from lockcheck.analysis.link.values import UNKNOWN, ClassValue, External, ModuleValue, Value, options
from lockcheck.model.expression import Attr, Call, Const, Expr, Item, Name
from lockcheck.model.facts import AttributeFact, FunctionFacts
from lockcheck.model.identity import ClassId, FunctionId

MAX_BELOW = 12
"""Subclasses that are looked into for what a class leaves to them."""


class Method(msgspec.Struct, frozen=True):
    """A method as a class has it: the class that defines it and its function."""

    owner: ClassId
    function: FunctionId


class Hierarchy:
    """The classes of a program, linked to their bases."""

    def __init__(self, program: Program) -> None:
        """Resolve the bases of every class."""
        self.program = program
        self._reads = program.reads
        self._linked: dict[ClassId, int] = {}
        """What the bases of each class were read from."""
        self._above: dict[ClassId, int] = {}
        """The same of a class and all that it derives from."""
        self._bases: dict[ClassId, tuple[Value, ...]] = {}
        self._subclasses: dict[ClassId, list[ClassId]] = {}
        self._mro: dict[ClassId, tuple[ClassId, ...]] = {}
        self._library: dict[ClassId, tuple[str, ...]] = {}
        self._methods: dict[ClassId, dict[str, FunctionId]] = {}
        self._found: dict[ClassId, dict[str, Method | None]] = {}
        self._below: dict[ClassId, dict[str, list[ClassId]]] = {}
        self._attributes: dict[ClassId, dict[str, list[AttributeFact]]] = {}
        self._setter_index: dict[ClassId, dict[str, FunctionId]] | None = None
        self._descendants: dict[ClassId, tuple[ClassId, ...]] = {}
        for identity, facts in program.classes.items():
            before = program.reads.begin()
            program.reads.note_outline(identity.module, identity.qualname)
            found: list[Value] = []
            for base in facts.bases:
                found += [v for v in options(self.static(base, identity)) if isinstance(v, ClassValue | External)]
            self._bases[identity] = tuple(found)
            self._linked[identity] = program.reads.end(before)
            for value in found:
                if isinstance(value, ClassValue) and value.id != identity:
                    self._subclasses.setdefault(value.id, []).append(identity)

    @staticmethod
    def scope_of(owner: ClassId, fact: AttributeFact) -> FunctionId:
        """The function in which an attribute's value is to be read; a class's body counts as one."""
        return FunctionId(owner.module, fact.function or f"{owner.qualname}.<body>")

    def static(self, expr: Expr, scope: ClassId) -> Value:
        """A dotted name as the module of a class sees it; subscripts (generics) are looked through."""
        match expr:
            case Name(id=name):
                return self._name(name, scope)
            case Attr(value=value, name=name):
                outer = self.static(value, scope)
                match outer:
                    case ModuleValue(name=module):
                        return self.program.member(module, name)
                    case External(name=prefix):
                        return External(f"{prefix}.{name}")
                    case ClassValue(id=id):
                        inner = ClassId(id.module, f"{id.qualname}.{name}")
                        return ClassValue(inner) if inner in self.program.classes else UNKNOWN
                    case _:
                        return UNKNOWN
            case Item(value=value):
                return self.static(value, scope)
            case Call(func=func, args=args) if args:
                # six.with_metaclass(Meta, Base): the bases are the arguments behind the first.
                named = self.static(func, scope)
                if isinstance(named, External) and named.name.endswith("with_metaclass"):
                    return self.static(args[-1], scope) if len(args) > 1 else UNKNOWN
                return UNKNOWN
            case _:
                return UNKNOWN

    def _name(self, name: str, scope: ClassId) -> Value:
        prefix = scope.qualname
        while "." in prefix:
            prefix = prefix.rpartition(".")[0]
            inner = ClassId(scope.module, f"{prefix}.{name}")
            if inner in self.program.classes and inner != scope:
                return ClassValue(inner)
        found = self.program.attribute(scope.module, name)
        if found == ClassValue(scope) and len(self.program.names(scope.module, name).imports.get(name, ())):
            return UNKNOWN
        if found == UNKNOWN and self.program.defines(scope.module, name):
            for _, value in self.program.global_values(scope.module, name):
                if isinstance(value, Name | Attr) and value != Name(name):
                    return self.static(value, scope)
        if found == UNKNOWN and not self.program.defines(scope.module, name):
            return External(f"builtins.{name}")
        return found

    def bases(self, identity: ClassId) -> tuple[Value, ...]:
        """Direct bases that resolved: classes of the program and external names, in order."""
        self._reads.now.add(self._linked.get(identity, NOTHING))
        return self._bases.get(identity, ())

    def mro(self, identity: ClassId) -> tuple[ClassId, ...]:
        """The program's classes in method resolution order (C3); where that fails, depth first."""
        found = self._mro.get(identity)
        if found is None:
            order = _c3(identity, self._own_bases, {})
            found = self._mro[identity] = tuple(order if order is not None else self._depth_first(identity))
            self._above[identity] = self._reads.together({self._linked.get(cls, NOTHING) for cls in found})
        self._reads.now.add(self._above[identity])
        return found

    def _own_bases(self, identity: ClassId) -> list[ClassId]:
        return [b.id for b in self._bases.get(identity, ()) if isinstance(b, ClassValue)]

    def _depth_first(self, identity: ClassId) -> list[ClassId]:
        seen: dict[ClassId, None] = {}
        stack = [identity]
        while stack:
            current = stack.pop()
            if current not in seen:
                seen[current] = None
                stack += reversed(self._own_bases(current))
        return list(seen)

    def library_bases(self, identity: ClassId) -> tuple[str, ...]:
        """Names of the external classes that a class is derived from, nearest first."""
        order = self.mro(identity)
        found = self._library.get(identity)
        if found is None:
            bases = (base for cls in order for base in self._bases.get(cls, ()))
            found = self._library[identity] = tuple(base.name for base in bases if isinstance(base, External))
        return found

    def subclasses(self, identity: ClassId) -> tuple[ClassId, ...]:
        """All strict subclasses in the program, sorted."""
        self._reads.note_below(identity)
        found = self._descendants.get(identity)
        if found is None:
            seen: set[ClassId] = set()
            stack = list(self._subclasses.get(identity, ()))
            while stack:
                current = stack.pop()
                if current not in seen and current != identity:
                    seen.add(current)
                    stack += self._subclasses.get(current, ())
            found = self._descendants[identity] = tuple(sorted(seen))
        return found

    def derives(self, identity: ClassId, base: ClassId) -> bool:
        """Whether a class is `base` or derived from it."""
        return identity == base or base in self.mro(identity)

    def related(self, one: ClassId, other: ClassId) -> ClassId | None:
        """The more derived of two classes on one line of inheritance; None where neither derives from the other."""
        if self.derives(one, other):
            return one
        return other if self.derives(other, one) else None

    def own_methods(self, identity: ClassId) -> dict[str, FunctionId]:
        """The functions defined directly in a class."""
        self._reads.note_outline(identity.module, identity.qualname)
        found = self._methods.get(identity)
        if found is None:
            facts = self.program.classes[identity].methods
            found = self._methods[identity] = {n: FunctionId(identity.module, q) for n, q in facts}
        return found

    def method(self, identity: ClassId, name: str, after: ClassId | None = None) -> Method | None:
        """The method that an instance of a class has; `after` starts behind that class in the order (`super()`)."""
        if after is not None:
            return self._method(identity, name, after)
        known = self._found.setdefault(identity, {})
        if name not in known:
            known[name] = self._method(identity, name, None)
        else:
            self._reads.now.add(self._above[identity])
        return known[name]

    def _method(self, identity: ClassId, name: str, after: ClassId | None) -> Method | None:
        order = self.mro(identity)
        if after is not None and after in order:
            order = order[order.index(after) + 1 :]
        for cls in order:
            found = self.own_methods(cls).get(name)
            if found is not None:
                return Method(cls, found)
        return None

    def setter(self, identity: ClassId, name: str) -> FunctionId | None:
        """The function that runs when a property of an instance is assigned to."""
        for cls in self.mro(identity):
            if name in self.own_methods(cls):
                return self._setters(cls).get(name)
        return None

    def _setters(self, cls: ClassId) -> dict[str, FunctionId]:
        self._reads.note_outline(cls.module, cls.qualname)
        if self._setter_index is None:
            self._setter_index = {}
            for function, facts in self.program.functions.items():
                if facts.owner is not None and is_setter(facts):
                    owner = ClassId(function.module, facts.owner)
                    self._setter_index.setdefault(owner, {})[facts.name] = function
        return self._setter_index.get(cls, {})

    def overrides(self, identity: ClassId, name: str) -> tuple[Method, ...]:
        """The definitions of a method in strict subclasses."""
        return tuple(
            Method(cls, self.own_methods(cls)[name])
            for cls in self.subclasses(identity)
            if name in self.own_methods(cls)
        )

    def own_attributes(self, identity: ClassId) -> dict[str, list[AttributeFact]]:
        """What a class itself gives to each attribute."""
        self._reads.note_values(identity.module, identity.qualname)
        found = self._attributes.get(identity)
        if found is None:
            found = self._attributes[identity] = {}
            for fact in self.program.classes[identity].attributes:
                found.setdefault(fact.name, []).append(fact)
        return found

    def below(self, identity: ClassId, name: str) -> list[ClassId]:
        """The first few strict subclasses, sorted, that themselves give a name: a method or an attribute."""
        subclasses = self.subclasses(identity)[:MAX_BELOW]
        for cls in subclasses:
            self._reads.note_outline(cls.module, cls.qualname)
            self._reads.note_values(cls.module, cls.qualname)
        found = self._below.get(identity)
        if found is None:
            found = self._below[identity] = {}
            for cls in subclasses:
                for own in self.own_methods(cls).keys() | self.own_attributes(cls).keys():
                    found.setdefault(own, []).append(cls)
        return found.get(name, [])

    def attribute(self, identity: ClassId, name: str) -> tuple[ClassId, list[AttributeFact]] | None:
        """The class in resolution order that gives an attribute a value, with those facts.

        A class that gives it a value other than None is preferred to a nearer one that only declares it.
        """
        declared: tuple[ClassId, list[AttributeFact]] | None = None
        for cls in self.mro(identity):
            facts = self.own_attributes(cls).get(name)
            if facts is not None:
                if any(f.value is not None and not _is_none(f.value) for f in facts):
                    return cls, facts
                declared = declared or (cls, facts)
        return declared


def is_setter(facts: FunctionFacts) -> bool:
    """Whether a function runs when a property is assigned to."""
    return any(isinstance(decorator, Attr) and decorator.name == "setter" for decorator in facts.decorators)


def _is_none(value: Expr) -> bool:
    return isinstance(value, Const) and value.value is None


def _c3(
    identity: ClassId, bases: Callable[[ClassId], list[ClassId]], seen: dict[ClassId, None]
) -> list[ClassId] | None:
    """The C3 linearisation (Barrett et al., 1996), None where there is none or the bases run in a circle."""
    if identity in seen or len(seen) > 100:
        return None
    own = bases(identity)
    inner = {**seen, identity: None}
    lists: list[list[ClassId]] = []
    for base in own:
        order = _c3(base, bases, inner)
        if order is None:
            return None
        lists.append(order)
    lists.append(list(own))
    merged = [identity]
    while any(lists):
        for sequence in lists:
            if sequence and not any(sequence[0] in other[1:] for other in lists):
                head = sequence[0]
                break
        else:
            return None
        merged.append(head)
        lists = [[c for c in sequence if c != head] for sequence in lists]
    return merged
