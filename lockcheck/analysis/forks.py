"""Forks: where a process copies itself, and with it locks that nobody in the copy will give back."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.values import External, Instance, LibraryInstance, options
from lockcheck.analysis.loops import call_at, callee_names, calls_in, expressions_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Acquire, Block, CriticalPair, Step
from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Name
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId

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
        if call.func.name == "start" and _is_thread(analysis, call.func.value, step.function):
            found = call
        elif call.func.name == "join":
            found = None
    return found


def _is_thread(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    library = analysis.engine.library
    for option in options(analysis.engine.types.evaluate(expr, function)):
        if isinstance(option, LibraryInstance) and library.is_subtype(option.type, "threading.Thread"):
            return True
        if isinstance(option, Instance):
            bases = analysis.engine.hierarchy.library_bases(option.id)
            if any(library.is_subtype(base, "threading.Thread") for base in bases):
                return True
    return False


def survivors(analysis: Analysis) -> Iterator[tuple[FunctionId, CriticalPair]]:
    """Acquisitions in functions that compare `os.getpid()` with what they remember: they are made to run after a fork.

    Left out are locks that are made anew in the child, and modules that register what to do at a fork.
    """
    for function in sorted(set(analysis.program.callers("getpid"))):
        result = analysis.engine.results.get(function)
        if result is None or not _compares(analysis, function) or _registers(analysis, function.module):
            continue
        for pair in sorted(result.pairs, key=lambda p: (len(p.trace), p.trace)):
            event = pair.event
            if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.guessed:
                continue
            if event.lock.kind is None or event.lock.domain != "thread" or not event.lock.exclusive:
                continue
            if event.lock.id is not None and _stays(analysis, event.lock.id):
                yield function, pair


def _compares(analysis: Analysis, function: FunctionId) -> bool:
    for expr in expressions_in(analysis, function):
        if isinstance(expr, Compare) and expr.operator in ("==", "!="):
            if any(_is_own_id(analysis, side, function) for side in (expr.left, expr.right)):
                return True
    return False


def _is_own_id(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    """Whether an expression is `os.getpid()`, or a local name for it."""
    if isinstance(expr, Name):
        bound = analysis.engine.types.scope(function).bindings.get(expr.id, [])
        return any(
            b.how == "value" and isinstance(b.expr, Call) and _is_own_id(analysis, b.expr, function) for b in bound
        )
    return isinstance(expr, Call) and "os.getpid" in _external(analysis, expr, function)


def _external(analysis: Analysis, call: Call, function: FunctionId) -> set[str]:
    found = analysis.engine.types.evaluate(call.func, function)
    names = {option.name for option in options(found) if isinstance(option, External)}
    return names | callee_names(analysis, call, function)


def _registers(analysis: Analysis, module: str) -> bool:
    return any("register_at_fork" in facts.called for facts in analysis.program.units[module].facts.functions)


def _stays(analysis: Analysis, lock: LockId) -> bool:
    """Whether a lock is made once: by its module, its class, or the constructor of its object."""
    match lock:
        case AttributeLock(owner=owner, name=name):
            found = analysis.engine.hierarchy.attribute(owner, name)
            return found is not None and all(
                fact.function is None or fact.function.rpartition(".")[2] == "__init__" for fact in found[1]
            )
        case GlobalLock(module=module, name=name):
            facts = analysis.program.names(module).globals.get(name, ())
            return all(fact.function == "<module>" for fact in facts)
        case _:
            return False
