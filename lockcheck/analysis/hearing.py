"""What takes in log records and text, and takes a lock for it that is held while something is said."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.regions import counts_only
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.telling import Sink, sinks
from lockcheck.model.events import Acquire, CriticalPair, Held, LockRef, Tell
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import ClassRoot, GlobalRoot, ParameterRoot


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A lock that a sink takes by `taking`, held by `held` where `saying` says something in `function`."""

    sink: Sink
    taking: CriticalPair
    held: Held
    function: FunctionId
    saying: CriticalPair
    confidence: Confidence


def comes_back(analysis: Analysis) -> Iterator[Heard]:
    """Sinks that take a lock under which somebody speaks to them: one for each sink and lock, the nearest."""
    seen: set[object] = set()
    taken = [(sink, pair, lock) for sink in sinks(analysis.engine) for pair, lock in _taken(analysis, sink)]
    if not taken:
        return
    for function, saying, own in sorted(_speaking(analysis), key=lambda s: (len(s[1].trace), s[1].trace)):
        assert isinstance(saying.event, Tell)
        for sink, taking, lock in taken:
            held = next((h for h in own if _is_same(analysis, sink, lock, function, h)), None)
            if held is None or sink.channel != saying.event.channel or (sink.function, lock.id) in seen:
                continue
            seen.add((sink.function, lock.id))
            level = Confidence.MEDIUM if sink.installed and held.must else Confidence.LOW
            yield Heard(sink, taking, held, function, saying, min(level, taking.confidence, saying.confidence))


def _speaking(analysis: Analysis) -> Iterator[tuple[FunctionId, CriticalPair, tuple[Held, ...]]]:
    return (one for one in analysis.holding() if isinstance(one[1].event, Tell))


def _is_same(analysis: Analysis, sink: Sink, lock: LockRef, function: FunctionId, held: Held) -> bool:
    """Whether the lock that a sink takes is the one that is held: one for all, or the sink's own object's."""
    if lock.id != held.lock.id or lock.path is None or held.lock.path is None:
        return False
    if isinstance(lock.path.root, GlobalRoot | ClassRoot):
        return lock.path == held.lock.path
    first = analysis.engine.types.scope(function).first
    owner = analysis.engine.types.owner(function)
    own = held.lock.path.root == ParameterRoot(first or "") and held.lock.path.steps == lock.path.steps
    return own and owner is not None and analysis.engine.hierarchy.derives(sink.owner, owner)


def _taken(analysis: Analysis, sink: Sink) -> Iterator[tuple[CriticalPair, LockRef]]:
    """The locks that a sink waits for, each with the nearest place."""
    analysis.engine.summary(sink.function)
    result = analysis.engine.results.get(sink.function)
    for pair in sorted(result.pairs if result is not None else (), key=lambda p: (len(p.trace), p.trace)):
        event = pair.event
        if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.guessed:
            continue
        lock = event.lock
        if not lock.reentrant and lock.exclusive and lock.domain == "thread" and lock.id is not None:
            yield pair, lock


def spoken(analysis: Analysis, function: FunctionId, dies: bool) -> Iterator[tuple[CriticalPair, Sink, CriticalPair]]:
    """What a function says that sinks take in under a lock; `dies`: it runs where objects are made or dropped."""
    result = analysis.engine.results.get(function)
    said = [p for p in result.pairs if isinstance(p.event, Tell)] if result is not None else []
    seen: set[object] = set()
    for pair in sorted(said, key=lambda p: (len(p.trace), p.trace)):
        assert isinstance(pair.event, Tell)
        for sink in sinks(analysis.engine):
            if sink.channel != pair.event.channel:
                continue
            for taking, lock in _taken(analysis, sink):
                quiet = dies and counts_only(analysis, taking.trace[-1])
                if not quiet and lock.id not in seen:
                    seen.add(lock.id)
                    yield pair, sink, taking
