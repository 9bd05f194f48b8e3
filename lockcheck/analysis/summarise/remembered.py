"""What an earlier run found out about functions, and what of it a change of the program has put in doubt.

It is told by colours, as in incremental compilers (Acar's "Self-adjusting computation", 2005, is their common source; the
marking is that of rustc's query system): what a function was read from has changed, or it has not; of those that go by
the summary of one that has, each is looked at again when its turn comes, and holds where these summaries are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lockcheck.analysis.link.reads import reaching
from lockcheck.analysis.summarise.result import Result
from lockcheck.model.events import Summary
from lockcheck.model.identity import FunctionId


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What one run found out about a function. `reads` is what that was read from (`lockcheck.analysis.link.reads`).

    `asked` are the functions whose summaries it went by; it was `visited` if its body was followed with its blocks,
    and something was `heard` of it from outside where that was asked.
    """

    result: Result
    reads: int
    asked: tuple[FunctionId, ...]
    visited: bool
    heard: bool


class Remembered:
    """An earlier run's results beside what has `changed` since, as a set of what can be read."""

    def __init__(self, kept: Mapping[FunctionId, Kept], changed: Iterable[int], groups: Sequence[bytes]) -> None:
        """See which functions have to be followed anew, and which may have to."""
        self._kept = kept
        numbers = reaching(changed, groups)
        self._changed = {function for function, known in kept.items() if known.reads in numbers}
        self._doubtful = self._above(self._changed)

    def of(self, function: FunctionId) -> Kept | None:
        """What is known of a function; None where nothing is, or it was read from what has changed."""
        return self._kept.get(function) if function not in self._changed else None

    def is_sure(self, function: FunctionId) -> bool:
        """Whether nothing that a function goes by is in doubt either."""
        return function not in self._doubtful

    def summary(self, function: FunctionId) -> Summary | None:
        """The summary that those who asked for it went by."""
        known = self._kept.get(function)
        return known.result.summary if known is not None else None

    def _above(self, changed: set[FunctionId]) -> set[FunctionId]:
        """The functions that go by one of these, themselves or through others."""
        readers: dict[FunctionId, list[FunctionId]] = {}
        if changed:
            for function, known in self._kept.items():
                for asked in known.asked:
                    readers.setdefault(asked, []).append(function)
        found = set(changed)
        waiting = list(changed)
        while waiting:
            for reader in readers.get(waiting.pop(), ()):
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        return found
