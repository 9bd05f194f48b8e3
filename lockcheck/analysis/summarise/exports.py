"""What a function's pairs mean to its callers: one representative for each kind of event, the shortest trace kept."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.analysis.summarise.frame import nearer
from lockcheck.model.events import (
    Acquire,
    Block,
    Callback,
    Comeback,
    CriticalPair,
    LockRef,
    QueueWait,
    Suspend,
    Tell,
    Trace,
)
from lockcheck.model.identity import ElementLock
from lockcheck.model.paths import FreeRoot, GlobalRoot, LocalRoot, ParameterRoot

MAX_BLOCKS = 24
MAX_ACQUIRES = 64
MAX_CALLBACKS = 24
MAX_OTHERS = 24

_Rank = tuple[int, int, int, Trace]


def export(pairs: Iterable[CriticalPair]) -> tuple[CriticalPair, ...]:
    """The pairs that callers compose, fewest locks and shortest traces first, in a stable order."""
    best: dict[object, CriticalPair] = {}
    for pair in pairs:
        key = _key(pair)
        if key is None:
            continue
        known = best.get(key)
        best[key] = pair if known is None else nearer(pair, known, _rank)
    blocks: list[CriticalPair] = []
    acquires: list[CriticalPair] = []
    callbacks: list[CriticalPair] = []
    others: list[CriticalPair] = []
    for pair in sorted(best.values(), key=_rank):
        match pair.event:
            case Block():
                blocks.append(pair)
            case Acquire():
                acquires.append(pair)
            case Callback():
                callbacks.append(pair)
            case _:
                others.append(pair)
    return (
        *blocks[:MAX_BLOCKS],
        *acquires[:MAX_ACQUIRES],
        *callbacks[:MAX_CALLBACKS],
        *others[:MAX_OTHERS],
    )


def _rank(pair: CriticalPair) -> _Rank:
    return (-pair.confidence, len(pair.held), len(pair.trace), pair.trace)


def _key(pair: CriticalPair) -> object | None:
    """Events with one key are one event to a caller; None where a caller need not know."""
    event = pair.event
    match event:
        case Suspend():
            return None
        case Acquire(lock=lock):
            if lock.id is None and lock.path is not None and isinstance(lock.path.root, LocalRoot):
                return None
            pending = tuple((h.lock.path, h.mode) for h in pair.held if h.lock.open or _may_meet(pair, h.lock))
            return (
                Acquire,
                lock.id,
                lock.path,
                lock.receiver,
                event.mode,
                event.blocking,
                event.timed,
                event.scoped,
                pending,
                pair.dropped,
                pair.conditions,
            )
        case Block():
            return (
                Block,
                event.category,
                event.awaited,
                event.timed,
                event.bounded,
                event.device,
                event.hangs_on,
                event.runs,
                pair.dropped,
                pair.conditions,
            )
        case QueueWait():
            return (QueueWait, event.operation, event.queue, event.awaited, event.timed, pair.conditions)
        case Comeback(lock=lock):
            return (Comeback, lock.id, lock.path, lock.receiver, event.handler, pair.dropped, pair.conditions)
        case Tell(channel=channel):
            return (Tell, channel, pair.dropped, pair.conditions)
        case Callback(kind="parameter", path=path):
            return None if path is None or not isinstance(path.root, ParameterRoot | FreeRoot) else (Callback, path)
        case Callback():
            return (Callback, event.holder, event.awaited, pair.dropped, pair.conditions)


def _may_meet(pair: CriticalPair, held: LockRef) -> bool:
    """Whether a caller may make a held lock and the acquired one equal: one identity, reached by way of a parameter."""
    event = pair.event
    if not isinstance(event, Acquire) or event.lock.path is None or event.lock.id != held.id:
        return False
    fixed = isinstance(event.lock.path.root, GlobalRoot)
    given = held.path is not None and isinstance(held.path.root, ParameterRoot)
    return (given or not fixed) and not isinstance(held.id, ElementLock)
