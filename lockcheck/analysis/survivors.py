"""Functions that are made to run in the child after a fork, and the locks they take there."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.forks import is_thread
from lockcheck.analysis.link import locks
from lockcheck.analysis.link.stores import writes
from lockcheck.analysis.link.values import External, FunctionValue, options
from lockcheck.analysis.loops import callee_names, calls_in, expressions_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.outcomes import functions_of
from lockcheck.model.events import Acquire, Block, CriticalPair, LockRef
from lockcheck.model.expression import Attr, Call, Compare, Expr, Name
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId

_REGISTERS = "register_at_fork"


class Inherited:
    """Which locks a child may inherit locked, with nobody to give them back."""

    def __init__(self, analysis: Analysis) -> None:
        """Find out which locks are held for longer than a moment, and who looks after some at a fork."""
        self._analysis = analysis
        self._lasting = set(_lasting(analysis))
        self._forks = list(_registered(analysis))
        self._looked_after = set(_looked_after(analysis, self._forks))

    def after_comparing(self) -> Iterator[tuple[FunctionId, CriticalPair]]:
        """Acquisitions in functions that compare `os.getpid()` with what they remember: they are made to survive one."""
        for function in sorted(set(self._analysis.program.callers("getpid"))):
            result = self._analysis.engine.results.get(function)
            if result is None or not _compares(self._analysis, function) or self._prepared(function.module):
                continue
            yield from ((function, p) for p in self._waits(result.pairs))

    def in_children(self) -> Iterator[tuple[FunctionId, CriticalPair]]:
        """Acquisitions in what `os.register_at_fork` runs in the child."""
        for name, function in self._forks:
            if name == "after_in_child":
                result = self._analysis.engine.results.get(function)
                yield from ((function, p) for p in self._waits(result.pairs if result is not None else ()))

    def lasting(self, lock: LockId | None) -> bool:
        """Whether a lock is held for longer than a moment: under it something waits, or starts a thread."""
        return lock in self._lasting

    def _prepared(self, module: str) -> bool:
        """Whether a module says itself what is to be done at a fork."""
        return any(_REGISTERS in facts.called for facts in self._analysis.program.units[module].facts.functions)

    def _waits(self, pairs: tuple[CriticalPair, ...]) -> Iterator[CriticalPair]:
        for pair in sorted(pairs, key=lambda p: (len(p.trace), p.trace)):
            event = pair.event
            if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.guessed:
                continue
            lock = event.lock
            if lock.kind is None or lock.domain != "thread" or not lock.exclusive or lock.id is None:
                continue
            if lock.id not in self._looked_after and _stays(self._analysis, lock.id):
                if not (self._forks and _collected(self._analysis, lock)):
                    yield pair


def _lasting(analysis: Analysis) -> Iterator[LockId]:
    for _, pair, own in analysis.holding():
        if isinstance(pair.event, Block) and not pair.event.timed:
            yield from (h.lock.id for h in own if h.lock.id is not None)
    for result in analysis.results:
        if "start" not in analysis.facts(result.function).called:
            continue
        started = max(
            (c.span.row for c in calls_in(analysis, result.function) if _starts(analysis, c, result.function)),
            default=0,
        )
        for pair in result.pairs:
            event = pair.event
            if len(pair.trace) == 1 and isinstance(event, Acquire) and event.lock.id is not None:
                if pair.trace[0].span.row < started:
                    yield event.lock.id


def _starts(analysis: Analysis, call: Call, function: FunctionId) -> bool:
    """Whether a call starts a thread: it waits until that runs."""
    func = call.func
    return isinstance(func, Attr) and func.name == "start" and is_thread(analysis, func.value, function)


def _registered(analysis: Analysis) -> Iterator[tuple[str, FunctionId]]:
    """What is registered to run at a fork, and when."""
    for function in analysis.program.callers(_REGISTERS):
        for call in calls_in(analysis, function):
            if "os.register_at_fork" in callee_names(analysis, call, function):
                for keyword in call.keywords:
                    for found in functions_of(analysis.engine, function, keyword.value):
                        yield keyword.name or "", found


def _looked_after(analysis: Analysis, forks: list[tuple[str, FunctionId]]) -> Iterator[LockId]:
    """Locks that are taken before each fork, so that nobody else can hold them just then."""
    for name, function in forks:
        if name == "before":
            for pair in analysis.engine.summary(function).pairs:
                if isinstance(pair.event, Acquire) and pair.event.lock.id is not None:
                    yield pair.event.lock.id
    for function in analysis.program.callers(_REGISTERS):
        for call in calls_in(analysis, function):
            given = locks.argument(call, "before", None)
            if isinstance(given, Attr) and given.name == "acquire":
                lock = analysis.engine.paths.lock(given.value, function, {})
                if lock is not None and lock.id is not None:
                    yield lock.id


def _collected(analysis: Analysis, lock: LockRef) -> bool:
    """Whether a lock, or the one that a condition is made on, comes from a function that keeps what it makes.

    Where a program registers what to do at a fork, that is what locks are kept for.
    """
    if not isinstance(lock.id, AttributeLock):
        return False
    return _kept(analysis, lock.id, 3)


def _kept(analysis: Analysis, lock: AttributeLock, depth: int) -> bool:
    found = analysis.engine.hierarchy.attribute(lock.owner, lock.name)
    for fact in found[1] if found is not None and depth else ():
        if isinstance(fact.value, Call):
            assert found is not None
            function = analysis.engine.hierarchy.scope_of(found[0], fact)
            for option in options(analysis.engine.types.evaluate(fact.value.func, function)):
                if isinstance(option, FunctionValue) and any(writes(analysis.engine.types, option.id)):
                    return True
            for given in fact.value.args:
                inner = analysis.engine.paths.identity(given, function)
                if isinstance(inner, AttributeLock) and _kept(analysis, inner, depth - 1):
                    return True
    return False


def _compares(analysis: Analysis, function: FunctionId) -> bool:
    for expr in expressions_in(analysis, function):
        if isinstance(expr, Compare) and expr.operator in ("==", "!="):
            if any(_is_own_id(analysis, side, function) for side in (expr.left, expr.right)):
                return True
    return False


def _is_own_id(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    """Whether an expression is `os.getpid()`, or a local name for it."""
    if isinstance(expr, Name):
        bound = analysis.engine.types.scope(function).bindings.get(expr.id, ())
        return any(
            b.how == "value" and isinstance(b.expr, Call) and _is_own_id(analysis, b.expr, function) for b in bound
        )
    return isinstance(expr, Call) and "os.getpid" in _external(analysis, expr, function)


def _external(analysis: Analysis, call: Call, function: FunctionId) -> set[str]:
    found = analysis.engine.types.evaluate(call.func, function)
    names = {option.name for option in options(found) if isinstance(option, External)}
    return names | callee_names(analysis, call, function)


def _stays(analysis: Analysis, lock: LockId) -> bool:
    """Whether a lock is made once: by its module, its class, or the constructor of its object."""
    match lock:
        case AttributeLock(owner=owner, name=name):
            found = analysis.engine.hierarchy.attribute(owner, name)
            return found is not None and all(
                fact.function is None or fact.function.rpartition(".")[2] == "__init__" for fact in found[1]
            )
        case GlobalLock(module=module, name=name):
            facts = analysis.program.names(module, name).globals.get(name, ())
            return all(fact.function == "<module>" for fact in facts)
        case _:
            return False
