"""What runs on an event loop: the synchronous part of a coroutine, and calls that run a loop themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import External, LibraryInstance, LibraryMethod, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Block, CriticalPair, QueueWait, Step, Trace
from lockcheck.model.expression import Attr, Await, Call, Expr, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

LOOP = "asyncio.AbstractEventLoop"
FRESH = frozenset({"asyncio.run", "uvloop.run", "anyio.run", "trio.run"})
"""Calls that make a loop, run it to its end and close it."""
RUNNERS = FRESH | {
    f"{LOOP}.run_until_complete",
    f"{LOOP}.run_forever",
    "asyncio.Runner.run",
    "anyio.from_thread.run",
    "anyio.from_thread.run_sync",
    "trio.from_thread.run",
    "trio.from_thread.run_sync",
    "asgiref.sync.AsyncToSync",
}
"""Calls that fail, or wait for ever, where a loop runs in this thread already."""
_ASKS = {"get_running_loop", "_get_running_loop", "is_running", "current_task", "current_async_library"}
_PLAIN = frozenset(
    [
        "property",
        "cached_property",
        "setter",
        "getter",
        "staticmethod",
        "classmethod",
        "wraps",
        "overload",
        "override",
        "final",
        "abstractmethod",
        "contextmanager",
    ]
)
_SEVERAL = {"wait", "as_completed"}
_REMEMBERS = re.compile(r"^(?!cached_property)(?:\w*_)?(?:cached?|memoized?|once)\b", re.IGNORECASE)
"""Decorators after which a function does its work once: `lru_cache`, `memoize`."""
_TIMED = {"wait", "join", "result"}
"""Waits whose arguments are times and flags only."""
_FEW = 2
"""Functions that one call may run before it counts as ambiguous."""


def synchronous(analysis: Analysis) -> Iterator[tuple[FunctionId, CriticalPair]]:
    """Pairs of coroutines whose event happens before the loop runs again: nothing on the way to it is awaited.

    What a decorator does around a coroutine is left out: it runs where the coroutine is made.
    """
    coroutines = analysis.coroutines
    for function, pair in analysis.pairs_of_coroutines:
        if pair.trace[0].span == analysis.facts(function).span:
            continue
        if not any(step.function in coroutines for step in pair.trace[1:]):
            yield function, pair


def runs_loop(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether the event runs an event loop in this thread."""
    event = pair.event
    return isinstance(event, Block) and not event.awaited and analysis.engine.library.canonical(event.name) in RUNNERS


def asks_for_loop(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a plain function on the way looks whether a loop is running, and so may take another way."""
    return any(_ASKS.intersection(analysis.facts(step.function).called) for step in pair.trace[1:])


def calls_in(analysis: Analysis, function: FunctionId) -> tuple[Call, ...]:
    """Every call in a function's body, in order."""
    return analysis.calls(function)


def expressions_in(analysis: Analysis, function: FunctionId) -> Iterator[Expr]:
    """Every expression in a function's body and everything inside it."""
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            yield from walk(expr)


def call_at(analysis: Analysis, function: FunctionId, span: Span) -> Call | None:
    """The call that stands at a span of a function."""
    return analysis.ways.call(function, span)


def callee_names(analysis: Analysis, call: Call, function: FunctionId) -> set[str]:
    """What the tables call the callee: `asyncio.run`, `asyncio.AbstractEventLoop.create_task`."""
    found: set[str] = set()
    library = analysis.engine.library
    for option in options(analysis.engine.types.evaluate(call.func, function)):
        match option:
            case External(name=name):
                found.add(library.canonical(name))
            case LibraryMethod(receiver=receiver, name=name):
                for inner in options(receiver):
                    if isinstance(inner, LibraryInstance):
                        found.add(f"{library.canonical(inner.type)}.{name}")
            case _:
                pass
    return found


def followed(analysis: Analysis, trace: Trace) -> Confidence:
    """How sure it is that the calls of a trace run what they name, each time that they are made.

    A decorator may put something else in a function's place, or remember what it gave; of a method with many
    overrides another one may be meant.
    """
    level = Confidence.HIGH
    for before, step in pairwise(trace):
        words = [_word(d) for d in analysis.facts(step.function).decorators]
        if any(_REMEMBERS.search(w) for w in words) or _ambiguous(analysis, before, step.function):
            return Confidence.LOW
        if not all(w in _PLAIN for w in words):
            level = Confidence.MEDIUM
    return level


def _ambiguous(analysis: Analysis, step: Step, function: FunctionId) -> bool:
    """Whether a call may run more functions than a reader would look at, this one only among them."""
    call = call_at(analysis, step.function, step.span)
    if call is None:
        return False
    targets = {t.function for t in analysis.engine.targets.of(call.func, step.function)}
    return function in targets and len(targets) > _FEW


def _word(expr: Expr) -> str:
    match expr:
        case Name(id=word) | Attr(name=word):
            return word
        case Call(func=func):
            return _word(func)
        case _:
            return ""


def is_instant(analysis: Analysis, pair: CriticalPair, thorough: bool = True) -> bool:
    """Whether a wait is given no time at all, or is for a future that is done or a queue that is filled by then.

    It is one, too, that the arguments on this way keep off, which a thorough look finds.
    """
    step = pair.trace[-1]
    if any(each.text.endswith("_nowait") for each in pair.trace):
        return True
    if isinstance(pair.event, QueueWait) and any("empty" in analysis.facts(s.function).called for s in pair.trace):
        return True
    if thorough and analysis.ways.closed(pair.trace):
        return True
    call = call_at(analysis, step.function, step.span)
    if call is None or not isinstance(call.func, Attr):
        return False
    if any(known.value in (0, False) for known in analysis.ways.literals(pair.trace, _bounds(pair.event, call))):
        return True
    if call.func.name == "get" and isinstance(pair.event, QueueWait) and _is_filled(analysis, step, call.func.value):
        return True
    return call.func.name in ("result", "exception") and _is_done(analysis, step, call.func.value)


def _bounds(event: object, call: Call) -> Iterator[Expr]:
    """What a call is given that may keep it from waiting: the time, or the flag that says whether to wait."""
    names = {"timeout", "block", "blocking", "wait"} | ({event.limit} if isinstance(event, Block) else set[str]())
    yield from (k.value for k in call.keywords if k.name in names)
    if isinstance(event, QueueWait) or (isinstance(event, Block) and event.category in _TIMED):
        yield from call.args[1:] if isinstance(call.func, Attr) and call.func.name == "put" else call.args


def _is_filled(analysis: Analysis, step: Step, queue: Expr) -> bool:
    """Whether a function gets from a queue what it has put there itself."""
    return any(
        isinstance(c.func, Attr) and c.func.name == "put" and c.span < step.span and _alike(c.func.value, queue)
        for c in calls_in(analysis, step.function)
    )


def _is_done(analysis: Analysis, step: Step, future: Expr) -> bool:
    for expr in expressions_in(analysis, step.function):
        match expr:
            case Call(func=Attr(value=value, name="done")) if _alike(value, future):
                return True
            case Await(value=value) if any(_alike(e, future) for e in walk(value)):
                return True
            case _:
                pass
    if not isinstance(future, Name):
        return False
    scope = analysis.engine.types.scope(step.function)
    sources = [b.expr for b in scope.bindings.get(future.id, ()) if b.how == "element"]
    names = [e.id for source in sources if source is not None for e in walk(source) if isinstance(e, Name)]
    made = [b.expr for name in names for b in scope.bindings.get(name, ())]
    return any(
        isinstance(e, Call) and _word(e.func) in _SEVERAL
        for source in (*sources, *made)
        if source is not None
        for e in walk(source)
    )


def _alike(one: Expr, other: Expr) -> bool:
    """Whether two expressions are spelled alike, wherever they stand."""
    match one, other:
        case Name(id=a), Name(id=b):
            return a == b
        case Attr(value=a, name=x), Attr(value=b, name=y):
            return x == y and _alike(a, b)
        case _:
            return False


def waits(event: object) -> bool:
    """Whether an event keeps its thread waiting, and with it whatever loop runs there."""
    match event:
        case Block(awaited=False):
            return True
        case QueueWait(awaited=False, domain="thread" | "process", operation=operation, bounded=bounded):
            return operation != "put" or bool(bounded)
        case _:
            return False
