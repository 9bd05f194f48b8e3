"""Objects of the program that a function acquires and releases like a lock, though their class is more than a lock."""

from __future__ import annotations

from lockcheck.analysis.exits.points import spelled
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import LockRef, Operation
from lockcheck.model.expression import Attr, Call
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.source import Span

Pair = tuple[LockRef, dict[Span, Operation]]


def pairs(analysis: Analysis, function: FunctionId) -> list[Pair]:
    """Receivers on which the function calls both `acquire` and `release`, methods of one class that is no lock."""
    if not {"acquire", "release"} <= set(analysis.facts(function).called):
        return []
    found: dict[tuple[str, ClassId], list[tuple[str, Call, bool]]] = {}
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            for call in walk(expr):
                if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.name in ("acquire", "release"):
                    known = _class(analysis, function, call)
                    word = spelled(call.func.value)
                    if known is not None and word is not None:
                        found.setdefault((word, known[0]), []).append((call.func.name, call, known[1]))
    made: list[Pair] = []
    for (_, cls), calls in found.items():
        if {name for name, _, _ in calls} == {"acquire", "release"}:
            made.append(_pair(cls, calls))
    return made


def _pair(cls: ClassId, calls: list[tuple[str, Call, bool]]) -> Pair:
    lock = LockRef(None, None, None, cls)
    operations = {
        call.span: Operation(
            "acquire" if name == "acquire" else "release", lock, call.span, waits=waits, attempt=True, callee=name
        )
        for name, call, waits in calls
    }
    return lock, operations


def _class(analysis: Analysis, function: FunctionId, call: Call) -> tuple[ClassId, bool] | None:
    """The one class whose method is called, if it has both methods and is no lock by itself."""
    targets = analysis.engine.targets.of(call.func, function)
    if len(targets) != 1:
        return None
    target = targets[0].function
    owner = analysis.engine.types.owner(target)
    if owner is None or not {"acquire", "release"} <= analysis.engine.hierarchy.own_methods(owner).keys():
        return None
    if any(o.span == call.span and o.action == "acquire" for o in _operations(analysis, function)):
        return None
    return owner, analysis.facts(target).is_async


def _operations(analysis: Analysis, function: FunctionId) -> tuple[Operation, ...]:
    found = analysis.engine.results.get(function)
    return found.operations if found is not None else ()
