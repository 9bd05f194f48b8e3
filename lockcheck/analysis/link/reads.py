"""What an answer was read from: so that after a change of the program only those are worked out anew that it can reach.

A set of what was read is a number, one bit for each thing: sets are joined some million times in a run.

- A module: anything of its facts was looked at.
- What is below the classes of a module: which classes of the program derive from one.
- A word that is called: which functions of the program call something by this name. Words share bits.
- A word that is handed on: which functions are given to threads and pools by this name.
- A question about the whole program (`lockcheck.analysis.link.memo`), by the value of its answer.
- A second opinion (`lockcheck.analysis.link.outside`): what rests on one is always worked out anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

from lockcheck.model.identity import ClassId, FunctionId

_Value = TypeVar("_Value")
_Identity = TypeVar("_Identity", bound=FunctionId | ClassId)

_CALLED: Final = 2048
_HANDED: Final = 256
_WHOLE: Final = 62
"""Bits that words and questions share: one too many that are taken for read cost time, never an answer."""


class Reads:
    """What has been read since somebody last began to count: `now`."""

    __slots__ = ("_base", "bits", "now")

    def __init__(self, modules: Iterable[str]) -> None:
        """Give each module its bit. Programs of the same modules have the same bits."""
        self.bits: dict[str, int] = {module: 1 << place for place, module in enumerate(sorted(modules))}
        self._base = 2 * len(self.bits)
        self.now = 0

    def module(self, name: str) -> None:
        """Note that a module's facts are looked at."""
        self.now |= self.bits.get(name, 0)

    def below(self, module: str) -> int:
        """Give the bit of what derives from the classes of a module."""
        return self.bits.get(module, 0) << len(self.bits)

    def called(self, word: str) -> int:
        """Give the bit of who calls something by a name."""
        return 1 << self._base + _share(word, _CALLED)

    def handed(self, word: str) -> int:
        """Give the bit of where something is handed on by a name."""
        return 1 << self._base + _CALLED + _share(word, _HANDED)

    def whole(self, question: str) -> int:
        """Give the bit of a question about the whole program."""
        return 1 << self._base + _CALLED + _HANDED + _share(question, _WHOLE)

    @property
    def opinion(self) -> int:
        """Give the bit of a second opinion."""
        return 1 << self._base + _CALLED + _HANDED + _WHOLE

    @property
    def everything(self) -> int:
        """Give all bits."""
        return (self.opinion << 1) - 1


def _share(word: str, number: int) -> int:
    """Give a word its bit, the same one in each process."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) % number


class OfModules(dict[str, _Value], Generic[_Value]):
    """What belongs to modules. That a module is there at all is not noted: programs of other modules share nothing."""

    def __init__(self, reads: Reads, known: Mapping[str, _Value]) -> None:
        """Note in `reads` what is looked up."""
        super().__init__(known)
        self._reads = reads

    def __getitem__(self, module: str) -> _Value:
        self._reads.now |= self._reads.bits.get(module, 0)
        return super().__getitem__(module)


class OfIdentities(dict[_Identity, _Value], Generic[_Identity, _Value]):
    """What belongs to functions or classes; to look up one that is not there is to look at its module, too."""

    def __init__(self, reads: Reads) -> None:
        """Begin with nothing, and note in `reads` what is looked up."""
        super().__init__()
        self._reads = reads

    def __getitem__(self, identity: _Identity) -> _Value:
        self._reads.now |= self._reads.bits.get(identity.module, 0)
        return super().__getitem__(identity)

    def __contains__(self, identity: object) -> bool:
        if isinstance(identity, FunctionId | ClassId):
            self._reads.now |= self._reads.bits.get(identity.module, 0)
        return super().__contains__(identity)
