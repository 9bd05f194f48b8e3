"""What a line comes to, in words: waits, locks, suspensions and calls of what came from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from lockcheck.analysis.summarise import Analysis
from lockcheck.app.graphing import steps_of
from lockcheck.model.events import Acquire, Block, Callback, Comeback, CriticalPair, QueueWait, Suspend, Tell
from lockcheck.model.explanation import Reached
from lockcheck.model.identity import lock_name
from lockcheck.model.library import Category

_WAITS: Final[dict[Category, str]] = {
    "network": "waits for the network",
    "database": "waits for a database",
    "subprocess": "waits for a process",
    "file": "reads or writes a file",
    "sleep": "sleeps",
    "join": "waits for a thread or process to end",
    "result": "waits for a result",
    "wait": "waits for a sign",
    "queue": "waits for a queue",
    "input": "waits for input",
    "fork": "copies the process, with its locks",
}


def reached(analysis: Analysis, pairs: Iterable[CriticalPair]) -> Iterator[Reached]:
    """Put events into words; what is merely said to a log is left out."""
    for pair in pairs:
        said = _words(pair)
        if said is not None:
            what, name, bounded = said
            event: Literal["takes", "does"] = "takes" if isinstance(pair.event, Acquire) else "does"
            steps = tuple(steps_of(analysis, pair.trace, event))
            yield Reached(what, name, bounded, pair.confidence.word, steps)


def _words(pair: CriticalPair) -> tuple[str, str, bool] | None:
    """What happens, the name of what it happens to, and whether a timeout ends it."""
    match pair.event:
        case Acquire(lock=lock, blocking=blocking, timed=timed):
            name = lock_name(lock.id) if lock.id is not None else pair.trace[-1].text
            return ("takes" if blocking else "tries to take"), name, timed
        case Block(category=category, name=name, timed=timed, bounded=bounded):
            return _WAITS[category], name, timed or bounded
        case QueueWait(operation=operation, name=name, timed=timed):
            return f"waits in `{operation}` of a queue", name, timed
        case Suspend(what=what):
            return "lets others run", what, False
        case Callback(name=name):
            return "calls what came from outside", name, False
        case Comeback(lock=lock, handler=handler):
            name = lock_name(lock.id) if lock.id is not None else "a lock"
            return f"may run the callback {handler}, which takes", name, False
        case Tell():
            return None
