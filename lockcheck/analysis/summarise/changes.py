"""What has changed since an earlier run, in the terms of what can be read (`lockcheck.analysis.link.reads`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, cast

import msgspec

from lockcheck.analysis.link.arguments import MAX_CALLERS
from lockcheck.analysis.link.naming import namespaces
from lockcheck.analysis.link.outside import Opinions
from lockcheck.analysis.link.reads import ALL, EVERYTHING, OPINION, About
from lockcheck.analysis.link.values import ClassValue, External
from lockcheck.analysis.summarise import debugging, futures, outcomes, telling
from lockcheck.analysis.summarise.described import Described
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.identity import ClassId

_WHOLE: Final[Mapping[str, Callable[[Engine], object]]] = {
    "sinks": telling.sinks,
    "callbacks of futures": outcomes.callbacks,
    "callbacks by future": futures.by_future,
    "questions for debugging": debugging.questions,
    "methods": lambda engine: sorted({word for cls in engine.program.classes.values() for word, _ in cls.methods}),
}
"""The questions about the whole program that functions are followed by."""


class Base(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A direct base of a class, by its module and qualified name, which an external one does not have apart."""

    module: str
    name: str


class World(msgspec.Struct, frozen=True, array_like=True):
    """A program as far as every function in it may depend on it.

    `texts` stands for the content of each module and for what it is, `bases` are those of each class that has some, `whole` stands for the
    answers to the questions about the whole program, and `described` for what the configuration says of it. `opinions`
    is what was heard from outside.
    Where it `is_deep`, what was found depends on where it was begun.
    """

    texts: tuple[tuple[str, bytes], ...]
    bases: tuple[tuple[str, str, tuple[Base, ...]], ...]
    whole: tuple[tuple[str, bytes], ...]
    described: bytes
    opinions: Opinions = Opinions()
    is_deep: bool = False


def world(engine: Engine, texts: Mapping[str, bytes]) -> World:
    """Describe the program of a run; `texts` gives for each module what stands for its content."""
    program = engine.program
    bases = ((cls.module, cls.qualname, tuple(_bases(engine, cls))) for cls in program.classes)
    whole = ((question, _digest(answer(engine))) for question, answer in _WHOLE.items())
    described = _digest((program.described, program.opaque))
    return World(tuple(sorted(texts.items())), tuple(each for each in bases if each[2]), tuple(whole), described)


def is_comparable(before: World, texts: Mapping[str, bytes]) -> bool:
    """Whether what was found in one world can say anything of one of these texts.

    It can't where what was found depends on what it was begun with.
    """
    old = dict(before.texts)
    if before.is_deep:
        return False
    is_touched = old.keys() != texts.keys() or not {*_differing(old, texts)}.isdisjoint(before.opinions.modules)
    return not (before.opinions.is_full and is_touched)


def changes(engine: Engine, before: World, now: World, facts: Callable[[bytes], ModuleFacts | None]) -> set[int] | None:
    """The set of what has changed between two worlds that are comparable, of which the engine's is the second.

    `facts` gives those of a text of the first. None where no part of the one says anything about the other.
    """
    old, new = dict(before.texts), dict(now.texts)
    if before.described != now.described:
        return None
    found = _Changes(engine)
    for module in _differing(old, new):
        known = facts(old[module]) if module in old else ModuleFacts()
        if known is None:
            return None
        found.compare(module, known, is_other=old.get(module, b"")[-1:] != new.get(module, b"")[-1:])
        if module in before.opinions.modules:
            found.all.add(OPINION)
    if old.keys() != new.keys():
        found.all.add(OPINION)  # what was not there may be now, or the other way round
        found.see_who_is_there(old.keys(), new.keys())
    found.see_whether_common()
    reads = engine.program.reads
    found.all.update(reads.known("below", cls.name, cls.module) for cls in _with_others_below(before, now))
    found.all.update(reads.known("whole", question) for question in _differing(dict(before.whole), dict(now.whole)))
    return found.all


class _Changes:
    """What has changed, gathered module by module."""

    def __init__(self, engine: Engine) -> None:
        self._program = engine.program
        self._reads = engine.program.reads
        self._fewer: dict[str, int] = {}
        self.all = {EVERYTHING}

    def compare(self, module: str, old: ModuleFacts, is_other: bool) -> None:
        """Look at a module's facts before and now, where it is there.

        It `is_other` where it has come or gone, has become a package, or is one no more.
        """
        new = self._program.units[module].facts if module in self._program.units else ModuleFacts()
        if is_other:
            self.all.update(self._reads.of_module(module))
        before, now = Described(old), Described(new)
        self._differ("outline", module, before.outline(), now.outline())
        self._differ("values", module, before.values(), now.values())
        self._differ("code", module, before.code(), now.code())
        self._differ("rows", module, before.rows(), now.rows())
        called, calling = before.called(), now.called()
        for word in _differing(called, calling):
            self.all.add(self._reads.known("called", word))
            self._fewer[word] = self._fewer.get(word, 0) + len(called.get(word, ())) - len(calling.get(word, ()))
        for word in _differing(before.handed(), now.handed()):
            self.all.add(self._reads.known("handed", word))

    def see_who_is_there(self, old: Collection[str], new: Collection[str]) -> None:
        """See which modules and packages have come or gone."""
        for one, other in ((old, new), (new, old)):
            for name in ({*one} - {*other}) | (namespaces(one) - namespaces(other)):
                self.all.add(self._reads.known("module", ALL, name))

    def see_whether_common(self) -> None:
        """See which words too many call now, or no more."""
        for word, fewer in self._fewer.items():
            many = len(self._program.callers(word))
            if (many > MAX_CALLERS) != (many + fewer > MAX_CALLERS):
                self.all.add(self._reads.known("common", word))

    def _differ(self, about: About, module: str, before: Mapping[str, object], now: Mapping[str, object]) -> None:
        for name in _differing(before, now):
            self.all.add(self._reads.known(about, name, module))
            self.all.add(self._reads.known(about, ALL, module))


def _bases(engine: Engine, cls: ClassId) -> Iterator[Base]:
    for value in engine.hierarchy.bases(cls):
        match value:
            case ClassValue(id=base):
                yield Base(base.module, base.qualname)
            case External(name=name):
                yield Base("", name)
            case _:
                pass


def _differing(one: Mapping[str, object], other: Mapping[str, object]) -> Iterator[str]:
    """Keys whose values are not the same in both."""
    return (key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _with_others_below(before: World, now: World) -> Iterator[Base]:
    """The classes from which not the same classes derive as before."""
    old = {(module, name): bases for module, name, bases in before.bases}
    new = {(module, name): bases for module, name, bases in now.bases}
    for each in old.keys() | new.keys():
        if old.get(each) == new.get(each):
            continue
        waiting = [Base(*each)]
        seen: set[Base] = set()
        while waiting:
            base = waiting.pop()
            if base not in seen:
                seen.add(base)
                yield base
                waiting += [*old.get((base.module, base.name), ()), *new.get((base.module, base.name), ())]


def _digest(answer: object) -> bytes:
    return hashlib.blake2b(_spelled(answer).encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _spelled(answer: object) -> str:
    """A text that stands for an answer: the same in every process."""
    if isinstance(answer, Mapping):
        table = cast("Mapping[object, object]", answer)
        return f"{{{', '.join(sorted(f'{_spelled(key)}: {_spelled(value)}' for key, value in table.items()))}}}"
    if isinstance(answer, frozenset | set | tuple | list):
        items = map(_spelled, cast("Iterable[object]", answer))
        return f"({', '.join(sorted(items) if isinstance(answer, frozenset | set) else items)})"
    return repr(answer)
