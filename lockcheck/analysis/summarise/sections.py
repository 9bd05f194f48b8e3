"""Who else wants a lock: its critical sections, and what each of them waits for meanwhile.

How bad it is to wait under a lock hangs on who stands in the queue for it. Where every section of a lock waits for the
same kind of thing, the lock is there to let them do so one by one, and who takes it came for that very wait. Where some
section only reads a counter, it is the counter's reader that suffers. Where only starting and stopping take it, nobody
does who has anything to do with the work in between.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lockcheck.analysis.summarise.result import Result
from lockcheck.model.events import Acquire, Block, CriticalPair, QueueWait
from lockcheck.model.facts import FunctionFacts
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.source import Span

_WAITS = {"network", "database", "subprocess", "sleep", "join", "result", "wait", "input"}
_STARTS = {"start", "open", "connect", "setup", "init", "initialize", "launch", "begin", "enable"}
_ENDS = {
    "stop",
    "close",
    "aclose",
    "shutdown",
    "terminate",
    "disconnect",
    "quit",
    "kill",
    "dispose",
    "teardown",
    "cleanup",
    "join",
    "finalize",
    "destroy",
    "disable",
}
_SPECIAL = {"__enter__": "start", "__aenter__": "start", "__exit__": "stop", "__aexit__": "stop", "__del__": "stop"}


class Section(msgspec.Struct, frozen=True, gc=False):
    """A place at which a function takes a lock, and the kinds of waits that happen before it gives it back.

    `types` are the library's types that are waited for there, by themselves or in a method.
    """

    function: FunctionId
    span: Span
    waits: frozenset[str]
    types: frozenset[str]


class Sections:
    """The critical sections of every lock, each once: a helper that takes a lock for its caller has none of its own."""

    def __init__(self, results: Iterable[Result]) -> None:
        """Read them off the pairs of every function."""
        known = {result.function: result for result in results}
        found: dict[LockId, dict[tuple[FunctionId, Span], set[tuple[str, str]]]] = {}
        for result in known.values():
            for pair in result.pairs:
                lock = _taken(pair, known)
                if lock is not None:
                    found.setdefault(lock, {}).setdefault((result.function, pair.trace[0].span), set())
                kind = _kind(pair)
                for held in pair.held:
                    if not held.inner and held.lock.id is not None:
                        place = (result.function, held.trace[0].span)
                        here = found.setdefault(held.lock.id, {}).setdefault(place, set())
                        here.update(kind)
        self._of = {
            lock: tuple(
                Section(function, span, frozenset(kind for kind, _ in waits), frozenset(made for _, made in waits))
                for (function, span), waits in sorted(places.items())
                if lock not in _left(known[function])
            )
            for lock, places in found.items()
        }

    def of(self, lock: LockId) -> tuple[Section, ...]:
        """The sections of a lock, in a stable order."""
        return self._of.get(lock, ())


def _taken(pair: CriticalPair, known: dict[FunctionId, Result]) -> LockId | None:
    """The lock that a function takes here, by itself or through a helper that returns with it held."""
    event = pair.event
    if not isinstance(event, Acquire) or event.mode == "read":
        return None
    if len(pair.trace) == 1:
        return event.lock.id
    helper = known.get(pair.trace[-1].function)
    return event.lock.id if len(pair.trace) == 2 and helper is not None and event.lock.id in _left(helper) else None


def _left(result: Result) -> set[LockId | None]:
    return {held.lock.id for held in (*result.summary.leaves, *result.summary.around)}


def _kind(pair: CriticalPair) -> tuple[tuple[str, str], ...]:
    match pair.event:
        case Block(category=category, name=name) if category in _WAITS:
            return ((category, name), (category, name.rpartition(".")[0]))
        case QueueWait():
            return (("queue", ""),)
        case _:
            return ()


def starts(facts: FunctionFacts) -> bool:
    """Whether a function is there to start or open its object, by its name."""
    return _first_word(facts.name) in _STARTS


def ends(facts: FunctionFacts) -> bool:
    """Whether a function is there to stop or close its object, by its name."""
    return is_end(facts.name)


def is_end(name: str) -> bool:
    """Whether a name is that of an operation which stops or closes something."""
    return _first_word(name) in _ENDS


def _first_word(name: str) -> str:
    return _SPECIAL.get(name) or name.rpartition(".")[2].strip("_").partition("_")[0]
