"""Functions that start a task, and what becomes of it."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import CoroutineValue, LibraryInstance, options
from lockcheck.analysis.loops import LOOP, callee_names
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Assign, Do, Node, Return
from lockcheck.model.identity import FunctionId

MAKERS = ("create_task", "ensure_future")
"""The names under which tasks are started."""
_MAKES = {"asyncio.create_task", "asyncio.ensure_future", f"{LOOP}.create_task"}
_LOOPS = {"loop", "_loop", "event_loop", "_event_loop"}


def makes_task(analysis: Analysis, function: FunctionId, call: Call) -> Confidence | None:
    """How sure it is that a call makes a task; None where it does not."""
    if called_word(call) not in MAKERS:
        return None
    if _MAKES & callee_names(analysis, call, function):
        return None if call.args and _is_kept(analysis, function, call) else Confidence.HIGH
    match call.func:
        case Attr(value=Name(id=word) | Attr(name=word), name="create_task") if word in _LOOPS:
            unknown = not analysis.engine.targets.of(call.func, function)
            return Confidence.MEDIUM if unknown else None
        case _:
            return None


def hands_on(analysis: Analysis, function: FunctionId) -> bool:
    """Whether all that a function does with a task that it starts is to return it."""
    if analysis.facts(function).is_async or analysis.facts(function).is_generator:
        return False
    returned = analysis.engine.types.scope(function).returns
    if len(returned) != 1:
        return False
    match returned[0]:
        case Call() as call:
            return makes_task(analysis, function, call) is not None
        case Name(id=name):
            given = [b.expr for b in analysis.engine.types.scope(function).bindings.get(name, ()) if b.how == "value"]
            if len(given) != 1 or not isinstance(given[0], Call) or makes_task(analysis, function, given[0]) is None:
                return False
            reading = [s for s in steps(analysis.program.body(function)) if name in read_names(s)]
            return all(isinstance(s, Return) or _listens(s, name) for s in reading)
        case _:
            return False


def _listens(step: Node, name: str) -> bool:
    """`task.add_done_callback(…)`: nobody keeps a task by listening to it."""
    match step:
        case Do(value=Call(func=Attr(value=Name(id=word), name="add_done_callback"))):
            return word == name
        case _:
            return False


def _is_kept(analysis: Analysis, function: FunctionId, call: Call) -> bool:
    """Whether `ensure_future` gives back what it was given: a future, as far as a name does not stand for a coroutine."""
    given = call.args[0]
    found = options(analysis.engine.types.evaluate(given, function))
    library = analysis.engine.library
    if any(isinstance(o, LibraryInstance) and library.is_subtype(o.type, "asyncio.Future") for o in found):
        return True
    named = isinstance(given, Name | Attr) and not any(isinstance(o, CoroutineValue) for o in found)
    return named and called_word(call) == "ensure_future"


def read_names(step: Node) -> set[str]:
    """The names that a statement reads."""
    stored = [t for t in step.targets if isinstance(t, Name)] if isinstance(step, Assign) else []
    return {
        inner.id
        for expr in expressions(step)
        if not any(expr is target for target in stored)
        for inner in walk(expr)
        if isinstance(inner, Name)
    }


def called_word(call: Call) -> str:
    """The last word of what is called."""
    return call.func.name if isinstance(call.func, Attr) else call.func.id if isinstance(call.func, Name) else ""
