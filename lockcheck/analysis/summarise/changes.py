"""What has changed since an earlier run, in the terms of what can be read (`lockcheck.analysis.link.reads`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from lockcheck.analysis.link.handing import handed_words
from lockcheck.analysis.link.values import ClassValue, External
from lockcheck.analysis.summarise import debugging, futures, outcomes, telling
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

    `texts` stands for the content of each module, `bases` are those of each class that has some, `whole` stands for the
    answers to the questions about the whole program, and `described` for what the configuration says of it.
    """

    texts: tuple[tuple[str, bytes], ...]
    bases: tuple[tuple[str, str, tuple[Base, ...]], ...]
    whole: tuple[tuple[str, bytes], ...]
    described: bytes


def world(engine: Engine, texts: Mapping[str, bytes]) -> World:
    """Describe the program of a run; `texts` gives for each module what stands for its content."""
    program = engine.program
    bases = ((cls.module, cls.qualname, tuple(_bases(engine, cls))) for cls in program.classes)
    whole = ((question, _digest(answer(engine))) for question, answer in _WHOLE.items())
    described = _digest((program.described, program.opaque))
    return World(tuple(sorted(texts.items())), tuple(each for each in bases if each[2]), tuple(whole), described)


def changes(engine: Engine, before: World, now: World, facts: Callable[[bytes], ModuleFacts | None]) -> int | None:
    """The set of what has changed between two worlds, of which the engine's is the second.

    `facts` gives those of a text of the first. None where no part of the one says anything about the other.
    """
    texts = dict(before.texts)
    if before.described != now.described or texts.keys() != dict(now.texts).keys():
        return None
    reads, program = engine.program.reads, engine.program
    changed = 0
    for module, text in now.texts:
        if texts[module] == text:
            continue
        old = facts(texts[module])
        if old is None:
            return None
        changed |= reads.bits[module]
        new = program.units[module].facts
        for word in _differing(_called(old), _called(new)):
            changed |= reads.called(word)
        for word in {*handed_words(new)} - {*handed_words(old)}:
            changed |= reads.handed(word)
    for module in _with_others_below(before, now):
        changed |= reads.below(module)
    for question in _differing(dict(before.whole), dict(now.whole)):
        changed |= reads.whole(question)
    return changed | reads.opinion


def _bases(engine: Engine, cls: ClassId) -> Iterator[Base]:
    for value in engine.hierarchy.bases(cls):
        match value:
            case ClassValue(id=base):
                yield Base(base.module, base.qualname)
            case External(name=name):
                yield Base("", name)
            case _:
                pass


def _called(facts: ModuleFacts) -> dict[str, list[str]]:
    """The functions of a module by what they call."""
    found: dict[str, list[str]] = {}
    for function in facts.functions:
        for word in function.called:
            found.setdefault(word, []).append(function.qualname)
    return found


def _differing(one: Mapping[str, object], other: Mapping[str, object]) -> Iterator[str]:
    """Keys whose values are not the same in both."""
    return (key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _with_others_below(before: World, now: World) -> Iterator[str]:
    """The modules of classes from which not the same classes derive as before."""
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
                yield base.module
                waiting += [*old.get((base.module, base.name), ()), *new.get((base.module, base.name), ())]


def _digest(answer: object) -> bytes:
    return hashlib.blake2b(_spelled(answer).encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _spelled(answer: object) -> str:
    """A text that stands for an answer: the same in every process."""
    if isinstance(answer, Mapping):
        return _listed(f"{_spelled(key)}: {_spelled(value)}" for key, value in answer.items())
    if isinstance(answer, frozenset | set):
        return _listed(map(_spelled, answer))
    if isinstance(answer, tuple | list):
        return f"[{', '.join(map(_spelled, answer))}]"
    return repr(answer)


def _listed(items: Iterable[str]) -> str:
    return f"{{{', '.join(sorted(items))}}}"
