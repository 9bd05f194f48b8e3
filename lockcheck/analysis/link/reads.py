"""What an answer was read from: so that after a change of the program only those are worked out anew that it can reach.

Each thing that can be read has a number, and so has what is read together: answers rest on answers, and to write down for
each of them all that lies below would take longer than to find them. Those numbers are below zero.

- The outline of a module: the names that it binds, its functions and classes, and what these derive from.
- The values in a module: what its globals and the attributes of its classes are given.
- The code of a module: anything else that its functions are made of.
- What is below the classes of a module: which classes of the program derive from one.
- A word that is called: which functions of the program call something by this name, or whether they are too many.
- A word that is handed on: which functions are given to threads and pools by this name.
- A question about the whole program (`lockcheck.analysis.link.memo`), by the value of its answer.
- A second opinion (`lockcheck.analysis.link.outside`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from lockcheck.model.identity import ClassId, FunctionId

_Value = TypeVar("_Value")
_Identity = TypeVar("_Identity", bound=FunctionId | ClassId)

About: TypeAlias = Literal["called", "common", "handed", "whole"]
"""What a word can be read for."""

NOTHING: Final = 0
OPINION: Final = 1
EVERYTHING: Final = 2
"""What changes whenever anything does."""

_FIRST: Final = 3
_EACH: Final = 4

_FEW: Final = 16
"""What stands for so few is written out where it is read: most answers were read from no more."""


class Reads:
    """What has been read since somebody last began to count: `now`."""

    __slots__ = ("_few", "_groups", "_known", "_words", "below", "code", "is_kept", "now", "outlines", "values")

    def __init__(self, modules: Iterable[str]) -> None:
        """Number what is known from the start. Programs of the same modules have the same numbers."""
        first = {name: _FIRST + _EACH * place for place, name in enumerate(sorted(set(modules)))}
        self.outlines: Mapping[str, int] = first
        self.values: Mapping[str, int] = {name: number + 1 for name, number in first.items()}
        self.code: Mapping[str, int] = {name: number + 2 for name, number in first.items()}
        self.below: Mapping[str, int] = {name: number + 3 for name, number in first.items()}
        self._words: dict[tuple[About, str], int] = {}
        self._groups: dict[tuple[int, ...], int] = {}
        self._few: dict[int, tuple[int, ...]] = {}
        self._known = 0
        self.now: set[int] = set()
        self.is_kept = False
        """Whether anybody will want to know: else nobody needs to remember what answers were read from."""

    @property
    def words(self) -> Sequence[tuple[About, str]]:
        """The words that have been read so far, by their numbers."""
        return tuple(self._words)

    def word(self, about: About, word: str) -> int:
        """Give the number of a word."""
        found = self._words.get((about, word))
        if found is None:
            found = self._words[about, word] = _FIRST + _EACH * len(self.outlines) + len(self._words)
        return found

    def note_outline(self, module: str) -> None:
        """Note that the outline of a module is read."""
        self.now.add(self.outlines.get(module, NOTHING))

    def note_values(self, module: str) -> None:
        """Note that the values in a module are read."""
        self.now.add(self.values.get(module, NOTHING))

    def note_code(self, module: str) -> None:
        """Note that the code of a module is read."""
        self.now.add(self.code.get(module, NOTHING))

    def note_below(self, module: str) -> None:
        """Note that it is read what derives from the classes of a module."""
        self.now.add(self.below.get(module, NOTHING))

    def note_word(self, about: About, word: str) -> None:
        """Note that something is read by a word."""
        self.now.add(self.word(about, word))

    def begin(self) -> set[int]:
        """Begin to count from nothing; give what has been read before, for `end`."""
        before, self.now = self.now, set()
        return before

    def end(self, before: set[int]) -> int:
        """Go on counting from `before`, with what was read since; give the number of all that."""
        own = self.together(self.now)
        self.go_on(before, own)
        return own

    def go_on(self, before: set[int], own: int) -> None:
        """Go on counting from `before`, with one number for what was read since."""
        before.add(own)
        self.now = before

    def together(self, read: Iterable[int]) -> int:
        """Give one number for several; they may be such numbers themselves."""
        if not self.is_kept:
            return NOTHING
        found: set[int] = set()
        for one in read:
            members = self._few.get(one)
            if members is not None:
                found.update(members)
            else:
                found.add(one)
        found.discard(NOTHING)
        if len(found) < 2:
            return found.pop() if found else NOTHING
        several = tuple(sorted(found))
        number = self._groups.get(several)
        if number is None:
            number = self._groups[several] = -1 - self._known - len(self._groups)
            if several[0] > 0 and len(several) <= _FEW:
                self._few[number] = several
        return number

    def keep(self, words: Iterable[tuple[About, str]], groups: int) -> None:
        """Remember from now on what was read, and number where an earlier run has ended, which had so many groups."""
        self.is_kept = True
        for about, word in words:
            self.word(about, word)
        self._known = groups

    def fresh(self) -> Iterator[bytes]:
        """Give what has got a number of its own in this run, by this number: what it stands for, packed."""
        return (array("i", several).tobytes() for several in self._groups)

    def forget(self) -> None:
        """Let go what numbers stand for: nobody will want to know."""
        self.is_kept = False
        self._groups.clear()
        self._few.clear()


def reaching(what: Iterable[int], groups: Sequence[bytes]) -> set[int]:
    """Give all numbers that stand for any of these; `groups` are those of all runs, one behind the other."""
    found = set(what)
    for place, group in enumerate(groups, 1):
        if not found.isdisjoint(memoryview(group).cast("i")):
            found.add(-place)
    return found


def compacted(used: Iterable[int], groups: Sequence[bytes]) -> tuple[dict[int, int], list[bytes]]:
    """Leave out of the groups what is not used: give each number that is its new one, and what is left."""
    found = set(used)
    for place in range(len(groups), 0, -1):  # whatever a group holds has a number from before
        if -place in found:
            found.update(_unpacked(groups[place - 1]))
    numbers = {number: number for number in found if number >= 0}
    left: list[bytes] = []
    for place, group in enumerate(groups, 1):
        if -place in found:
            left.append(array("i", sorted(numbers.get(number, EVERYTHING) for number in _unpacked(group))).tobytes())
            numbers[-place] = -len(left)
    return numbers, left


def _unpacked(group: bytes) -> array[int]:
    """Unpack what a number stands for."""
    found = array("i")
    found.frombytes(group)
    return found


class OfModules(dict[str, _Value], Generic[_Value]):
    """What belongs to modules. That a module is there at all is not noted: programs of other modules share nothing."""

    def __init__(self, reads: Reads, known: Mapping[str, _Value]) -> None:
        """Note in `reads` what is looked up: it may be anything."""
        super().__init__(known)
        self._reads = reads

    def __getitem__(self, module: str) -> _Value:
        self._reads.note_outline(module)
        self._reads.note_values(module)
        self._reads.note_code(module)
        return super().__getitem__(module)


class OfIdentities(dict[_Identity, _Value], Generic[_Identity, _Value]):
    """What belongs to functions or classes. Whether one is there is told by the outline of its module."""

    def __init__(self, reads: Reads, kind: Mapping[str, int]) -> None:
        """Begin with nothing, and note in `reads` what is looked up: it is of one kind."""
        super().__init__()
        self._reads = reads
        self._kind = kind

    def __getitem__(self, identity: _Identity) -> _Value:
        self._reads.now.add(self._kind.get(identity.module, NOTHING))
        return super().__getitem__(identity)

    def __contains__(self, identity: object) -> bool:
        if isinstance(identity, FunctionId | ClassId):
            self._reads.note_outline(identity.module)
        return super().__contains__(identity)
