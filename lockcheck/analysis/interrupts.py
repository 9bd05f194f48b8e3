"""Functions that run in the middle of any other: finalisers, signal handlers, hooks; and what they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from lockcheck.analysis.link.values import ClassValue, options
from lockcheck.analysis.regions import counts_only
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Acquire, Block, CriticalPair
from lockcheck.model.expression import Attr, Call, Expr, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, LockId
from lockcheck.model.paths import ClassRoot, GlobalRoot, ParameterRoot, Path

Cause: TypeAlias = Literal["finaliser", "weakref", "signal", "exit", "hook"]
_CONTEXTS: dict[str, Cause] = {"finaliser": "weakref", "signal": "signal", "exit": "exit", "hook": "hook"}


class Interrupt(msgspec.Struct, frozen=True, order=True, gc=False):
    """A function that may run between any two steps of another, and why."""

    function: FunctionId
    cause: Cause


def interrupts(analysis: Analysis) -> tuple[Interrupt, ...]:
    """Every such function of the program, in a stable order."""
    found: set[Interrupt] = set()
    for result in analysis.results:
        facts = analysis.facts(result.function)
        if facts.name == "__del__" and facts.owner is not None:
            found.add(Interrupt(result.function, "finaliser"))
        if any(_spelled(d) == "atexit.register" for d in facts.decorators):
            found.add(Interrupt(result.function, "exit"))
        for item in result.spawned:
            cause = _CONTEXTS.get(item.context)
            if cause is not None:
                found.add(Interrupt(item.function, cause))
    return tuple(sorted(found))


class Ordinary:
    """Who takes a lock in code that an interrupt may interrupt."""

    def __init__(self, analysis: Analysis) -> None:
        """Leave out the interrupts and the private functions that nothing else calls."""
        self._analysis = analysis
        only = {i.function for i in interrupts(analysis)}
        callers: dict[FunctionId, set[FunctionId]] = {}
        for result in analysis.results:
            for call in result.calls:
                callers.setdefault(call.callee, set()).add(result.function)
        entries = frozenset(only)
        only = {f for f in entries if callers.get(f, set()) <= entries}
        changed = True
        while changed:
            more = {
                f
                for f, known in callers.items()
                if f not in only and known <= only and _private(analysis.facts(f).name)
            }
            changed = bool(more)
            only |= more
        self._takers: dict[LockId, list[tuple[FunctionId, CriticalPair]]] = {}
        for function, pair in analysis.pairs(Acquire):
            event = pair.event
            if isinstance(event, Acquire) and len(pair.trace) == 1 and event.lock.id is not None:
                if function not in only:
                    self._takers.setdefault(event.lock.id, []).append((function, pair))
        self._slow: set[LockId] = set()
        for _, pair, own in analysis.holding():
            if isinstance(pair.event, Block) and not pair.event.timed:
                self._slow.update(h.lock.id for h in own if h.lock.id is not None)

    def taker(self, lock: LockId, cause: Cause) -> tuple[FunctionId, CriticalPair] | None:
        """One that holds the lock where it may be interrupted: for a signal, in the main thread."""
        owner = lock.owner.qualname if isinstance(lock, AttributeLock) else ""
        known = self._takers.get(lock, [])
        if cause in ("finaliser", "weakref"):
            known = [(f, p) for f, p in known if not counts_only(self._analysis, p.trace[0])]
        for function, pair in sorted(known, key=lambda k: (not k[0].qualname.startswith(f"{owner}."), k[0])):
            if self._analysis.constructing(function, pair):
                continue
            if cause != "signal" or self._analysis.threads.of(function) is None:
                return function, pair
        return None

    def slow(self, lock: LockId) -> bool:
        """Whether somebody waits without bound while he holds the lock."""
        return lock in self._slow


def acquisitions(analysis: Analysis, interrupt: Interrupt) -> Iterator[tuple[CriticalPair, Confidence]]:
    """Locks that an interrupt waits for, the nearest first, each with how sure it is that others can hold it then."""
    seen: set[LockId] = set()
    result = analysis.engine.results.get(interrupt.function)
    pairs = result.pairs if result is not None else ()
    for pair in sorted(pairs, key=lambda p: (-p.confidence, len(p.trace), p.trace)):
        event = pair.event
        if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.id is None:
            continue
        lock = event.lock
        if lock.reentrant or not lock.exclusive or lock.domain == "async" or lock.id in seen or lock.guessed:
            continue
        shared = _shared(analysis, interrupt, lock.path)
        if shared is None:
            continue
        assert lock.id is not None
        seen.add(lock.id)
        yield pair, min(shared, pair.confidence)


def _shared(analysis: Analysis, interrupt: Interrupt, path: Path | None) -> Confidence | None:
    """How sure it is that a lock is not the interrupt's own: an object that is finalised is held by nobody."""
    if path is not None and isinstance(path.root, GlobalRoot | ClassRoot):
        return Confidence.HIGH
    if interrupt.cause != "finaliser":
        return Confidence.MEDIUM if path is not None else Confidence.LOW
    first = analysis.engine.types.scope(interrupt.function).first
    if path is None or path.root != ParameterRoot(first or ""):
        return Confidence.LOW
    if len(path.steps) < 2:
        return None
    owner = analysis.engine.types.owner(interrupt.function)
    return Confidence.MEDIUM if owner is not None and _handed(analysis, owner, path.steps[0]) else Confidence.LOW


def _handed(analysis: Analysis, owner: ClassId, name: str) -> bool:
    """Whether an attribute holds what a constructor was given, or what a function gave, and not the object's own."""
    found = analysis.engine.hierarchy.attribute(owner, name)
    for cls, facts in [found] if found is not None else []:
        for fact in facts:
            scope = analysis.engine.hierarchy.scope_of(cls, fact)
            value: Expr | None = fact.value
            if isinstance(value, Attr | Name) or (
                isinstance(value, Call)
                and not any(
                    isinstance(o, ClassValue) for o in options(analysis.engine.types.evaluate(value.func, scope))
                )
            ):
                return True
    return False


def _spelled(expr: Expr) -> str:
    return f"{expr.value.id}.{expr.name}" if isinstance(expr, Attr) and isinstance(expr.value, Name) else ""


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
