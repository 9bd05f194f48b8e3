"""How a table is written, and what it becomes: TOML on one side, the values of `lockcheck.model.library` on the other.

    packages = ["requests"]                          # top-level packages whose names this file knows

    [modules]                                        # another path under which the names of a module are reached
    "requests.api" = "requests"

    [effects]                                        # effects with a name, for use by the entries of this file
    request = { blocks = "network", limit = "timeout" }

    [calls.requests]                                 # functions of a module; a key may list several names
    "get post" = { like = "request", returns = "requests.Response" }
    request = "request"

    [types."requests.Session"]
    aliases = ["requests.sessions.Session"]
    methods."get post" = "request"

Three kinds of value have a short spelling, in which `@N` is the position without the receiver:

- a limit, `timeout@1=5.0`: the parameter, its position, the seconds that hold where it is left out; `timeout@1/` is one
  that `timeout=30` would not do for: it has no name for callers, or counts milliseconds without saying so;
- a flag, `wait@0` or `nowait@0=true`: the parameter, its position, the value that avoids the wait;
- what is run elsewhere, `target@1 in thread by start`: the parameter, the context, the method that starts it; with
  `together` at the end where its failure ends whatever else runs in the same group.

The kind of a lock or queue is inherited by the types that name it in `bases` and have none of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias, cast

import msgspec

from lockcheck.model.library import (
    Category,
    Domain,
    Effect,
    Flag,
    LibraryType,
    Limit,
    LockKind,
    Mode,
    Operation,
    QueueKind,
    Shape,
    Spawn,
)

_Context: TypeAlias = Literal["loop", "thread", "pool", "process", "signal", "finaliser", "exit", "hook", "callback"]

_LIMIT = r"^(\w+)(?:@(\d{1,3})(/)?)?(?:=(\d{1,9}(?:\.\d{1,9})?))?$"
_FLAG = r"^(\w+)(?:@(\d{1,3}))?(?:=(true|false))?$"
_SPAWN = r"^(\w+)(?:@(\d{1,3}))? in (loop|thread|pool|process|signal|finaliser|exit|hook|callback)(?: by (\w+))?(?: (together))?$"
_NAMES = r"^\w+( \w+)*$"
_PATH = r"^\w+(\.\w+)*$"
_RETURNS = r"^(\w+(\.\w+)*|tuple\[[\w., ]+\])$"

LimitText: TypeAlias = Annotated[str, msgspec.Meta(pattern=_LIMIT)]
FlagText: TypeAlias = Annotated[str, msgspec.Meta(pattern=_FLAG)]
SpawnText: TypeAlias = Annotated[str, msgspec.Meta(pattern=_SPAWN)]
Names: TypeAlias = Annotated[str, msgspec.Meta(pattern=_NAMES)]
Path: TypeAlias = Annotated[str, msgspec.Meta(pattern=_PATH)]
Returns: TypeAlias = Annotated[str, msgspec.Meta(pattern=_RETURNS)]


class TableError(ValueError):
    """A table that cannot be understood: the message names the file and the key."""


class EffectText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An effect as it is written; `like` names one of the file's `effects` that fills in what is not given."""

    like: str | None = None
    blocks: Category | None = None
    awaitable: bool | None = None
    limit: LimitText | None = None
    flag: FlagText | None = None
    returns: Returns | None = None
    operation: Operation | None = None
    mode: Mode | None = None
    spawn: SpawnText | None = None
    scope: bool | None = None
    bounds: str | None = None
    awaits: bool | None = None
    runs: str | None = None


class LockText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `LockKind` without its name, which is that of the type."""

    domain: Domain
    shape: Shape = "mutex"
    reentrant: bool = False
    wraps: str | None = None
    inner: str | None = None
    permits: str | None = None
    rereads: bool = False
    upgrades: bool = False


class QueueText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `QueueKind`; `made_by` names its constructor where that is not the type itself."""

    domain: Domain
    bound: str | None = None
    default_bound: int | None = 0
    unbounded_at_zero: bool = True
    stack: bool = False
    made_by: Path | None = None


class TypeText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type as it is written. `new` is the effect of making one."""

    aliases: tuple[Path, ...] = ()
    bases: tuple[Path, ...] = ()
    lock: LockText | None = None
    queue: QueueText | None = None
    new: str | EffectText | None = None
    methods: dict[Names, str | EffectText] = {}
    attributes: dict[Names, Path] = {}
    entered: Path | None = None


class TableText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    packages: tuple[str, ...] = ()
    aliases: dict[Path, Path] = {}
    modules: dict[Path, Path] = {}
    effects: dict[str, EffectText] = {}
    calls: dict[Path, dict[Names, str | EffectText]] = {}
    types: dict[Path, TypeText] = {}


class Table(msgspec.Struct, frozen=True):
    """What a file says: functions and types by canonical name, and the other spellings of names and modules."""

    packages: tuple[str, ...]
    calls: dict[str, Effect]
    types: dict[str, LibraryType]
    aliases: dict[str, str]
    modules: dict[str, str]


def table(raw: Mapping[str, object], source: str) -> Table:
    """Check what was read from `source` and turn it into a `Table`; raises `TableError`."""
    try:
        text = msgspec.convert(raw, TableText)
    except msgspec.ValidationError as error:
        raise TableError(f"{source}: {error}") from None
    reader = _Reader(text, source)
    made = Table(
        packages=text.packages,
        calls=dict(reader.calls()),
        types={name: reader.type(name, spec) for name, spec in text.types.items()},
        aliases=reader.aliases(),
        modules=text.modules,
    )
    _check_homes(made, source)
    return made


class _Reader:
    """Turns the texts of one file into values."""

    def __init__(self, text: TableText, source: str) -> None:
        self._text = text
        self._source = source

    def calls(self) -> Iterator[tuple[str, Effect]]:
        seen: set[str] = set()
        for module, entries in self._text.calls.items():
            for name, effect in self._spread(entries, f"calls.{module}"):
                qualname = f"{module}.{name}"
                if qualname in seen:
                    raise TableError(f"{self._source}: calls.{module}: {name} stands there twice")
                seen.add(qualname)
                yield qualname, effect

    def aliases(self) -> dict[str, str]:
        found = dict(self._text.aliases)
        for name, spec in self._text.types.items():
            for alias in spec.aliases:
                if alias in found or alias in self._text.types:
                    raise TableError(f'{self._source}: types."{name}": the alias {alias} has another meaning already')
                found[alias] = name
        return found

    def type(self, name: str, spec: TypeText) -> LibraryType:
        place = f'types."{name}"'
        methods: dict[str, Effect] = {}
        for method, effect in self._spread(spec.methods, f"{place}.methods"):
            if method in methods:
                raise TableError(f"{self._source}: {place}.methods: {method} stands there twice")
            methods[method] = effect
        return LibraryType(
            name=name,
            bases=spec.bases,
            lock=None if spec.lock is None else LockKind(name=name, **msgspec.structs.asdict(spec.lock)),
            queue=None if spec.queue is None else _queue(spec.queue, name),
            constructor=None if spec.new is None else self._effect(spec.new, f"{place}.new"),
            methods=methods,
            attributes={word: target for words, target in spec.attributes.items() for word in words.split()},
            entered=spec.entered,
        )

    def _spread(self, entries: Mapping[str, str | EffectText], place: str) -> Iterator[tuple[str, Effect]]:
        for words, text in entries.items():
            effect = self._effect(text, f"{place}.{words}")
            for word in words.split():
                yield word, effect

    def _effect(self, text: str | EffectText, place: str) -> Effect:
        return _effect(self._filled(text, place))

    def _filled(self, text: str | EffectText, place: str) -> EffectText:
        like = text if isinstance(text, str) else text.like
        if like is None:
            return cast("EffectText", text)
        pattern = self._text.effects.get(like)
        if pattern is None:
            raise TableError(f"{self._source}: {place}: there is no effect called {like!r} in this file")
        if pattern.like is not None:
            raise TableError(f"{self._source}: effects.{like}: an effect with a name cannot be like another")
        if isinstance(text, str):
            return pattern
        given = {key: value for key, value in msgspec.structs.asdict(text).items() if value is not None}
        del given["like"]
        return msgspec.structs.replace(pattern, **given)


def _effect(text: EffectText) -> Effect:
    return Effect(
        blocks=text.blocks,
        awaitable=bool(text.awaitable),
        limit=None if text.limit is None else limit(text.limit),
        flag=None if text.flag is None else _flag(text.flag),
        returns=text.returns,
        operation=text.operation,
        mode=text.mode,
        spawn=None if text.spawn is None else _spawn(text.spawn),
        scope=bool(text.scope),
        bounds=text.bounds,
        awaits=bool(text.awaits),
        runs=text.runs,
    )


def _queue(text: QueueText, name: str) -> QueueKind:
    return QueueKind(
        name=text.made_by or name,
        domain=text.domain,
        bound=text.bound,
        default_bound=text.default_bound,
        unbounded_at_zero=text.unbounded_at_zero,
        stack=text.stack,
    )


def _groups(pattern: str, text: str) -> tuple[str | None, ...]:
    """The parts of a text that has been validated against the pattern."""
    found = re.match(pattern, text)
    return () if found is None else found.groups()


def limit(text: str) -> Limit:
    """Read a limit in its short spelling, which has been validated."""
    name, position, odd, default = _groups(_LIMIT, text)
    return Limit(
        name=cast("str", name),
        position=None if position is None else int(position),
        default=None if default is None else float(default),
        odd=odd is not None,
    )


def _flag(text: str) -> Flag:
    name, position, value = _groups(_FLAG, text)
    return Flag(
        name=cast("str", name),
        position=None if position is None else int(position),
        value=value == "true",
    )


def _spawn(text: str) -> Spawn:
    parameter, position, context, started_by, together = _groups(_SPAWN, text)
    return Spawn(
        context=cast("_Context", context),
        parameter=cast("str", parameter),
        position=None if position is None else int(position),
        started_by=started_by,
        together=together is not None,
    )


def _check_homes(made: Table, source: str) -> None:
    """Every name must lie in a package that the file declares, or nobody would find it."""
    if not made.packages:
        return
    for name in (*made.calls, *made.types, *made.aliases, *made.modules):
        if name.partition(".")[0] not in made.packages:
            raise TableError(f"{source}: {name} lies in none of the file's packages")
