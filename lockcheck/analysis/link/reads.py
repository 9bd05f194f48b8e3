"""What an answer was read from: so that after a change of the program only those are worked out anew that it can reach.

Each thing that can be read has a number, and so has what is read together: answers rest on answers, and to write down for
each of them all that lies below would take longer than to find them. Those numbers are below zero.

- Whether a module or a package is there, where it is not. Where it is, the outline of the module tells.
- The outline of a module, name by name: whether it binds a name, and as what; what a class derives from, and its methods.
- The values in a module, name by name: what a global is given, or the attributes of a class.
- The code of a function: anything else that it is made of.
- The rows of a module: how far down lambdas, the bodies of classes and the module's own statements stand.
- What is below a class: which classes of the program derive from it.
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

About: TypeAlias = Literal[
    "module", "outline", "values", "code", "rows", "below", "called", "common", "handed", "whole"
]
"""What can be read of a name in a module, or of a word."""
Thing: TypeAlias = tuple[About, str, str]
"""Something that can be read: what of it, the module (none where it is about a word), and the name."""

NOTHING: Final = 0
OPINION: Final = 1
EVERYTHING: Final = 2
"""What changes whenever anything does."""

_FIRST: Final = 3

ALL: Final = ""
"""In the place of a name: all names of the module."""
STARS: Final = "*"
"""In the place of a name: from where a module takes whatever is there."""

_FEW: Final = 16
"""What stands for so few is written out where it is read: most answers were read from no more."""


class Reads:
    """What has been read since somebody last began to count: `now`."""

    __slots__ = ("_codes", "_few", "_groups", "_known", "_numbers", "is_kept", "now")

    def __init__(self) -> None:
        """Nothing has been read."""
        self._numbers: dict[Thing, int] = {}
        self._codes: dict[FunctionId, int] = {}
        """Those of functions once more, which are asked for most."""
        self._groups: dict[bytes, int] = {}
        """What was read together, packed: there are many."""
        self._few: list[bytes | None] = []
        """Each of these, by its number, where it is written out."""
        self._known = 0
        self.now: set[int] = set()
        self.is_kept = False
        """Whether anybody will want to know: else nobody needs to remember what answers were read from."""

    @property
    def things(self) -> Sequence[Thing]:
        """What has been read so far, by its numbers, which begin at 3."""
        return tuple(self._numbers)

    def number(self, about: About, name: str, module: str = "") -> int:
        """Give the number of something that can be read."""
        thing = (about, module, name)
        found = self._numbers.get(thing)
        if found is None:
            found = self._numbers[thing] = _FIRST + len(self._numbers)
        return found

    def known(self, about: About, name: str, module: str = "") -> int:
        """Give the number of something, `NOTHING` if nobody has read it."""
        return self._numbers.get((about, module, name), NOTHING)

    def of_module(self, module: str) -> Iterator[int]:
        """Give the numbers of all that has been read of a module."""
        return (number for (_, each, _), number in self._numbers.items() if each == module)

    def note_presence(self, module: str) -> None:
        """Note that it is read whether a module or a package is there."""
        self._note("module", ALL, module)

    def note_outline(self, module: str, name: str) -> None:
        """Note that it is read whether a module binds a name, and as what."""
        self._note("outline", name, module)

    def note_values(self, module: str, name: str) -> None:
        """Note that the values are read which a module gives a global, or the attributes of a class."""
        self._note("values", name, module)

    def note_code(self, function: FunctionId) -> None:
        """Note that the code of a function is read."""
        if not self.is_kept:
            return
        found = self._codes.get(function)
        if found is None:
            found = self._codes[function] = self.number("code", function.qualname, function.module)
        self.now.add(found)

    def note_rows(self, module: str) -> None:
        """Note that it is read how far down something stands that does not count from its own beginning."""
        self._note("rows", ALL, module)

    def note_below(self, cls: ClassId) -> None:
        """Note that it is read what derives from a class."""
        self._note("below", cls.qualname, cls.module)

    def note_module(self, module: str) -> None:
        """Note that anything may be read of a module."""
        self._note("outline", ALL, module)
        self._note("values", ALL, module)
        self._note("code", ALL, module)

    def note_word(self, about: About, word: str) -> None:
        """Note that something is read by a word."""
        self._note(about, word)

    def _note(self, about: About, name: str, module: str = "") -> None:
        if self.is_kept:
            self.now.add(self.number(about, name, module))

    def begin(self) -> set[int]:
        """Begin to count from nothing; give what has been read before, for `end`."""
        before, self.now = self.now, set()
        return before

    def end(self, before: set[int]) -> int:
        """Go on counting from `before`, with what was read since; give the number of all that."""
        own = self.together(self.now)
        self.go_on(before, own)
        return own

    def pass_on(self, before: set[int]) -> None:
        """Go on counting from `before` with what was read since, of which nobody will speak on its own."""
        if len(self.now) > _FEW:
            self.end(before)
        else:
            before |= self.now
            self.now = before

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
            members = self._few[-1 - self._known - one] if one < -self._known else None
            if members is not None:
                found.update(memoryview(members).cast("i"))
            else:
                found.add(one)
        found.discard(NOTHING)
        if len(found) < 2:
            return found.pop() if found else NOTHING
        several = array("i", sorted(found))
        packed = several.tobytes()
        number = self._groups.get(packed)
        if number is None:
            number = self._groups[packed] = -1 - self._known - len(self._groups)
            self._few.append(packed if several[0] > 0 and len(several) <= _FEW else None)
        return number

    def keep(self, things: Iterable[Thing], groups: int) -> None:
        """Remember from now on what is read, and number where an earlier run has ended, which had so many groups.

        What has been read before is forgotten.
        """
        self.is_kept = True
        self._numbers = {thing: number for number, thing in enumerate(things, _FIRST)}
        self._codes.clear()
        self.now = set()
        self._known = groups

    def fresh(self) -> Iterator[bytes]:
        """Give what has got a number of its own in this run, by this number: what it stands for, packed."""
        return iter(self._groups)

    def forget(self) -> None:
        """Let go what numbers stand for: nobody will want to know."""
        self.is_kept = False
        self.now = set()
        self._numbers.clear()
        self._codes.clear()
        self._groups.clear()
        self._few.clear()


def reaching(what: Iterable[int], groups: Sequence[bytes]) -> set[int]:
    """Give all numbers that stand for any of these; `groups` are those of all runs, one behind the other."""
    found = set(what)
    for place, group in enumerate(groups, 1):
        if not found.isdisjoint(memoryview(group).cast("i")):
            found.add(-place)
    return found


def compacted(
    used: Iterable[int], things: Sequence[Thing], groups: Sequence[bytes]
) -> tuple[dict[int, int], list[Thing], list[bytes]]:
    """Leave out of things and groups what is not used: give each number that is its new one, and what is left."""
    found = set(used)
    for place in range(len(groups), 0, -1):  # whatever a group holds has a number from before
        if -place in found:
            found.update(_unpacked(groups[place - 1]))
    numbers = {number: number for number in range(_FIRST)}
    kept = [number for number in range(_FIRST, _FIRST + len(things)) if number in found]
    numbers.update({number: place for place, number in enumerate(kept, _FIRST)})
    left: list[bytes] = []
    for place, group in enumerate(groups, 1):
        if -place in found:
            left.append(array("i", sorted(numbers.get(number, EVERYTHING) for number in _unpacked(group))).tobytes())
            numbers[-place] = -len(left)
    return numbers, [things[number - _FIRST] for number in kept], left


def _unpacked(group: bytes) -> array[int]:
    """Unpack what a number stands for."""
    found = array("i")
    found.frombytes(group)
    return found


class OfModules(dict[str, _Value], Generic[_Value]):
    """What belongs to modules."""

    def __init__(self, reads: Reads, known: Mapping[str, _Value]) -> None:
        """Note in `reads` what is looked up: it may be anything."""
        super().__init__(known)
        self._reads = reads

    def __getitem__(self, module: str) -> _Value:
        self._reads.note_module(module)
        return super().__getitem__(module)


class OfFunctions(dict[FunctionId, _Value], Generic[_Value]):
    """What belongs to functions. Whether one is there is told by the outline of its module."""

    def __init__(self, reads: Reads) -> None:
        """Begin with nothing, and note in `reads` what is looked up."""
        super().__init__()
        self._reads = reads

    def __getitem__(self, function: FunctionId) -> _Value:
        self._reads.note_code(function)
        return super().__getitem__(function)

    def __contains__(self, function: object) -> bool:
        if isinstance(function, FunctionId):
            self._reads.note_outline(function.module, function.qualname)
        return super().__contains__(function)


class OfClasses(dict[ClassId, _Value], Generic[_Value]):
    """What belongs to classes, of which the outline of their module tells a part."""

    def __init__(self, reads: Reads) -> None:
        """Begin with nothing, and note in `reads` what is looked up."""
        super().__init__()
        self._reads = reads

    def __getitem__(self, cls: ClassId) -> _Value:
        self._reads.note_outline(cls.module, cls.qualname)
        self._reads.note_values(cls.module, cls.qualname)
        return super().__getitem__(cls)

    def __contains__(self, cls: object) -> bool:
        if isinstance(cls, ClassId):
            self._reads.note_outline(cls.module, cls.qualname)
        return super().__contains__(cls)
