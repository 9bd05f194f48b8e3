"""The fixed point: every function is summarised after what it calls; those that call each other, until nothing changes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from lockcheck.analysis.budget import SpentError
from lockcheck.analysis.link.outside import Outside
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.reads import NOTHING, OPINION
from lockcheck.analysis.summarise.consulting import hear_again
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.following import follow
from lockcheck.analysis.summarise.remembered import Kept, Remembered
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.sameness import Sameness
from lockcheck.model.events import EMPTY, Summary
from lockcheck.model.identity import FunctionId

MAX_NESTING = 150
"""Functions summarised inside one another; a deeper callee counts as empty until its turn comes."""
MAX_ROUNDS = 12
"""How often one function is summarised anew before its summary is kept as it is."""
MAX_RECALLED = 1000
"""How long a chain of calls is looked along for whether what is remembered holds, for the sake of the stack."""


class Schedule(Engine):
    """Summarises functions on demand and keeps count of who has read whose summary.

    A circle of calls is found as Tarjan (1972) finds one: the search that a function's summary is asked in comes back to
    a function that it began with. When all of a circle is known it is followed from nothing, in one order, so that where
    somebody came upon it makes no difference.
    """

    def __init__(self, program: Program, outside: Outside | None = None) -> None:
        """Nothing is summarised yet."""
        super().__init__(program, outside)
        self.results: dict[FunctionId, Result] = {}
        self.readers: dict[FunctionId, set[FunctionId]] = {}
        self._reads: dict[FunctionId, int] = {}
        self._heard: set[FunctionId] = set()
        """Those of which something was asked outside."""
        self._stack: list[FunctionId] = []
        """The functions that are being followed, each inside the one before."""
        self._pending: list[FunctionId] = []
        """Those whose circle is not closed yet, in the order in which they were come upon."""
        self._low: dict[FunctionId, int] = {}
        """For each of these the place of the first that it leads back to."""
        self._rounds: dict[FunctionId, int] = {}
        self._late: list[FunctionId] = []
        self._is_deep = False
        self._remembered: Remembered | None = None
        self._taken: dict[FunctionId, Kept] = {}
        """What is remembered of functions and has turned out to hold."""
        self._sameness = Sameness()
        self._recalled: set[FunctionId] = set()
        """Functions of which it is being looked whether what is remembered still holds."""

    @property
    def followed(self) -> int:
        """How many functions this run has followed itself."""
        return len(self.results) - len(self._taken)

    @property
    def is_deep(self) -> bool:
        """Whether a bound on nesting was met: then what is found may depend on where it was begun."""
        return self._is_deep or self.types.memo.is_deep

    @property
    def remembers(self) -> bool:
        """Whether it goes by an earlier run."""
        return self._remembered is not None

    def remember(self, remembered: Remembered) -> None:
        """Take over from now on what an earlier run found out, where it still holds."""
        self._remembered = remembered

    def forget_origins(self) -> None:
        """Let go what answers were read from, but not what functions were: packing takes memory."""
        self.types.memo.read.clear()

    def forget(self) -> None:
        """Let go what was remembered, and what functions were read from: nobody will want to know."""
        self._remembered = None
        self._reads.clear()
        self.types.memo.forget_reads()

    def summary(self, function: FunctionId) -> Summary:
        """The summary as known now; the function being followed will be redone if it changes."""
        reader = self._stack[-1] if self._stack else None
        if reader is not None:
            self.readers.setdefault(function, set()).add(reader)
        if function not in self.summaries and function not in self._low:
            if len(self._stack) < MAX_NESTING:
                self._find(function)
            else:
                self._is_deep = True
                heapq.heappush(self._late, function)
        if reader in self._low and function in self._low:
            self._low[reader] = min(self._low[reader], self._low[function])
        return self.summaries.get(function, EMPTY)

    def settle(self, functions: Iterable[FunctionId]) -> None:
        """Summarise the functions and all that they call, until nothing changes."""
        for function in functions:
            if function not in self.summaries:
                self._find(function)
            while self._late:
                self._again(heapq.heappop(self._late))

    def listen_again(self) -> None:
        """Hear once more what came from outside about functions that are taken over: whoever asks about them goes by it."""
        for function, kept in self._taken.items():
            if kept.heard:
                self.types.listener = function
                hear_again(self, function)
        self.types.listener = None

    def known(self) -> dict[FunctionId, Kept]:
        """What another run may go by: every function's result, and what it was read from."""
        asked: dict[FunctionId, list[FunctionId]] = {}
        for function in sorted(self.readers):
            for reader in self.readers[function]:
                asked.setdefault(reader, []).append(function)
        return {
            function: self._taken.get(function)
            or Kept(
                result,
                self._reads[function],
                tuple(asked.get(function, ())),
                self.program.has_blocks(function),
                function in self._heard,
            )
            for function, result in self.results.items()
        }

    def _find(self, function: FunctionId) -> None:
        if not self._recall(function):
            self._compute(function)

    def _recall(self, function: FunctionId) -> bool:
        """Take over what is remembered of a function, if it holds: it went by summaries that are the same again.

        What lies in a circle of calls is followed anew if anything that it depends on is: it would prove itself.
        """
        kept = self._remembered.of(function) if self._remembered is not None else None
        if kept is None or self._remembered is None:
            return False
        if self._remembered.is_sure(function):
            self._take(function)
            return True
        if function in self._recalled or len(self._recalled) >= MAX_RECALLED:
            return False
        self._recalled.add(function)
        try:
            holds = all(self._is_as_before(asked, self._remembered.summary(asked)) for asked in kept.asked)
        finally:
            self._recalled.discard(function)
        if function in self.summaries:
            return True
        if holds:
            self._take(function)
        return holds

    def _is_as_before(self, function: FunctionId, before: Summary | None) -> bool:
        """Whether the summary of a function is what it was when others went by it."""
        if function not in self.summaries and function not in self._low and function not in self._recalled:
            self._find(function)
        return function in self.summaries and function not in self._low and self.summaries[function] == before

    def _take(self, function: FunctionId) -> None:
        """Go by what is remembered of a function, and of all that it went by."""
        assert self._remembered is not None
        waiting = [function]
        while waiting:
            one = waiting.pop()
            kept = self._remembered.of(one) if one not in self.summaries else None
            if kept is None:
                continue
            self._taken[one] = kept
            self.results[one], self.summaries[one] = kept.result, kept.result.summary
            if kept.visited:
                self.program.visit(one)
            for asked in kept.asked:
                self.readers.setdefault(asked, set()).add(one)
            waiting += kept.asked

    def _compute(self, function: FunctionId) -> None:
        """Follow a function, and with it all that turns out to lie in a circle of calls with it."""
        place = self._low[function] = len(self._pending)
        self._pending.append(function)
        self._follow(function)
        if self._low[function] == place:
            self._close(place)

    def _close(self, place: int) -> None:
        """Settle what is pending from a place on: from there nothing leads further back."""
        alone = self._pending[place]
        if len(self._pending) > place + 1 or alone in self.readers.get(alone, ()):
            known = 0
            while known != len(self._pending):  # while a circle is followed others may turn out to belong to it
                known = len(self._pending)
                circle = sorted(self._pending[place:])
                members = set(circle)
                for function in circle:
                    self._low[function] = place
                    self._rounds[function] = 0
                    self.summaries[function] = EMPTY
                    self.readers[function] = self.readers.get(function, set()) - members
                self._go_round(circle)
        for function in self._pending[place:]:
            del self._low[function]
            self._sameness.share(self.results[function])
        del self._pending[place:]

    def _go_round(self, circle: list[FunctionId]) -> None:
        """Follow the functions of a circle from nothing until their summaries agree, or one more belongs to it."""
        members, waiting, queued = set(circle), list(circle), set(circle)
        known = len(self._pending)
        while waiting and known == len(self._pending):
            function = heapq.heappop(waiting)
            queued.discard(function)
            if self._rounds[function] >= MAX_ROUNDS or self.budget.has_cut(function):
                continue
            self._rounds[function] += 1
            if self._follow(function):
                for reader in (self.readers[function] & members) - queued:
                    heapq.heappush(waiting, reader)
                    queued.add(reader)

    def _again(self, function: FunctionId) -> None:
        """See to a function that was too deep for its turn, or to one that has gone by what was known of such a one."""
        if function not in self.summaries:
            self._find(function)
            has_changed = self.summaries[function] != EMPTY
        elif self.budget.is_spent:
            self.budget.cut(function, "program")
            return
        elif self._rounds.get(function, 0) >= MAX_ROUNDS or self.budget.has_cut(function):
            return
        else:
            self._rounds[function] = self._rounds.get(function, 0) + 1
            has_changed = self._follow(function)
        if has_changed:
            for reader in self.readers.get(function, ()):
                if reader in self.summaries:
                    heapq.heappush(self._late, reader)

    def _follow(self, function: FunctionId) -> bool:
        """Follow a function once; tell whether its summary is another one now."""
        taken = self._taken.pop(function, None)
        if taken is not None:
            self._reads[function] = taken.reads
        self._stack.append(function)
        self.types.listener = function
        before = self.program.reads.begin()
        try:
            result = self._followed(function)
        finally:
            self._stack.pop()
            self.types.listener = self._stack[-1] if self._stack else None
            if OPINION in self.program.reads.now:
                self._heard.add(function)
            own = self.program.reads.end(before)
            self._reads[function] = self.program.reads.together({self._reads.get(function, NOTHING), own})
        old = self.summaries.get(function, EMPTY)
        self.results[function] = result
        self.summaries[function] = result.summary
        return result.summary != old

    def _followed(self, function: FunctionId) -> Result:
        """Follow a function as far as the budget goes: of one that goes beyond nothing is known, which is told."""
        if self.budget.is_spent:
            self.budget.cut(function, "program")
            return Result(function, (), EMPTY)
        try:
            return follow(self, function)
        except SpentError:
            self.budget.cut(function, "body")
        return Result(function, (), EMPTY)
