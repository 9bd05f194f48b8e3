"""Where summarising begins: functions that may touch a primitive, coroutines, and who calls what leaves locks held."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.arguments import MAX_CALLERS
from lockcheck.analysis.link.values import FunctionValue, options
from lockcheck.analysis.summarise.result import Result
from lockcheck.analysis.summarise.runners import is_run
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.events import Acquire, Callback, Summary
from lockcheck.model.facts import MODULE, FunctionFacts
from lockcheck.model.identity import FunctionId

_INTERRUPTS = {"signal", "finalize", "ref", "WeakMethod", "proxy", "register", "addaudithook", "settrace", "setprofile"}
"""What code calls to have a function run in the middle of anything."""
_LOOPS = {"asyncio", "anyio", "trio", "uvloop"}


def roots(schedule: Schedule) -> Iterator[list[FunctionId]]:
    """Functions to summarise, in rounds: a round's outcome tells who is next."""
    functions = dict(schedule.program.functions)  # each run looks at all of them: nothing of it is kept
    first = sorted(
        f
        for f, facts in functions.items()
        if facts.qualifies
        or f in schedule.program.contracts
        or _interrupts(facts)
        or _runs_on_a_loop(facts)
        or _runs_loop(schedule, f, facts)
        or _wrapped(schedule, f, facts)
        or is_run(schedule, f)
    )
    seen = set(first)
    looked_at: dict[FunctionId, Result] = {}
    yield first
    while True:
        more: set[FunctionId] = set()
        for function, summary in schedule.summaries.items():
            result = schedule.results[function]
            if looked_at.get(function) is result:
                continue  # whom it leads to, an earlier round has found
            looked_at[function] = result
            name = functions[function].name
            if (
                summary.leaves
                or summary.releases
                or summary.around
                or function in schedule.program.contracts
                or (name.startswith("_") and not name.startswith("__") and _takes(schedule, function))
            ):
                more.update(schedule.program.callers(name))
            elif _lends(summary) and len(callers := schedule.program.callers(name)) <= MAX_CALLERS:
                more.update(callers)
            elif _takes(schedule, function):
                more.update(c for c in schedule.program.callers(name) if functions[c].is_async)
            more.update(s.function for s in result.spawned)
        fresh = sorted(more - seen)
        if not fresh:
            return
        seen.update(fresh)
        yield fresh


def _interrupts(facts: FunctionFacts) -> bool:
    """Whether a function is a finaliser, or makes one, or a handler of the like."""
    return facts.name == "__del__" or not _INTERRUPTS.isdisjoint(facts.called)


def _runs_on_a_loop(facts: FunctionFacts) -> bool:
    """Whether a function is a coroutine that may keep its event loop from going on: it calls something."""
    return facts.is_async and bool(facts.called)


def _runs_loop(schedule: Schedule, function: FunctionId, facts: FunctionFacts) -> bool:
    """Whether a function may run an event loop by `asyncio.run` or its like."""
    if "run" not in facts.called:
        return False
    imports = (*facts.imports, *schedule.program.units[function.module].facts.imports)
    return any(item.module in _LOOPS for item in imports)


def _takes(schedule: Schedule, function: FunctionId) -> bool:
    """Whether a function takes a lock itself: who calls it decides what is held around that, and in which thread."""
    return any(isinstance(p.event, Acquire) and len(p.trace) == 1 for p in schedule.results[function].pairs)


def _lends(summary: Summary) -> bool:
    """Whether a function calls what it is given while it holds a lock: what that does, its callers know."""
    return any(isinstance(p.event, Callback) and p.event.kind == "parameter" and p.held for p in summary.pairs)


def _wrapped(schedule: Schedule, function: FunctionId, facts: FunctionFacts) -> bool:
    """Whether a function of the program decorates the function and puts a nested function in its place."""
    types = schedule.types
    for decorator in facts.decorators:
        outer = types.enclosing(function) or FunctionId(function.module, MODULE)
        for option in options(types.evaluate(decorator, outer)):
            if isinstance(option, FunctionValue) and schedule.program.functions[option.id].qualifies:
                return True
            if isinstance(option, FunctionValue) and _qualified_inside(schedule, option.id):
                return True
    return False


def _qualified_inside(schedule: Schedule, function: FunctionId) -> bool:
    for expr in schedule.types.scope(function).returns:
        for option in options(schedule.types.evaluate(expr, function)):
            if isinstance(option, FunctionValue) and schedule.program.functions[option.id].qualifies:
                return True
    return False
