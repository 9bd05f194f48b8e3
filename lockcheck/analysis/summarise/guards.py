"""Code that knows who holds a lock before it takes it: flags and owners that keep a holder from taking it again."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, contains, decisions, steps, walk
from lockcheck.analysis.link.values import LibraryInstance, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import CriticalPair
from lockcheck.model.expression import Attr, Call, Const, Expr, Name
from lockcheck.model.flow import Assign, Block, Branch, Return, While
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_WHO = {"get_ident", "current_thread", "get_native_id", "current_task", "currentThread"}


def guarded(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a function on the way to the acquisition asks first who holds the lock.

    It does where the step is under, or behind an early return of, a test that asks for the current thread or task,
    reads a `threading.local`, or reads a flag that a function further up sets.
    """
    chain = [step.function for step in pair.trace]
    for index, step in enumerate(pair.trace):
        function = step.function
        flags = frozenset(name for outer in chain[:index] for name in _set(analysis, outer))
        asked = _asking(analysis, function, flags)
        if asked and any(test in asked for test in _tests(analysis.program.body(function), step.span)):
            return True
    return False


def _asking(analysis: Analysis, function: FunctionId, flags: frozenset[str]) -> tuple[Expr, ...]:
    """The tests of a function that ask: few do, and only where one does it matters which place it guards."""
    question = ("asking", function, analysis.program.has_blocks(function), flags)
    nothing: tuple[Expr, ...] = ()
    tests = decisions(analysis.program.body(function))
    asking = (test for test in tests if _asks(analysis, function, test, flags))
    return analysis.engine.types.memo.solve(question, lambda: tuple(asking), nothing)


def _tests(nodes: Block, span: Span) -> list[Expr]:
    """The tests under which a place is reached, and those before it whose outcome leaves the function."""
    found: list[Expr] = []
    for node in nodes:
        inside = next((b for b in blocks(node) if contains(b, span)), None)
        if inside is not None:
            own = [node.test] if isinstance(node, Branch | While) else []
            return [*found, *own, *_tests(inside, span)]
        if isinstance(node, Branch) and any(isinstance(n, Return) for n in (*node.then[-1:], *node.orelse[-1:])):
            found.append(node.test)
    return found


def _asks(analysis: Analysis, function: FunctionId, test: Expr, flags: frozenset[str]) -> bool:
    for inner in walk(test):
        match inner:
            case Name(id=name) if name in _WHO:
                return True
            case Attr(value=value, name=name):
                if name in _WHO or name in flags or _local(analysis, value, function):
                    return True
            case Call(func=Name(id="getattr" | "hasattr"), args=args) if args and _local(analysis, args[0], function):
                return True
            case _:
                pass
    return False


def _local(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    """Whether an object belongs to each thread or task by itself."""
    for option in options(analysis.engine.types.evaluate(expr, function)):
        if isinstance(option, LibraryInstance) and analysis.engine.library.canonical(option.type) == "threading.local":
            return True
    return False


def _set(analysis: Analysis, function: FunctionId) -> frozenset[str]:
    """The attributes that a function sets to a constant other than None and False: flags that something is going on."""
    nothing: frozenset[str] = frozenset()
    body = analysis.program.body(function)
    return analysis.engine.types.memo.solve(("set", function), lambda: frozenset(_set_in(body)), nothing)


def _set_in(body: Block) -> set[str]:
    found: set[str] = set()
    for step in steps(body):
        if isinstance(step, Assign) and isinstance(step.value, Const) and step.value.value:
            found.update(t.name for t in step.targets if isinstance(t, Attr))
    return found
