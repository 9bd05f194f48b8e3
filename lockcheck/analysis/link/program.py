"""The program: every module, class and function under its identity, and names that reach across modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import msgspec

from lockcheck.analysis.link.naming import Names, identified, namespaces, packed
from lockcheck.analysis.link.reads import ALL, STARS, OfClasses, OfFunctions, OfModules, Reads
from lockcheck.analysis.link.values import (
    UNKNOWN,
    ClassValue,
    External,
    FunctionValue,
    ModuleValue,
    Value,
    join,
)
from lockcheck.analysis.link.words import share
from lockcheck.knowledge.load import Library
from lockcheck.model.expression import Expr
from lockcheck.model.facts import MODULE, ClassFacts, ContractFact, FunctionFacts, GlobalFact, ImportFact, Unit
from lockcheck.model.flow import Node
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.library import Effect, LibraryType

Visit = Callable[[Unit, FunctionFacts], "tuple[Node, ...] | None"]
"""Gives the structured body of a function whose facts hold a flat one, or None where that can't be had."""


class Program:
    """All modules of a program. Lookups are lazy and remembered; nothing depends on the order of the files."""

    def __init__(self, units: Sequence[Unit], library: Library, visit: Visit | None = None) -> None:
        """Index the units; `visit` is asked for structured bodies that the facts do not hold yet."""
        self.library = library
        self.reads = Reads()
        self._units = {u.module: u for u in sorted(units, key=lambda u: u.module)}
        self.units: dict[str, Unit] = OfModules(self.reads, self._units)
        self.classes: dict[ClassId, ClassFacts] = OfClasses(self.reads)
        self.functions: dict[FunctionId, FunctionFacts] = OfFunctions(self.reads)
        for unit in self.units.values():
            share(unit.facts)
            for item in unit.facts.classes:
                self.classes[ClassId(unit.module, item.qualname)] = item
            for name, function in identified(unit.facts.functions).items():
                self.functions[FunctionId(unit.module, name)] = function
        self.contracts = self._contracts()
        self.libraries = library.packages()
        self.namespaces = namespaces(self._units)
        self._global_values: dict[tuple[str, str], tuple[tuple[FunctionId, Expr], ...]] = {}
        self._visit = visit
        self._names: dict[str, Names] = {}
        self._bodies: dict[FunctionId, tuple[Node, ...]] = {}
        self._visited: dict[FunctionId, tuple[Node, ...]] = {}
        """Flat bodies that structured ones have replaced: kept, since inference remembers by their expressions."""
        self._refused: set[FunctionId] = set()
        self._looked_at: dict[FunctionId, tuple[Node, ...] | None] = {}
        self._callers: dict[str, tuple[FunctionId, ...]] | None = None
        self._by_module: dict[str, list[FunctionId]] | None = None
        self._attributes: dict[tuple[str, str], tuple[Value, int]] = {}
        """What names denote, with what that was read from."""
        self._busy: set[tuple[str, str]] = set()
        self.opaque: dict[ClassId, str] = {}
        """Classes of the program that the configuration describes, by the name that it gives them."""
        self.described: dict[FunctionId, Effect] = {}
        """Functions of the program of which the configuration says what they do: they are not looked into."""
        self.unknown: tuple[str, ...] = self._describe()
        """Names that the configuration describes in modules of the program which do not have them."""

    def _describe(self) -> tuple[str, ...]:
        """Find what the configuration describes; give the names that are not there."""
        missing: list[str] = []
        opaque: dict[ClassId, str] = {}
        for name, meaning in self.library.described().items():
            found = self._named(name)
            match meaning, found:
                case Effect(), FunctionValue(id=function):
                    is_async = self.functions[function].is_async
                    self.described[function] = msgspec.structs.replace(meaning, awaitable=is_async)
                case LibraryType(), ClassValue(id=cls):
                    opaque[cls] = name
                case _, External() | None:
                    pass
                case _:
                    missing.append(name)
        self.opaque = opaque
        self._attributes.clear()
        return tuple(missing)

    def _named(self, qualname: str) -> Value | None:
        """What a qualified name of the configuration denotes; None where it lies outside of the program."""
        parts = qualname.split(".")
        for at in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:at])
            if self.has(module):
                found = self.attribute(module, parts[at])
                for word in parts[at + 1 :]:
                    found = self._within(found, word)
                return found
        return None

    def _within(self, outer: Value, name: str) -> Value:
        if not isinstance(outer, ClassValue):
            return outer if isinstance(outer, External) else UNKNOWN
        inner = f"{outer.id.qualname}.{name}"
        if ClassId(outer.id.module, inner) in self.classes:
            return ClassValue(ClassId(outer.id.module, inner))
        function = FunctionId(outer.id.module, inner)
        return FunctionValue(function) if function in self.functions else UNKNOWN

    def _contracts(self) -> dict[FunctionId, tuple[ContractFact, ...]]:
        """What comments say of the functions of the program, by function."""
        found: dict[FunctionId, list[ContractFact]] = {}
        known = {unit.module: unit.facts.contracts for unit in self.units.values() if unit.facts.contracts}
        for identity, facts in self.functions.items() if known else ():
            for contract in known.get(identity.module, ()):
                if (contract.name, contract.first_row) == (facts.name, facts.first_row):
                    found.setdefault(identity, []).append(contract)
        return {identity: tuple(items) for identity, items in found.items()}

    def has(self, module: str) -> bool:
        """Whether the program has a module of this name."""
        is_there = module in self._units
        if is_there:
            self.reads.note_outline(module, STARS)  # it goes with the module, and who asks on reads it anyway
        else:
            self.reads.note_presence(module)
        return is_there

    def _is_there(self, name: str) -> bool:
        """Whether the program has a module or a package of this name."""
        return self.has(name) or name in self.namespaces

    def read_freely(self) -> None:
        """Note no more what is looked up: from now on nobody will want to know."""
        self.units, self.classes, self.functions = self._units, dict(self.classes), dict(self.functions)

    def functions_of(self, module: str) -> tuple[FunctionId, ...]:
        """The functions of a module of the program, in the order of its facts."""
        self.reads.note_outline(module, ALL)
        if self._by_module is None:
            self._by_module = {}
            for identity in self.functions:
                self._by_module.setdefault(identity.module, []).append(identity)
        return tuple(self._by_module.get(module, ()))

    def names(self, module: str, name: str) -> Names:
        """The names of a module of the program, for a look at one: what globals are given see `global_values`."""
        self.reads.note_outline(module, name)
        found = self._names.get(module)
        if found is None:
            found = self._names[module] = Names(self._units[module])
        return found

    def _stars(self, module: str) -> list[ImportFact]:
        """From where a module takes whatever is there."""
        return self.names(module, STARS).stars

    def body(self, function: FunctionId) -> tuple[Node, ...]:
        """The body as the facts have it: structured where the function was visited, else flat."""
        self.reads.note_code(function)
        found = self._bodies.get(function)
        if found is None:
            found = self._bodies[function] = self.functions[function].nodes()
        return found

    def speak_of_places(self, function: FunctionId) -> None:
        """Note that places in a function are told: most count from its beginning, and stay the same when it moves."""
        if self.functions[function].first != 1 or function.qualname == MODULE:
            self.reads.note_rows(function.module)

    def blocks(self, function: FunctionId) -> tuple[Node, ...] | None:
        """The structured body of a function, for a look at one way through it; what the program goes by stays."""
        if self.has_blocks(function):
            return self.body(function)
        if function not in self._looked_at:
            nodes = None
            if self._visit is not None and function not in self._refused:
                nodes = self._visit(self._units[function.module], self.functions[function])
            self._looked_at[function] = nodes
        return self._looked_at[function]

    def has_blocks(self, function: FunctionId) -> bool:
        """Whether the body of a function is structured now."""
        return self.functions[function].visited or function in self._visited

    def visit(self, function: FunctionId) -> bool:
        """Whether the body of a function has its blocks from now on: it is visited if need be and possible."""
        if self.has_blocks(function):
            return True
        if self._visit is None or function in self._refused:
            return False
        nodes = self._visit(self._units[function.module], self.functions[function])
        if nodes is None:
            self._refused.add(function)
            return False
        self._visited[function] = self.body(function)
        self._bodies[function] = nodes
        return True

    def forget_visits(self) -> None:
        """Have every body as its facts have it."""
        self._bodies.update(self._visited)
        self._visited.clear()

    def speaking_of(self, name: str) -> Iterator[FunctionId]:
        """Functions in whose bodies a name may stand, in a stable order; most bodies are not even unpacked for it."""
        word = name.encode()
        for module, bodies in self._packed.items():
            if word in bodies:
                yield from (each for each in self.functions_of(module) if self.speaks_of(each, name))

    @cached_property
    def _packed(self) -> dict[str, bytes]:
        """All bodies of each module, one behind the other: what does not stand there, stands in none of them."""
        return {
            module: b"".join([bytes(self.functions[each].body) for each in self.functions_of(module)])
            for module in self._units
        }

    def speaks_of(self, function: FunctionId, name: str) -> bool:
        """Whether a name may stand in the body of a function, which is not unpacked for it."""
        return name.encode() in bytes(self.functions[function].body)

    def callers(self, name: str) -> tuple[FunctionId, ...]:
        """Functions that call something whose last word is `name`, in a stable order."""
        self.reads.note_word("called", name)
        return self._calling(name)

    def _calling(self, name: str) -> tuple[FunctionId, ...]:
        if self._callers is None:
            callers: dict[str, list[FunctionId]] = {}
            for identity, facts in self.functions.items():
                for word in facts.called:
                    callers.setdefault(word, []).append(identity)
            self._callers = packed(callers)
        return self._callers.get(name, ())

    def is_common(self, name: str, many: int) -> bool:
        """Whether more than so many functions call something whose last word is `name`."""
        self.reads.note_word("common", name)
        return len(self._calling(name)) > many

    def declared(self, module: str, name: str) -> tuple[GlobalFact, ...]:
        """What a module says of a global: the facts of each assignment."""
        self.reads.note_values(module, name)
        return self.names(module, name).globals.get(name, ())

    def import_target(self, module: str, item: ImportFact) -> Value:
        """What an import in `module` binds: something of the program, or an external name."""
        base = self._absolute(module, item)
        if base is None:
            return UNKNOWN
        if item.attribute is None:
            return self.module(base)
        return self.member(base, item.attribute)

    def module(self, name: str) -> Value:
        """The module of the program with this name, or an external one."""
        if self._is_there(name):
            return ModuleValue(name)
        head, _, rest = name.partition(".")
        if rest and self._is_there(head):
            # A library that a package carries with it goes by its own name.
            for index, word in enumerate(parts := name.split(".")):
                if index and word in self.libraries:
                    return External(".".join(parts[index:]))
        return External(name)

    def member(self, module: str, name: str) -> Value:
        """Attribute `name` of a module that may or may not belong to the program."""
        if self._is_there(module):
            return self.attribute(module, name)
        outer = self.module(module)
        return External(f"{outer.name}.{name}") if isinstance(outer, External) else UNKNOWN

    def _absolute(self, module: str, item: ImportFact) -> str | None:
        if not item.level:
            return item.module
        parts = module.split(".")
        unit = self.units.get(module)
        drop = item.level - (1 if unit is not None and unit.is_package else 0)
        if drop > len(parts):
            return None
        base = parts[: len(parts) - drop]
        return ".".join([*base, item.module] if item.module else base)

    def attribute(self, module: str, name: str) -> Value:
        """What `name` denotes at the top level of a module of the program; values of globals are left to inference."""
        key = (module, name)
        found = self._attributes.get(key)
        if found is not None:
            self.reads.now.add(found[1])
            return found[0]
        if key in self._busy:
            return UNKNOWN
        self._busy.add(key)
        before = self.reads.begin()
        try:
            value = self._attribute(module, name)
        finally:
            self._busy.discard(key)
            own = self.reads.end(before)
        if not self._busy:
            self._attributes[key] = value, own
        return value

    def _attribute(self, module: str, name: str) -> Value:
        if not self.has(module):
            inner = f"{module}.{name}"
            return ModuleValue(inner) if self._is_there(inner) else UNKNOWN
        names = self.names(module, name)
        values: list[Value] = []
        if name in names.classes:
            cls = ClassId(module, name)
            values.append(External(self.opaque[cls]) if cls in self.opaque else ClassValue(cls))
        if name in names.functions:
            values.append(FunctionValue(FunctionId(module, name)))
        values += [self.import_target(module, item) for item in names.imports.get(name, ())]
        found = join(values)
        if found != UNKNOWN:
            return found
        if name not in names.globals:
            if self._is_there(f"{module}.{name}"):
                return ModuleValue(f"{module}.{name}")
            for item in self._stars(module):
                base = self._absolute(module, item)
                if base is None or base == module or name.startswith("_"):
                    continue
                through = self.member(base, name)
                if self.has(base) and (through != UNKNOWN or self.defines(base, name)):
                    return through
                if isinstance(through, External) and (
                    self.library.call(through.name) or self.library.type(through.name)
                ):
                    return through
        return UNKNOWN

    def defines(self, module: str, name: str) -> bool:
        """Whether a module of the program assigns a global of this name."""
        return self.has(module) and name in self.names(module, name).globals

    def home(self, module: str, name: str, depth: int = 12) -> tuple[str, str] | None:
        """Where the global that `module` calls `name` is assigned: its module and its name there."""
        if depth == 0 or not self.has(module):
            return None
        names = self.names(module, name)
        for item in names.imports.get(name, ()):
            base = self._absolute(module, item)
            if base is not None and item.attribute is not None:
                found = self.home(base, item.attribute, depth - 1)
                if found is not None:
                    return found
        if name in names.globals:
            return module, name
        for item in self._stars(module):
            base = self._absolute(module, item)
            if base is not None and base != module:
                found = self.home(base, name, depth - 1)
                if found is not None:
                    return found
        return None

    def global_values(self, module: str, name: str) -> tuple[tuple[FunctionId, Expr], ...]:
        """Each value that is assigned to a global, with the function in which it is to be read."""
        self.reads.note_values(module, name)
        found = self._global_values.get((module, name))
        if found is None:
            facts = self.names(module, name).globals.get(name, ())
            found = tuple((FunctionId(module, f.function), f.value) for f in facts if f.value is not None)
            self._global_values[module, name] = found
        return found
