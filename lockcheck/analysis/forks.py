"""Forks: where a process copies itself, and with it locks that nobody in the copy will give back."""

from __future__ import annotations

from lockcheck.analysis.link.values import Instance, LibraryInstance, options
from lockcheck.analysis.loops import call_at, calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Block, CriticalPair, Step
from lockcheck.model.expression import Attr, Call, Const, Expr
from lockcheck.model.identity import FunctionId

_OTHER = {"spawn", "forkserver"}


def forks(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether the event copies the process, as far as is known."""
    if not isinstance(pair.event, Block) or pair.event.category != "fork":
        return False
    method = start_method(analysis, pair.trace[-1])
    return method not in _OTHER and (method is not None or not _spawns(analysis))


def start_method(analysis: Analysis, step: Step) -> str | None:
    """How a process is started: what its context says, `fork` for `os.fork`, None where that is left to the default."""
    if step.text.startswith("os."):
        return "fork"
    call = call_at(analysis, step.function, step.span)
    if call is None or not isinstance(call.func, Attr):
        return None
    types = analysis.engine.types
    for option in options(types.evaluate(call.func.value, step.function)):
        if not isinstance(option, LibraryInstance) or option.origin is None:
            continue
        made = option.origin
        for sign, method in (("Spawn", "spawn"), ("ForkServer", "forkserver"), ("Fork", "fork")):
            if option.type.rpartition(".")[2].startswith(sign):
                return method
        if isinstance(made.call.func, Attr):
            for context in options(types.evaluate(made.call.func.value, made.function)):
                if isinstance(context, LibraryInstance) and context.origin is not None and context.origin.call.args:
                    given = context.origin.call.args[0]
                    return given.value if isinstance(given, Const) and isinstance(given.value, str) else "spawn"
    return None


def _spawns(analysis: Analysis) -> bool:
    """Whether the program says that its processes are not forked."""
    for function in analysis.program.callers("set_start_method"):
        for call in calls_in(analysis, function):
            if isinstance(call.func, Attr) and call.func.name == "set_start_method":
                given = (*call.args, *(k.value for k in call.keywords))
                if any(not isinstance(v, Const) or v.value in _OTHER for v in given):
                    return True
    return False


def started_before(analysis: Analysis, step: Step) -> Call | None:
    """A thread that the same function starts before, and does not join until then."""
    if analysis.facts(step.function).is_generator:
        return None
    found: Call | None = None
    for call in calls_in(analysis, step.function):
        if call.span >= step.span or not isinstance(call.func, Attr):
            continue
        if call.func.name == "start" and is_thread(analysis, call.func.value, step.function):
            found = call
        elif call.func.name == "join":
            found = None
    return found


def is_thread(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    """Whether an expression is a thread."""
    library = analysis.engine.library
    for option in options(analysis.engine.types.evaluate(expr, function)):
        if isinstance(option, LibraryInstance) and library.is_subtype(option.type, "threading.Thread"):
            return True
        if isinstance(option, Instance):
            bases = analysis.engine.hierarchy.library_bases(option.id)
            if any(library.is_subtype(base, "threading.Thread") for base in bases):
                return True
    return False
