"""What is held whenever a function begins, because all its callers hold it."""

from __future__ import annotations

from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.identity import FunctionId, LockId

_NOTHING: frozenset[LockId] = frozenset()


class Entries:
    """Locks held at the entry of private functions: the intersection over their known calls.

    Only a function whose name says that nobody else calls it can be sure of its callers; one that also runs as a
    thread, task or callback begins with nothing held.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Propagate from callers to callees until nothing changes: sets only shrink."""
        held: dict[FunctionId, list[tuple[FunctionId, frozenset[LockId]]]] = {}
        free: set[FunctionId] = set()
        free_of_bounds: set[FunctionId] = set()
        for function in sorted(schedule.results):
            result = schedule.results[function]
            free.update(s.function for s in result.spawned)
            for call in result.calls:
                held.setdefault(call.callee, []).append((function, call.locks))
                if not call.bounded:
                    free_of_bounds.add(call.callee)
        self._held: dict[FunctionId, frozenset[LockId] | None] = {}
        private = {
            f for f in held if f not in free and (n := schedule.program.functions[f].name)[:1] == "_" and n[:2] != "__"
        }
        self._held = dict.fromkeys(sorted(private))
        self._bounded = frozenset(private - free_of_bounds)
        changed = True
        while changed:
            changed = False
            for function in self._held:
                known = [locks | self.of(caller) for caller, locks in held[function] if self._ready(caller)]
                new = known[0].intersection(*known[1:]) if known else None
                if new != self._held[function]:
                    self._held[function] = new
                    changed = True

    def _ready(self, function: FunctionId) -> bool:
        return function not in self._held or self._held[function] is not None

    def of(self, function: FunctionId) -> frozenset[LockId]:
        """The exclusive locks held whenever the function begins."""
        return self._held.get(function) or _NOTHING

    def bounded(self, function: FunctionId) -> bool:
        """Whether a timeout bounds every call of a private function."""
        return function in self._bounded
