"""In which circumstances a private function runs, one by one, as far as all who call it are known."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.analysis.summarise.threads import Thread, Threads
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.paths import Path

MAX_CIRCUMSTANCES = 24
"""A function that runs in more circumstances than this is taken for one that runs in any."""


class Circumstance(msgspec.Struct, frozen=True, gc=False):
    """The thread that comes to a function, the exclusive locks it holds then, and which of a module's objects these are.

    Behind a function that anybody may call, it is any `thread`.
    """

    thread: Thread | None
    locks: frozenset[LockId] = frozenset()
    mine: frozenset[Path] = frozenset()


_ANY = frozenset({Circumstance(None)})


class Circumstances:
    """What surrounds each call of a private function, from the beginning of its thread on.

    A call that its thread never comes to, since it would have to take a lock twice before, surrounds nothing.
    """

    def __init__(self, schedule: Schedule, threads: Threads) -> None:
        """Answers are found when they are asked for."""
        self._schedule = schedule
        self._threads = threads
        self._found: dict[FunctionId, frozenset[Circumstance] | None] = {}

    def of(self, function: FunctionId) -> frozenset[Circumstance] | None:
        """Each one; None where anybody may run the function."""
        if function not in self._found:
            self._found[function] = None  # what calls itself is not followed
            if self._threads.known(function):
                self._found[function] = self._find(function)
        return self._found[function]

    def reaching(self, function: FunctionId, passed: frozenset[Path]) -> frozenset[Circumstance] | None:
        """Those in which a thread comes to a place of the function behind locks that it does not hold before."""
        every = self.of(function)
        return every if every is None else frozenset(c for c in every if not c.mine & passed)

    def _find(self, function: FunctionId) -> frozenset[Circumstance] | None:
        found = {Circumstance(thread) for thread in self._threads.begun(function)}
        for caller in self._threads.callers(function):
            around = next((a for a in self._schedule.results[caller].calls if a.callee == function), None)
            before: frozenset[Circumstance] | None
            if caller.qualname == MODULE:
                before = frozenset(Circumstance(thread) for thread in self._threads.calls_from(caller, function))
            elif self._threads.known(caller):
                before = self.of(caller)
            else:
                before = _ANY
            if around is None or around.ways is None or before is None:
                return None
            for way in around.ways:
                found.update(
                    Circumstance(c.thread, c.locks | way.locks, c.mine | way.mine)
                    for c in before
                    if not c.mine & way.passed
                )
            if len(found) > MAX_CIRCUMSTANCES:
                return None
        return frozenset(found)
