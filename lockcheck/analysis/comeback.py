"""Ways back: how what is called under a lock can come to want it, or another that somebody holds who wants it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.order import nestings
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.witness import named, title
from lockcheck.model.events import Acquire, Held, LockRef
from lockcheck.model.identity import FunctionId, LockId, lock_name

_SHOWN = 2
"""Ways back that are named; a program may have thousands."""


class Detour(msgspec.Struct, frozen=True, gc=False):
    """A public function that takes `lock`, while somebody holds that and waits for `wanted`."""

    function: FunctionId
    lock: LockId
    wanted: LockRef


class Comebacks:
    """Public functions by the locks that they take, and the locks that are taken while another is held."""

    def __init__(self, analysis: Analysis) -> None:
        """Gather them from the whole program."""
        self._takers = _takers(analysis)
        self._before: dict[LockId, list[LockId]] = {}
        for witness in nestings(analysis):
            inner, outer = witness.inner.id, witness.held.lock.id
            if inner is not None and outer is not None and outer != inner and outer in self._takers:
                self._before.setdefault(inner, []).append(outer)

    def taken(self, lock: LockId | None) -> bool:
        """Whether a public function takes a lock."""
        return lock in self._takers

    def direct(self, held: tuple[Held, ...]) -> bool:
        """Whether public functions wait for ever for one of the locks that their own thread holds."""
        return any(True for _ in self._direct(held))

    def _direct(self, held: tuple[Held, ...]) -> Iterator[FunctionId]:
        for lock in dict.fromkeys(h.lock.id for h in held if h.lock.id is not None and not h.lock.reentrant):
            yield from self._takers.get(lock, ())

    def detour(self, held: tuple[Held, ...]) -> Detour | None:
        """A public function by which two threads wait for one another: it wants what the other holds."""
        own = {h.lock.id for h in held}
        for item in held:
            for lock in self._before.get(item.lock.id, ()) if item.lock.id is not None else ():
                if lock not in own:
                    return Detour(self._takers[lock][0], lock, item.lock)
        return None

    def danger(self, held: tuple[Held, ...]) -> str:
        """What happens if it comes back, and how it can."""
        names: dict[str, None] = {}
        for function in self._direct(held):
            names[title(function)] = None
            if len(names) > _SHOWN:
                break
        if names:
            first = list(names)
            some = " or ".join(first) if len(first) <= _SHOWN else f"{', '.join(first[:_SHOWN])} or others"
            return f"if it comes back through {some}, it waits for itself for ever"
        detour = self.detour(held)
        if detour is not None:
            return (
                f"if it comes to {title(detour.function)}, it waits for `{lock_name(detour.lock)}`, which another "
                f"thread holds while it waits for {named(detour.wanted)}"
            )
        return "what it does is not known here, and all who want the lock wait for it"


def _takers(analysis: Analysis) -> dict[LockId, list[FunctionId]]:
    """Public functions that take a lock, by lock; those that do it themselves come first."""
    found: dict[LockId, dict[FunctionId, int]] = {}
    for result in analysis.results:
        name = analysis.facts(result.function).name
        if name.startswith("_") or name == "run" or ".<locals>." in result.function.qualname:
            continue
        for pair in result.pairs:
            event = pair.event
            if isinstance(event, Acquire) and event.blocking and event.lock.id is not None:
                known = found.setdefault(event.lock.id, {})
                known[result.function] = min(len(pair.trace), known.get(result.function, len(pair.trace)))
    return {lock: sorted(known, key=lambda f: (known[f], f)) for lock, known in found.items()}
