"""Endless loops that start a thread, process or task for each item that they wait for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.bodies import blocks, contains, expressions, steps, walk
from lockcheck.analysis.link.values import External, Instance, LibraryMethod, options
from lockcheck.analysis.summarise import Analysis, outcomes
from lockcheck.analysis.summarise.runners import is_runner
from lockcheck.model.events import Acquire, CriticalPair, QueueWait
from lockcheck.model.events import Block as Blocking
from lockcheck.model.expression import Attr, Await, Call, Compare, Expr, Name, last_word
from lockcheck.model.flow import Assign, Block, For, While
from lockcheck.model.identity import FunctionId
from lockcheck.model.library import Effect
from lockcheck.model.source import Span

_WHAT = {"thread": "thread", "process": "process", "loop": "task"}
_WORDS = (
    "Thread", "Process", "create_task", "ensure_future", "start_soon", "start_new_thread", "start", "spawn_callback",
    "run_coroutine_threadsafe", "Timer",
)  # fmt: skip
_WAITS = {"join", "gather", "as_completed"}


class Spawning(msgspec.Struct, frozen=True, gc=False):
    """A call that starts something, and the place in the same loop that waits for what it is started for."""

    function: FunctionId
    span: Span
    name: str
    what: str
    source: str
    input: Span


def spawnings(analysis: Analysis) -> Iterator[Spawning]:
    """Every such call of the program, in a stable order."""
    for function in sorted({f for word in _WORDS for f in analysis.program.callers(word)}):
        if analysis.program.visit(function):
            for loop in _loops(analysis.program.body(function)):
                yield from _in_loop(analysis, function, loop)


def _loops(nodes: Block) -> Iterator[For | While]:
    """The outermost loops that have no end of their own: `while`, and `async for`."""
    for node in nodes:
        if isinstance(node, While) or (isinstance(node, For) and node.head.is_async):
            yield node
        else:
            for inner in blocks(node):
                yield from _loops(inner)


def _in_loop(analysis: Analysis, function: FunctionId, loop: For | While) -> Iterator[Spawning]:
    result = analysis.engine.results.get(function)
    pairs = [p for p in result.pairs if contains((loop,), p.trace[0].span)] if result is not None else []
    source = _source(loop, pairs)
    if source is None or _limited(loop.body, pairs):
        return
    for call in _calls(loop.body):
        started = _started(analysis, function, call)
        if started is not None and not _inner_for(loop.body, call.span) and not _awaited(loop.body, call):
            what, targets = started
            if not any(_takes_permit(analysis, target) for target in targets):
                yield Spawning(function, call.span, _spelled(call.func), what, *source)


def _source(loop: For | While, pairs: list[CriticalPair]) -> tuple[str, Span] | None:
    """What the loop waits for in each round."""
    if isinstance(loop, For):
        return _spelled(loop.head.iterable) or "the stream", loop.head.span
    for pair in sorted(pairs, key=lambda p: p.trace[0].span):
        match pair.event:
            case QueueWait(operation="get") | Blocking(category="network"):
                return pair.trace[-1].text, pair.trace[0].span
            case _:
                pass
    return None


def _limited(body: Block, pairs: list[CriticalPair]) -> bool:
    """Whether the loop takes a permit, waits for what it has started, or asks how many there are."""
    if any(isinstance(p.event, Acquire) and not p.event.lock.exclusive for p in pairs):
        return True
    if any(isinstance(p.event, Blocking) and p.event.category in ("join", "result") for p in pairs):
        return True
    for step in steps(body):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call) and last_word(inner.func) in _WAITS:
                    return True
                if isinstance(inner, Compare) and any(_counts(side) for side in (inner.left, inner.right)):
                    return True
    return False


def _counts(expr: Expr) -> bool:
    return isinstance(expr, Call) and last_word(expr.func) in ("len", "active_count", "all_tasks")


def _started(analysis: Analysis, function: FunctionId, call: Call) -> tuple[str, tuple[FunctionId, ...]] | None:
    """What a call starts, or makes to be started: the word for it, and the functions that it runs."""
    engine = analysis.engine
    for option in options(engine.types.evaluate(call.func, function)):
        effect: Effect | None = None
        match option:
            case External(name=name):
                effect = engine.library.call(name) or engine.library.constructor(name)
            case LibraryMethod():
                effect = results.method_effect(engine.types, option)
            case _:
                pass
        if effect is not None and effect.spawn is not None and effect.spawn.context in _WHAT and not effect.awaitable:
            given = locks.argument(call, effect.spawn.parameter, effect.spawn.position)
            return _WHAT[effect.spawn.context], outcomes.functions_of(engine, function, given)
    for option in options(engine.types.evaluate(call, function)):
        if isinstance(option, Instance) and not isinstance(call.func, Attr):
            if is_runner(engine, option.id):
                method = engine.hierarchy.method(option.id, "run")
                return "thread", (method.function,) if method is not None else ()
    return None


def _takes_permit(analysis: Analysis, function: FunctionId) -> bool:
    pairs = analysis.engine.summary(function).pairs
    return any(isinstance(p.event, Acquire) and not p.event.lock.exclusive for p in pairs)


def _inner_for(nodes: Block, span: Span) -> bool:
    """Whether a place lies in an inner loop over something that ends: another rhythm than that of the input."""
    for node in nodes:
        if isinstance(node, For) and not node.head.is_async and contains(node.body, span):
            return True
        if any(_inner_for(inner, span) for inner in blocks(node) if contains(inner, span)):
            return True
    return False


def _awaited(nodes: Block, call: Call) -> bool:
    """Whether the loop waits for what a call has started before it goes round."""
    names = {
        target
        for step in steps(nodes)
        if isinstance(step, Assign) and step.value == call
        for target in step.targets
        if isinstance(target, Name)
    }
    return any(
        isinstance(inner, Await) and (inner.value == call or inner.value in names)
        for step in steps(nodes)
        for expr in expressions(step)
        for inner in walk(expr)
    )


def _calls(nodes: Block) -> Iterator[Call]:
    for step in steps(nodes):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call):
                    yield inner


def _spelled(expr: Expr) -> str:
    match expr:
        case Name(id=name):
            return name
        case Attr(value=value, name=name):
            outer = _spelled(value)
            return f"{outer}.{name}" if outer else name
        case _:
            return ""
