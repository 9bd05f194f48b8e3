"""What becomes of the locks that a function takes by `acquire`: on which ways out they are still held."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.budget import Meter, SpentError
from lockcheck.analysis.exits.evaluation import TooManyPathsError
from lockcheck.analysis.exits.pairs import pairs
from lockcheck.analysis.exits.points import How, Leave, Point, spelled
from lockcheck.analysis.exits.walk import Walk
from lockcheck.analysis.link.bodies import children, expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.state import same
from lockcheck.model.events import LockRef, Operation
from lockcheck.model.expression import Attr, Call, Expr
from lockcheck.model.flow import Assign, Return
from lockcheck.model.identity import ElementLock, FunctionId
from lockcheck.model.source import Span


class Exit(msgspec.Struct, frozen=True, gc=False):
    """A way out on which the lock that `operation` took is held: `how` and where it leaves, `text` what raises."""

    operation: Operation
    how: How
    span: Span
    text: str

    @property
    def normal(self) -> bool:
        """Whether the function returns there."""
        return self.how in ("return", "end")


class Fate(msgspec.Struct, frozen=True, gc=False):
    """One lock in one function: the ways out that hold it, and whether the function gives it back at all.

    `freed`: on some normal way out the function has given back what it took.
    """

    function: FunctionId
    lock: LockRef
    exits: tuple[Exit, ...]
    releases: bool
    freed: bool


def fates(analysis: Analysis, result: Result) -> list[Fate]:
    """The fate of each lock that a function takes by an `acquire`, where its paths can be followed.

    A lock that is handed to somebody else, or whose `release` is, is left out.
    """
    if not analysis.program.has_blocks(result.function):
        return []
    meter = Meter()
    try:
        return list(_fates(analysis, result, meter))
    except SpentError:
        analysis.engine.budget.cut(result.function, "exits")
        return []
    finally:
        analysis.engine.budget.account(meter)


def _fates(analysis: Analysis, result: Result, meter: Meter) -> Iterator[Fate]:
    for lock, operations in (*_locks(result), *pairs(analysis, result.function)):
        if not _handed_on(analysis, result.function, operations):
            fate = _fate(analysis, result.function, lock, operations, meter)
            if fate is not None:
                yield fate


def _locks(result: Result) -> list[tuple[LockRef, dict[Span, Operation]]]:
    """The locks that are taken by an `acquire`, with all that is done to each."""
    found: list[tuple[LockRef, dict[Span, Operation]]] = []
    for operation in result.operations:
        lock = operation.lock
        if operation.action != "acquire" or lock.id is None or lock.guessed or isinstance(lock.id, ElementLock):
            continue
        if not any(_equal(lock, known) for known, _ in found):
            own = [o for o in result.operations if _equal(o.lock, lock) and o.action != "enter"]
            found.append((lock, {o.span: o for o in own}))
    return found


def _equal(one: LockRef, other: LockRef) -> bool:
    """Whether two references may be one lock: who releases a lock of the same name releases this one."""
    return same(one, other) or (one.id is not None and one.id == other.id)


def _fate(
    analysis: Analysis, function: FunctionId, lock: LockRef, operations: dict[Span, Operation], meter: Meter
) -> Fate | None:
    walker = Walk(analysis, function, operations, meter)
    facts = analysis.facts(function)
    try:
        returns, raises = walker.run(analysis.program.body(function), facts.span)
    except TooManyPathsError:
        return None
    by_number = {walker.numbers[span]: operation for span, operation in operations.items()}
    exits = {_exit(by_number, point, leave): None for point, leave in (*returns, *raises) if point.held}
    return Fate(
        function,
        lock,
        tuple(sorted(exits, key=lambda e: (e.operation.span, e.span, e.how))),
        any(o.action == "release" for o in operations.values()),
        any(point.released and not point.held for point, _ in returns),
    )


def _exit(operations: dict[int, Operation], point: Point, leave: Leave) -> Exit:
    return Exit(operations[point.held[-1]], leave.how, leave.span, leave.text)


def _handed_on(analysis: Analysis, function: FunctionId, operations: dict[Span, Operation]) -> bool:
    """Whether the lock or its `release` is given to somebody who may give it back, or a nested function does."""
    inner = f"{function.qualname}.<locals>."
    for other in analysis.program.functions_of(function.module):
        if other.qualname.startswith(inner):
            if any(word.startswith(("release", "_release")) for word in analysis.facts(other).called):
                return True
    receivers: set[str | None] = set()
    exprs: list[Expr] = []
    values: list[Expr] = []
    for step in steps(analysis.program.body(function)):
        exprs += expressions(step)
        if isinstance(step, Return | Assign) and step.value is not None:
            values.append(step.value)
    for expr in exprs:
        for part in walk(expr):
            if isinstance(part, Call) and part.span in operations and isinstance(part.func, Attr):
                receivers.add(spelled(part.func.value))
    receivers.discard(None)
    return any(spelled(v) in receivers for v in values) or any(_gives(e, receivers) for e in exprs)


def _gives(expr: Expr, receivers: set[str | None]) -> bool:
    """Whether a lock, or its `release`, is an argument of a call or a part of something kept."""
    if isinstance(expr, Call):
        given = (*expr.args, *(k.value for k in expr.keywords))
        for value in given:
            if spelled(value) in receivers:
                return True
            if isinstance(value, Attr) and value.name.startswith("release") and spelled(value.value) in receivers:
                return True
    return any(_gives(child, receivers) for child in children(expr))
