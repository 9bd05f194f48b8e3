"""In which threads a function may run, as far as all who run it are known."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.link.scope import expressions, steps, walk
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.facts import MODULE
from lockcheck.model.flow import Assign
from lockcheck.model.identity import FunctionId

_THREAD = {"thread", "process"}


class Thread(msgspec.Struct, frozen=True, order=True, gc=False):
    """A thread by the function that it runs and the function that makes it; `row` is where."""

    target: FunctionId
    maker: FunctionId
    repeated: bool
    row: int


class Threads:
    """Threads of private functions: of one that only known threads run, and of what only that calls."""

    def __init__(self, schedule: Schedule) -> None:
        """Propagate from thread targets to what they call."""
        self._schedule = schedule
        self._callers: dict[FunctionId, set[FunctionId]] = {}
        self._spawned: dict[FunctionId, set[Thread]] = {}
        self._elsewhere: set[FunctionId] = set()
        for function in sorted(schedule.results):
            result = schedule.results[function]
            for call in result.calls:
                self._callers.setdefault(call.callee, set()).add(function)
            for item in result.spawned:
                if item.context in _THREAD:
                    thread = Thread(item.function, function, item.repeated, item.row)
                    self._spawned.setdefault(item.function, set()).add(thread)
                else:
                    self._elsewhere.add(item.function)

    def of(self, function: FunctionId, seen: frozenset[FunctionId] = frozenset()) -> frozenset[Thread] | None:
        """The threads that run a function; None where anybody may."""
        name = self._schedule.program.functions[function].name
        spawned = self._spawned.get(function, set())
        private = name.startswith("_") and not name.startswith("__")
        if function in self._elsewhere or function in seen or not (private or (spawned and name == "run")):
            return None
        callers = self._callers.get(function, set())
        known = self._schedule.program.callers(name)
        if len(set(known)) > len(callers) or not (callers or spawned):
            return None
        found = set(spawned)
        for caller in callers:
            threads = self.of(caller, seen | {function})
            if threads is None:
                return None
            found |= threads
        return frozenset(found)

    def apart(self, one: FunctionId, one_row: int, other: FunctionId, other_row: int, one_object: bool) -> bool:
        """Whether two places never run at the same time.

        They don't where one thread runs both (`one_object`: its maker may make one for each object, which is as
        good), and where one place is in the function that makes the other's thread, before the start or after the join.
        """
        first, second = self.of(one), self.of(other)
        if first is not None and first == second and len(first) == 1:
            thread = next(iter(first))
            return not thread.repeated and (one_object or thread.maker.qualname == MODULE)
        return self._outside(one, one_row, second) or self._outside(other, other_row, first)

    def _outside(self, function: FunctionId, row: int, threads: frozenset[Thread] | None) -> bool:
        if threads is None or not threads:
            return False
        return all(t.maker == function and not t.repeated and self._idle(t, row) for t in threads)

    def _idle(self, thread: Thread, row: int) -> bool:
        """Whether a thread that a local name holds is not started yet, or joined, at a row of its maker."""
        name: str | None = None
        start, join = None, None
        for step in steps(self._schedule.program.body(thread.maker)):
            if isinstance(step, Assign) and step.span.row <= thread.row <= step.span.end_row:
                name = next((t.id for t in step.targets if isinstance(t, Name)), None)
            for expr in expressions(step):
                for call in walk(expr):
                    if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.value == Name(name or ""):
                        if call.func.name == "start":
                            start = call.span.row
                        elif call.func.name == "join" and not call.args and not call.keywords:
                            join = call.span.row
        return start is not None and (row < start or (join is not None and row > join))
