"""What a project says of names in its configuration, as a table that comes before the shipped ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lockcheck.knowledge.schema import LimitText, Path, Table, TableError, limit, table
from lockcheck.model.library import Category, Effect, LibraryType

if TYPE_CHECKING:
    from lockcheck.knowledge.load import Library

Like: TypeAlias = Path
"""The qualified name of a lock or queue that the tables know."""


class Own(msgspec.Struct, frozen=True):
    """A project's knowledge: each mapping is by qualified name, of the program or of any library.

    `locks` and `queues` name the known class that a class behaves as; `blocking_calls` what a call waits for;
    `non_blocking_calls` are not looked into; `timeouts` the parameter that bounds a call. `library` is a table as the
    shipped ones are written, for what the others cannot say.
    """

    locks: Mapping[Path, Like] = {}
    queues: Mapping[Path, Like] = {}
    blocking_calls: Mapping[Path, Category] = {}
    non_blocking_calls: tuple[Path, ...] = ()
    timeouts: Mapping[Path, LimitText] = {}
    library: Mapping[str, object] = {}


DESCRIBING = ("locks", "queues", "blocking-calls", "non-blocking-calls", "timeouts")
"""The settings that describe names one by one."""


def extend(shipped: Library, own: Own, origins: Mapping[str, str]) -> Library:
    """The library with a project's knowledge before it.

    `origins` tells which file sets each key; raises `TableError`, which names it and the key.
    """
    given = table(own.library, f"{origins['library']}: library") if own.library else Table((), {}, {}, {}, {})
    known = shipped.preceded_by(given)
    kinds = dict(given.types)
    kinds.update(_kinds(known, own.locks, "locks", origins))
    kinds.update(_kinds(known, own.queues, "queues", origins))
    calls = dict(given.calls)
    for name, effect in _effects(known, own):
        outer, _, word = name.rpartition(".")
        if known.type(outer) is not None or _is_class(outer):
            kind = kinds.get(outer) or LibraryType(outer)
            kinds[outer] = msgspec.structs.replace(kind, methods={**kind.methods, word: effect})
        calls[name] = effect
    return shipped.preceded_by(msgspec.structs.replace(given, calls=calls, types=kinds))


def _kinds(
    known: Library, given: Mapping[str, str], key: str, origins: Mapping[str, str]
) -> Iterator[tuple[str, LibraryType]]:
    """Each class, derived from the one that it behaves as."""
    for name, like in given.items():
        described = known.type(like)
        if described is None or (described.lock if key == "locks" else described.queue) is None:
            what = "lock" if key == "locks" else "queue"
            near = difflib.get_close_matches(like, _USUAL[key], n=1, cutoff=0.5)
            hint = f"; did you mean `{near[0]}`?" if near else f", such as `{_USUAL[key][0]}`"
            raise TableError(f'{origins[key]}: {key}."{name}": `{like}` is no {what} that is known{hint}')
        yield name, LibraryType(name, bases=(like,))


def _effects(known: Library, own: Own) -> Iterator[tuple[str, Effect]]:
    """What each call does that the project describes; a limit alone changes what is known of the call already."""
    effects: dict[str, Effect] = {name: Effect(blocks=why) for name, why in own.blocking_calls.items()}
    effects.update((name, Effect()) for name in own.non_blocking_calls)
    for name, bound in own.timeouts.items():
        outer, _, word = name.rpartition(".")
        before = effects.get(name) or known.method(outer, word) or known.calling(name) or Effect(blocks="wait")
        effects[name] = msgspec.structs.replace(before, limit=limit(bound))
    yield from effects.items()


def _is_class(qualname: str) -> bool:
    return qualname.rpartition(".")[2][:1].isupper()


_USUAL = {
    "locks": (
        "threading.Lock", "threading.RLock", "threading.Condition", "threading.Semaphore", "asyncio.Lock",
        "asyncio.Condition", "asyncio.Semaphore", "multiprocessing.Lock", "multiprocessing.RLock",
    ),
    "queues": ("queue.Queue", "queue.SimpleQueue", "asyncio.Queue", "multiprocessing.Queue"),
}  # fmt: skip
"""What a mistyped name is compared with."""
