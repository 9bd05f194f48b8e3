"""Ways out that lose a lock: those that break a function's own rule of giving it back, or of handing it on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.exits.fates import Exit, Fate, fates
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.witness import named
from lockcheck.model.events import Operation
from lockcheck.model.findings import Confidence, Related
from lockcheck.model.identity import FunctionId, LockId

_KEEPERS = ("acquire", "lock", "enter", "obtain", "take")
_PROTOCOL = {"__enter__": "__exit__", "__aenter__": "__aexit__"}
_SURE = {"return", "end", "raise", "yield"}


class Leak(msgspec.Struct, frozen=True, gc=False):
    """An acquisition and the ways out that lose it, the clearest first.

    `cancelled`: only the cancellation of the task does. `undone`: an exception at the same place is seen to.
    """

    function: FunctionId
    operation: Operation
    exits: tuple[Exit, ...]
    undone: bool = False

    @property
    def cancelled(self) -> bool:
        """Whether only a cancellation loses it."""
        return all(e.how == "cancel" for e in self.exits)

    @property
    def permit(self) -> bool:
        """Whether it is a permit that is lost, one of several."""
        kind = self.operation.lock.kind
        return kind is not None and kind.shape == "permits"

    @property
    def exceptional(self) -> bool:
        """Whether it is lost by exceptions and cancellations only."""
        return not any(e.normal for e in self.exits)


def leaks(analysis: Analysis) -> Iterator[Leak]:
    """Every leak of the program, in a stable order."""
    givers = _givers(analysis)
    for result in analysis.results:
        taken = any(o.action == "acquire" for o in result.operations)
        if not taken and "acquire" not in analysis.facts(result.function).called:
            continue
        for fate in fates(analysis, result):
            yield from _leaks(analysis, fate, givers)


def _givers(analysis: Analysis) -> dict[LockId, set[FunctionId]]:
    """Functions that give back a lock that they have not taken."""
    found: dict[LockId, set[FunctionId]] = {}
    for result in analysis.results:
        for operation in result.operations:
            if operation.action == "release" and not operation.held and operation.lock.id is not None:
                found.setdefault(operation.lock.id, set()).add(result.function)
    return found


def _leaks(analysis: Analysis, fate: Fate, givers: dict[LockId, set[FunctionId]]) -> Iterator[Leak]:
    others: set[FunctionId] = set()
    if fate.lock.id is not None:
        others = givers.get(fate.lock.id, others) - {fate.function}
    name = analysis.facts(fate.function).name
    keeps = any(e.normal for e in fate.exits)
    keeper = bool(others) or any(word in name.lower() for word in _KEEPERS)
    of_operations: dict[Operation, list[Exit]] = {}
    for leave in fate.exits:
        of_operations.setdefault(leave.operation, []).append(leave)
    for operation, exits in of_operations.items():
        if keeps and (keeper or not fate.freed):
            lost = _in_protocol(analysis, fate, exits, others)
            undone = [e for e in exits if e.how == "cancel" and _undone(e, exits)] if fate.releases else []
            if lost:
                yield Leak(fate.function, operation, _ranked(lost))
            elif undone:
                yield Leak(fate.function, operation, _ranked(undone), undone=True)
        elif fate.releases:
            cancelled = all(e.how == "cancel" for e in exits)
            yield Leak(fate.function, operation, _ranked(exits), cancelled and not operation.handed)


def _undone(cancel: Exit, exits: list[Exit]) -> bool:
    """Whether an exception at the same await is seen to, and only the cancellation is not."""
    return not any(e.span == cancel.span and e.how == "await" for e in exits)


def _in_protocol(analysis: Analysis, fate: Fate, exits: list[Exit], others: set[FunctionId]) -> list[Exit]:
    """`__exit__` does not run where `__enter__` raises."""
    counterpart = _PROTOCOL.get(analysis.facts(fate.function).name)
    if counterpart is None:
        return []
    sibling = f"{fate.function.qualname.rpartition('.')[0]}.{counterpart}"
    if not any(other.qualname == sibling and other.module == fate.function.module for other in others):
        return []
    return [e for e in exits if not e.normal]


def _ranked(exits: list[Exit]) -> tuple[Exit, ...]:
    order = ("return", "end", "raise", "yield", "await", "call", "cancel", "implicit")
    return tuple(sorted(exits, key=lambda e: (order.index(e.how), e.span)))


def certainty(leak: Leak) -> Confidence:
    """A way out that is spelled is sure; that a call raises is inferred."""
    best = leak.exits[0]
    if leak.operation.callee:
        return Confidence.MEDIUM if best.how in _SURE or leak.undone else Confidence.LOW
    return Confidence.HIGH if best.how in _SURE or leak.undone else Confidence.MEDIUM


def label(leak: Leak) -> str:
    """The lock in a message; an object that is acquired like a lock goes by its class."""
    lock = leak.operation.lock
    return f"`{lock.receiver.qualname}`" if lock.id is None and lock.receiver is not None else named(lock)


_WAYS = {
    "return": "returns",
    "end": "ends",
    "raise": "raises",
    "yield": "is left by an exception of the body at `yield`",
}


def way(exit_: Exit) -> str:
    """How a way out is told."""
    if exit_.how == "cancel":
        return f"is cancelled while it awaits `{exit_.text}`"
    if exit_.how in ("call", "await"):
        return f"is left by an exception of `{exit_.text}`"
    return _WAYS[exit_.how] + (f" `{exit_.text}`" if exit_.how == "raise" and exit_.text != "an exception" else "")


def story(analysis: Analysis, leak: Leak, limit: int = 4) -> list[Related]:
    """The places at which the lock is lost."""
    found: list[Related] = []
    seen: set[object] = set()
    for exit_ in leak.exits:
        if exit_.span not in seen and len(found) < limit:
            seen.add(exit_.span)
            place = analysis.place(leak.function, exit_.span)
            found.append(Related(place, f"{way(exit_)} while it still holds the lock"))
    return found
