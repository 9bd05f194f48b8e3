"""How functions use locks, one operation at a time: what rules on misuse ask."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.values import LockValue, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Operation
from lockcheck.model.expression import Attr, Await, Call, Expr, Name, Not, last_word
from lockcheck.model.flow import Block, Branch, Do, While
from lockcheck.model.identity import AttributeLock, ElementLock, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.library import Domain
from lockcheck.model.paths import ParameterRoot
from lockcheck.model.source import Span


def operations(analysis: Analysis, *actions: str) -> Iterator[tuple[FunctionId, Operation]]:
    """Operations on locks that are known, in functions whose paths are; in a stable order."""
    for function, operation in analysis.operations:
        if operation.action in actions and analysis.program.has_blocks(function):
            yield function, operation


def dropped(nodes: Block) -> dict[Span, bool]:
    """Calls whose result nobody looks at, each with whether it is awaited."""
    found: dict[Span, bool] = {}
    for node in nodes:
        if isinstance(node, Do):
            if isinstance(node.value, Call):
                found[node.value.span] = False
            elif isinstance(node.value, Await) and isinstance(node.value.value, Call):
                found[node.value.value.span] = True
        for inner in blocks(node):
            found |= dropped(inner)
    return found


def tested(nodes: Block) -> set[Span]:
    """Calls that are a test by themselves, without an `await`."""
    found: set[Span] = set()
    for node in nodes:
        if isinstance(node, Branch | While):
            test = node.test.value if isinstance(node.test, Not) else node.test
            if isinstance(test, Call):
                found.add(test.span)
        for inner in blocks(node):
            found |= tested(inner)
    return found


def calls(analysis: Analysis, function: FunctionId) -> Iterator[Call]:
    """Every call of a function."""
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            yield from (e for e in walk(expr) if isinstance(e, Call))


def domains(analysis: Analysis, function: FunctionId, lock: Expr) -> set[Domain]:
    """Whom the locks exclude that an expression may be."""
    found = options(analysis.engine.types.evaluate(lock, function))
    return {o.kind.domain for o in found if isinstance(o, LockValue)}


def given(operation: Operation) -> bool:
    """Whether the lock is what a caller passes: whether it is held, only the caller knows."""
    path = operation.lock.path
    return path is not None and isinstance(path.root, ParameterRoot) and not path.steps


def lent(analysis: Analysis, function: FunctionId, lock: LockId) -> bool:
    """Whether a function near one that uses a lock hands it to another, which may take it or give it back.

    Near are the modules of the function and of the class or function that the lock belongs to.
    """
    home, name = _home(lock)
    return any(
        isinstance(part, Name | Attr) and last_word(part) == name and _denotes(analysis, part, other, lock)
        for module in dict.fromkeys((function.module, home))
        for other in analysis.program.functions_of(module)
        for call in calls(analysis, other)
        for part in (*call.args, *(k.value for k in call.keywords))
    )


def _home(lock: LockId) -> tuple[str, str]:
    """The module of a lock, and the last word by which it is reached."""
    match lock:
        case AttributeLock(owner=owner, name=name):
            return owner.module, name
        case GlobalLock(module=module, name=name):
            return module, name
        case LocalLock(function=function, name=name):
            return function.module, name
        case ElementLock(container=container):
            return _home(container)


def _denotes(analysis: Analysis, expr: Expr, function: FunctionId, lock: LockId) -> bool:
    found = options(analysis.engine.types.evaluate(expr, function))
    return any(isinstance(o, LockValue) and o.id == lock for o in found)


class Holders:
    """Who holds a lock around whom."""

    def __init__(self, analysis: Analysis) -> None:
        """Gather the calls of each function, and the locks that some function takes and leaves held."""
        self._analysis = analysis
        self._around: dict[FunctionId, list[frozenset[LockId]]] = {}
        self.left: set[LockId] = set()
        for result in analysis.results:
            self.left |= {h.lock.id for h in result.summary.leaves if h.lock.id is not None}
            for call in result.calls:
                held = call.locks | analysis.entry(result.function)
                self._around.setdefault(call.callee, []).append(held)

    def may_hold(self, function: FunctionId, lock: LockId) -> bool:
        """Whether a caller of a function holds a lock, or may: a private function that nobody is seen to call."""
        around = self._around.get(function, [])
        if lock in self._analysis.entry(function) or any(lock in held for held in around):
            return True
        name = self._analysis.facts(function).name
        return not around and name.startswith("_") and not name.startswith("__")
