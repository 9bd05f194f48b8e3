"""Whether an object is still being made, so that nobody else can know it."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.flow import Assign
from lockcheck.model.identity import FunctionId

_SPAWNS = {"start", "submit", "run_in_executor", "create_task", "call_soon", "apply_async"}


class Construction:
    """Functions that run only while the object whose methods they are is being made."""

    def __init__(self, schedule: Schedule) -> None:
        """Find who calls whom."""
        self._schedule = schedule
        self._callers: dict[FunctionId, set[FunctionId]] = {}
        for function in sorted(schedule.results):
            for call in schedule.results[function].calls:
                self._callers.setdefault(call.callee, set()).add(function)

    def only(self, function: FunctionId, row: int, seen: frozenset[FunctionId] = frozenset()) -> bool:
        """Whether, at a row of the function, its own object is known to nobody but its constructor.

        That holds in `__init__` before it hands the object on or starts something, and in a private method that
        nothing but such constructors calls.
        """
        facts = self._schedule.program.functions[function]
        if facts.owner is None or function in seen:
            return False
        if facts.name == "__init__":
            escape = self._escape(function)
            return escape is None or row <= escape
        if not facts.name.startswith("_") or facts.name.startswith("__"):
            return False
        callers = self._callers.get(function, set())
        known = len(self._schedule.program.callers(facts.name))
        last = 1 << 30
        return bool(callers) and known == len(callers) and all(self.only(c, last, seen | {function}) for c in callers)

    def _escape(self, function: FunctionId) -> int | None:
        """The first row at which a constructor hands its object on, or starts something that may use it."""
        first = Name(self._schedule.types.scope(function).first or "")
        rows: list[int] = []
        for step in steps(self._schedule.program.body(function)):
            if isinstance(step, Assign) and step.value == first:
                if any(not (isinstance(t, Attr) and t.value == first) for t in step.targets):
                    rows.append(step.span.row)
            for expr in expressions(step):
                rows += [c.span.row for c in walk(expr) if isinstance(c, Call) and _hands_on(c, first)]
        return min(rows, default=None)


def _hands_on(call: Call, own: Name) -> bool:
    word = call.func.name if isinstance(call.func, Attr) else ""
    if word == "__init__":
        return False
    given = (*call.args, *(k.value for k in call.keywords))
    return word in _SPAWNS or own in given
