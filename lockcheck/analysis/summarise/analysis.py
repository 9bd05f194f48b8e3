"""What rules ask: every function's critical pairs, and where things stand in the sources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.summarise.circumstances import Circumstances
from lockcheck.analysis.summarise.construction import Construction
from lockcheck.analysis.summarise.entries import Entries
from lockcheck.analysis.summarise.objects import Objects
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.analysis.summarise.sections import Sections
from lockcheck.analysis.summarise.setters import Setters
from lockcheck.analysis.summarise.threads import Threads
from lockcheck.analysis.summarise.ways import Ways
from lockcheck.model.events import Block, CriticalPair, Event, Held, LockRef, Operation, QueueWait
from lockcheck.model.expression import Call, Name
from lockcheck.model.facts import MODULE, FunctionFacts
from lockcheck.model.findings import LockNote
from lockcheck.model.flow import Assign
from lockcheck.model.identity import AttributeLock, ElementLock, FunctionId, GlobalLock, LocalLock, LockId, lock_name
from lockcheck.model.settings import Settings
from lockcheck.model.source import Place, Span

_Holding: TypeAlias = "tuple[FunctionId, CriticalPair, tuple[Held, ...]]"


class Analysis:
    """The outcome of the summarise stage, in a stable order."""

    def __init__(self, schedule: Schedule, settings: Settings) -> None:
        """Sort the results."""
        self.settings = settings
        self.engine = schedule
        self.program = schedule.program
        self.entries = Entries(schedule)
        self._construction = Construction(schedule)
        self.threads = Threads(schedule)
        self.objects = Objects(schedule, self.threads)
        self.circumstances = Circumstances(schedule, self.threads)
        self.ways = Ways(schedule)
        self._by_events: dict[tuple[type[Event], ...], list[tuple[FunctionId, CriticalPair]]] = {}
        self.results: tuple[Result, ...] = tuple(schedule.results[f] for f in sorted(schedule.results))

    def facts(self, function: FunctionId) -> FunctionFacts:
        """The facts of a function."""
        return self.program.functions[function]

    @cached_property
    def coroutines(self) -> frozenset[FunctionId]:
        """The functions of the program that are coroutines."""
        return frozenset(function for function, facts in self.program.functions.items() if facts.is_async)

    def calls(self, function: FunctionId) -> tuple[Call, ...]:
        """Every call in a function's body, in order."""
        return self.ways.calls(function)

    def entry(self, function: FunctionId) -> frozenset[LockId]:
        """The exclusive locks that every caller of a private function holds."""
        return self.entries.of(function)

    def bounded(self, function: FunctionId) -> bool:
        """Whether a timeout bounds every call of a private function."""
        return self.entries.bounded(function)

    def constructing(self, function: FunctionId, pair: CriticalPair) -> bool:
        """Whether the function's own object is known to nobody else when the pair happens."""
        return self._construction.only(function, pair.trace[0].span.row)

    def within_construction(self, function: FunctionId, row: int) -> bool:
        """Whether the function's own object is known to nobody else at a row."""
        return self._construction.only(function, row)

    def pairs(self, *events: type[Event]) -> Iterator[tuple[FunctionId, CriticalPair]]:
        """Every pair of every function, in a stable order; if kinds of events are named, those of these kinds."""
        if not events:
            yield from self._pairs
            return
        found = self._by_events.get(events)
        if found is None:
            places = chain.from_iterable(at for kind, at in self._kinds.items() if issubclass(kind, events))
            found = self._by_events[events] = [self._pairs[place] for place in sorted(places)]
        yield from found

    @cached_property
    def _kinds(self) -> dict[type[Event], list[int]]:
        """Where in the order of all pairs those of each kind of event are."""
        found: dict[type[Event], list[int]] = {}
        for place, (_, pair) in enumerate(self._pairs):
            found.setdefault(type(pair.event), []).append(place)
        return found

    @cached_property
    def _pairs(self) -> list[tuple[FunctionId, CriticalPair]]:
        return [
            (result.function, pair)
            for result in self.results
            for pair in sorted(result.pairs, key=lambda p: (p.trace[0].span, len(p.trace), p.trace))
        ]

    @cached_property
    def pairs_of_coroutines(self) -> tuple[tuple[FunctionId, CriticalPair], ...]:
        """The pairs of all coroutines, in a stable order."""
        return tuple(one for one in self._pairs if one[0] in self.coroutines)

    @cached_property
    def operations(self) -> tuple[tuple[FunctionId, Operation], ...]:
        """What functions do to locks that are known."""
        return tuple(
            (result.function, operation)
            for result in self.results
            for operation in result.operations
            if _is_known(operation.lock)
        )

    def everywhere(self) -> Iterator[tuple[FunctionId, CriticalPair]]:
        """Every pair of every function of the program, those that no lock and no wait of threads touches included."""
        self.engine.settle(sorted(self.program.functions))
        for function in sorted(self.engine.results):
            for pair in sorted(self.engine.results[function].pairs, key=lambda p: (p.trace[0].span, p.trace)):
                yield function, pair

    def holding(self) -> Iterator[tuple[FunctionId, CriticalPair, tuple[Held, ...]]]:
        """Pairs of functions that themselves hold something then, with those locks; callees' own locks left out."""
        yield from self._holding

    @cached_property
    def _holding(self) -> list[tuple[FunctionId, CriticalPair, tuple[Held, ...]]]:
        found = (
            (function, pair, tuple(h for h in pair.held if not h.inner and h.lock.id is not None))
            for function, pair in self._pairs
            if pair.held
        )
        return [
            one
            for one in map(self._answerable, found)
            if one[2] and not self._closed(one[1]) and self._is_come_to(one[0], one[1])
        ]

    def _is_come_to(self, function: FunctionId, pair: CriticalPair) -> bool:
        """Whether there are circumstances in which a thread gets as far as a pair."""
        return not pair.passed or self.circumstances.reaching(function, pair.passed) != frozenset()

    def started(self) -> Iterator[tuple[FunctionId, CriticalPair, tuple[Held, ...]]]:
        """What happens in threads while they hold something, where only who starts them knows which locks these are."""
        for result in self.results:
            for pair in result.started:
                yield result.function, pair, tuple(h for h in pair.held if not h.inner and h.lock.id is not None)

    def _closed(self, pair: CriticalPair) -> bool:
        """Whether what is handed on along the calls keeps the wait off (`put(item, block=False)`)."""
        return len(pair.trace) > 1 and isinstance(pair.event, Block | QueueWait) and self.ways.closed(pair.trace)

    def _answerable(self, one: _Holding) -> _Holding:
        """Leave out what is promised and seen to be held by a caller: what happens then is told of that one."""
        function, pair, own = one
        if not any(h.promised for h in own):
            return one
        seen = self._held_around.get(function, frozenset())
        return function, pair, tuple(h for h in own if not (h.promised and h.lock.id in seen))

    @cached_property
    def _held_around(self) -> dict[FunctionId, frozenset[LockId]]:
        """The locks that some caller of a function with a contract holds around it."""
        found: dict[FunctionId, frozenset[LockId]] = {}
        for result in self.results:
            for call in result.calls:
                if call.callee in self.program.contracts:
                    found[call.callee] = found.get(call.callee, frozenset()) | call.locks
        return found

    @cached_property
    def sections(self) -> Sections:
        """Who takes which lock, and what for."""
        return Sections(self.results)

    @cached_property
    def setters(self) -> Setters:
        """What calls of methods set."""
        return Setters(self.engine)

    def place(self, function: FunctionId, span: Span) -> Place:
        """A span of a function in its file."""
        return Place(self.program.units[function.module].path, span.below(self.program.functions[function].above))

    def note(self, lock: LockRef) -> LockNote | None:
        """A lock and where it is created."""
        if lock.id is None:
            return None
        found = self._created(lock.id)
        if found is None:
            return None
        return LockNote(lock_name(lock.id), lock.kind.name if lock.kind is not None else "unknown", found)

    def _created(self, lock: LockId) -> Place | None:
        match lock:
            case AttributeLock(owner=owner, name=name):
                found = self.engine.hierarchy.attribute(owner, name)
                if found is None:
                    return None
                cls, facts = found
                made = next((f for f in facts if f.value is not None), facts[0])
                return self.place(self.engine.hierarchy.scope_of(cls, made), made.span)
            case GlobalLock(module=module, name=name):
                for fact in self.program.names(module, name).globals.get(name, ()):
                    return self.place(FunctionId(module, fact.function), fact.span)
                return None
            case LocalLock(function=function, name=name):
                return self._local(function, name)
            case ElementLock(container=container):
                return self._created(container)

    def _local(self, function: FunctionId, name: str) -> Place | None:
        if function.qualname == MODULE:
            return None
        for step in steps(self.program.body(function)):
            if isinstance(step, Assign) and Name(name) in step.targets:
                return self.place(function, step.span)
        return None


def _is_known(lock: LockRef) -> bool:
    """Whether it is known which lock a reference means, and of what kind that is."""
    return lock.id is not None and not lock.guessed and lock.kind is not None and not isinstance(lock.id, ElementLock)
