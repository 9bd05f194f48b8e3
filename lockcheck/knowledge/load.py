"""The library of what libraries do: one look-up for every question, reading a table when its package is first named."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import TypeVar

import msgspec

from lockcheck.knowledge.schema import Table, TableError, table
from lockcheck.model.library import Effect, LibraryType

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGES = re.compile(r"^packages = \[([^\]]*)\]$", re.MULTILINE)
_V = TypeVar("_V")
_WORD = re.compile(r'"(\w+)"')


@functools.cache
def load() -> Library:
    """The shipped tables, the same object at each call."""
    return Library(_shelf())


def parse(text: str, source: str) -> Table:
    """Read one table from the text of a TOML file; raises `TableError`, which names `source`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"{source}: {error}") from None
    return table(raw, source)


def members(returns: str) -> tuple[str, ...]:
    """The types of the elements where `returns` is a tuple (`tuple[A, B]`), else none."""
    if not returns.startswith("tuple["):
        return ()
    return tuple(part.strip() for part in returns[len("tuple[") : -1].split(","))


class Library:
    """What is known of libraries, by qualified name.

    Every name may be given in any spelling that the tables list. A table is read when a name of one of its
    packages is first asked for; `extended` gives a library in which a user's tables come before the shipped ones.
    """

    def __init__(self, shelf: Mapping[str, tuple[_Volume, ...]], own: tuple[Table, ...] = ()) -> None:
        """The tables of `shelf`, which are read when they are needed, beneath those of `own`."""
        self._shelf = shelf
        self._own = own
        self._waiting = dict(shelf)
        self._opened: set[str] = set()
        self._calls: dict[str, Effect] = {}
        self._types: dict[str, LibraryType] = {}
        self._aliases: dict[str, str] = {}
        self._modules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._lines: dict[str, tuple[LibraryType, ...]] = {}
        self._complete: dict[str, LibraryType] = {}
        for mine in own:
            self._add(mine)

    def canonical(self, qualname: str) -> str:
        """The one spelling under which the tables know the name, also of a member; an unknown name as it is."""
        known = self._names.get(qualname)
        if known is None:
            known = self._names[qualname] = self._resolve(qualname)
        return known

    def type(self, qualname: str) -> LibraryType | None:
        """The class of that name; the kind of lock or queue that it inherits is filled in."""
        name = self.canonical(qualname)
        found = self._complete.get(name)
        if found is None:
            plain = self._types.get(name)
            if plain is None:
                return None
            found = self._complete[name] = self._with_kind(plain)
        return found

    def call(self, qualname: str) -> Effect | None:
        """What calling the function of that name does. Not for classes: see `LibraryType.constructor`."""
        return self._calls.get(self.canonical(qualname))

    def calling(self, qualname: str) -> Effect | None:
        """What calling the name does, be it a function or a class; the result of a class is an object of it.

        None where nothing is known of the name.
        """
        name = self.canonical(qualname)
        effect = self._calls.get(name)
        if effect is not None or name not in self._types:
            return effect
        made = self.constructor(name)
        if made is None:
            return Effect(returns=name)
        return made if made.returns is not None else msgspec.structs.replace(made, returns=name)

    def method(self, type_name: str, method: str) -> Effect | None:
        """What calling the method does, looked up along the bases; None where nothing is known of it.

        A type whose methods are made when the program runs has an entry `__getattr__`, which stands for them all.
        """
        for name in (method, "__getattr__"):
            for found in self._line(type_name):
                effect = found.methods.get(name)
                if effect is not None:
                    return effect
            if method.startswith("__"):
                break
        return None

    def acting(self, type_name: str, *operations: str) -> frozenset[str]:
        """The names of the type's methods that do one of the operations."""
        return frozenset(
            name
            for found in self._line(type_name)
            for name, effect in found.methods.items()
            if effect.operation in operations
        )

    def constructor(self, type_name: str) -> Effect | None:
        """What making an object of the type does, looked up along the bases."""
        for found in self._line(type_name):
            if found.constructor is not None:
                return found.constructor
        return None

    def attribute(self, type_name: str, attribute: str) -> str | None:
        """The type of the attribute, looked up along the bases."""
        for found in self._line(type_name):
            target = found.attributes.get(attribute)
            if target is not None:
                return target
        return None

    def is_subtype(self, name: str, base: str) -> bool:
        """Whether the first type is the second or derives from it. A name that is not known derives from nothing."""
        wanted = self.canonical(base)
        return self.canonical(name) == wanted or any(wanted == found.name for found in self._line(name))

    def packages(self) -> frozenset[str]:
        """The top-level packages that some table speaks of."""
        own = {name.partition(".")[0] for mine in self._own for name in (*mine.calls, *mine.types, *mine.aliases)}
        return frozenset(self._shelf) | own

    def classes(self, module: str) -> tuple[str, ...]:
        """The last words of the classes that the tables know under a module, in the spelling that users import."""
        self._open(module)
        places = {module, self._modules.get(module, module)}
        spelled = (*self._types, *(alias for alias in self._aliases if self.canonical(alias) in self._types))
        return tuple(sorted({word for outer, _, word in (n.rpartition(".") for n in spelled) if outer in places}))

    def speaks_of(self, module: str) -> bool:
        """Whether the tables know anything below a module: it is a package then."""
        self._open(module)
        inside = f"{module}."
        return any(name.startswith(inside) for names in (self._types, self._aliases, self._modules) for name in names)

    def methods_that_act(self) -> frozenset[str]:
        """The names of all methods that may block or work on a primitive, whatever their class. It reads every table."""
        tables = (*self._own, *(one for _, one in self.tables()))
        effects = (pair for one in tables for kind in one.types.values() for pair in kind.methods.items())
        return frozenset(name for name, effect in effects if effect.blocks is not None or effect.operation is not None)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every shipped table with its file name: for checks and documentation, as it reads them all."""
        volumes = {volume.name: volume for some in self._shelf.values() for volume in some}
        for name in sorted(volumes):
            yield name, volumes[name].open()

    def extended(self, user: Mapping[str, object], source: str = "configuration") -> Library:
        """A library in which `user`, a table as the shipped ones are written, comes first.

        Raises `TableError`, which names `source` and the key.
        """
        return self.preceded_by(table(user, source))

    def preceded_by(self, given: Table) -> Library:
        """A library in which a table comes first.

        A type that is known already gains the methods and attributes given, and takes the kind given.
        """
        types = {self.canonical(name): kind for name, kind in given.types.items()}
        respelled = msgspec.structs.replace(
            given,
            calls={self.canonical(name): effect for name, effect in given.calls.items()},
            types={name: msgspec.structs.replace(kind, name=name) for name, kind in types.items()},
        )
        return Library(self._shelf, (*self._own, respelled))

    def described(self) -> dict[str, Effect | LibraryType]:
        """What a user's tables say, by the name that they use: calls, and types with a kind."""
        found: dict[str, Effect | LibraryType] = {}
        for mine in self._own:
            found.update(mine.calls)
            found.update((name, kind) for name, kind in mine.types.items() if kind.lock or kind.queue or kind.bases)
        return found

    def _resolve(self, qualname: str) -> str:
        self._open(qualname)
        head, rest = qualname, ""
        while head:
            found = self._spelled(head)
            if found is not None:
                return found + rest
            head, _, word = head.rpartition(".")
            rest = f".{word}{rest}"
        return qualname

    def _spelled(self, qualname: str) -> str | None:
        """The canonical spelling of a name that has an entry of its own."""
        if qualname in self._calls or qualname in self._types:
            return qualname
        found = self._aliases.get(qualname)
        if found is None:
            module, _, word = qualname.rpartition(".")
            home = self._modules.get(module)
            if home is None:
                return None
            found = f"{home}.{word}"
        self._open(found)
        found = self._aliases.get(found, found)
        return found if found in self._calls or found in self._types else None

    def _open(self, qualname: str) -> None:
        """Read the tables of the package that the name lies in."""
        for volume in self._waiting.pop(qualname.partition(".")[0], ()):
            if volume.name not in self._opened:
                self._opened.add(volume.name)
                self._add(volume.open(), beneath=True)

    def _add(self, more: Table, beneath: bool = False) -> None:
        self._lines.clear()
        _merge(self._calls, more.calls, beneath)
        _merge(self._aliases, more.aliases, beneath)
        _merge(self._modules, more.modules, beneath)
        for name, other in more.types.items():
            present = self._types.get(name)
            if present is None:
                self._types[name] = other
            else:
                self._types[name] = _union(present, other) if beneath else _union(other, present)

    def _line(self, name: str) -> tuple[LibraryType, ...]:
        """The type and all that it derives from, nearest first."""
        known = self._lines.get(name)
        if known is None:
            known = tuple(self._derived(name))
            self._lines[name] = known  # by now, all tables that it needs are open
        return known

    def _derived(self, name: str) -> Iterator[LibraryType]:
        waiting = [name]
        seen: set[str] = set()
        while waiting:
            canonical = self.canonical(waiting.pop(0))
            found = self._types.get(canonical)
            if found is not None and canonical not in seen:
                seen.add(canonical)
                waiting.extend(found.bases)
                yield found

    def _with_kind(self, plain: LibraryType) -> LibraryType:
        if plain.lock is not None or plain.queue is not None:
            return plain
        for found in self._line(plain.name):
            if found.lock is not None:
                return msgspec.structs.replace(plain, lock=msgspec.structs.replace(found.lock, name=plain.name))
            if found.queue is not None:
                maker = plain.name if found.queue.name == found.name else found.queue.name
                return msgspec.structs.replace(plain, queue=msgspec.structs.replace(found.queue, name=maker))
        return plain


class _Volume:
    """A shipped table that has been found and perhaps not yet read."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @functools.cached_property
    def packages(self) -> tuple[str, ...]:
        found = _PACKAGES.search(self.text)
        if found is None:
            raise TableError(f"{self.name}: no line `packages = [...]`")
        return tuple(_WORD.findall(found[1]))

    @functools.cached_property
    def _table(self) -> Table:
        return parse(self.text, self.name)

    def open(self) -> Table:
        return self._table


@functools.cache
def _shelf() -> Mapping[str, tuple[_Volume, ...]]:
    """The shipped tables by the packages that they speak of."""
    shelf: dict[str, tuple[_Volume, ...]] = {}
    folder = resources.files("lockcheck.knowledge").joinpath("tables")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            volume = _Volume(entry.name, entry.read_text(encoding="utf-8"))
            for package in volume.packages:
                shelf[package] = (*shelf.get(package, ()), volume)
    return shelf


def _merge(mine: dict[str, _V], theirs: Mapping[str, _V], beneath: bool) -> None:
    for key, value in theirs.items():
        if not (beneath and key in mine):
            mine[key] = value


def _union(upper: LibraryType, lower: LibraryType) -> LibraryType:
    """One type of two entries; where both speak, the upper is right."""
    return LibraryType(
        name=upper.name,
        bases=(*upper.bases, *(base for base in lower.bases if base not in upper.bases)),
        lock=upper.lock or lower.lock,
        queue=upper.queue or lower.queue,
        constructor=upper.constructor or lower.constructor,
        methods={**lower.methods, **upper.methods},
        attributes={**lower.attributes, **upper.attributes},
        entered=upper.entered or lower.entered,
    )
