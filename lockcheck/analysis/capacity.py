"""Puts that never wait: a function fills the queue that it has just made with no more than it has room for."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits.points import spelled
from lockcheck.analysis.link import locks
from lockcheck.analysis.link.bodies import blocks, contains, expressions, steps, walk
from lockcheck.analysis.link.sizes import constant
from lockcheck.analysis.link.values import LibraryInstance, LibraryMethod, QueueValue, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import CriticalPair, QueueWait
from lockcheck.model.expression import Attr, Call, Const, Expr, Name, last_word
from lockcheck.model.flow import Assign, Block, For, Node, While
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.source import Span


def fits(analysis: Analysis, function: FunctionId, pair: CriticalPair) -> bool:
    """Whether the queue is sure to have room for the item of a `put`."""
    event = pair.event
    if not isinstance(event, QueueWait) or event.queue is None or not analysis.program.visit(function):
        return False
    body = analysis.program.body(function)
    bound = _bound(analysis, function, body, event.queue)
    if bound is None:
        return False
    made, size = bound
    puts = list(_puts(analysis, function, body, event.queue))
    if any(put < made for put in puts):
        return False
    loops = {put: _loops(body, put) for put in puts}
    if not any(loops.values()):
        room = constant(analysis.engine.types, size, function)
        return room is not None and len(puts) <= room
    around = loops[puts[0]]
    if len(puts) > 1 or len(around) != 1 or contains((around[0],), made):
        return False
    rounds = _rounds(around[0])
    return rounds is not None and rounds == spelled(size)


def _bound(analysis: Analysis, function: FunctionId, body: Block, queue: LockId) -> tuple[Span, Expr] | None:
    """Where the function makes the queue, once, and the bound that it gives."""
    types = analysis.engine.types
    found: list[tuple[Span, Expr]] = []
    for step in steps(body):
        if not isinstance(step, Assign) or not isinstance(step.value, Call):
            continue
        for target in step.targets:
            held = options(types.evaluate(target, function)) if isinstance(target, Name | Attr) else ()
            if any(isinstance(o, QueueValue) and o.holder == queue for o in held):
                made = next((o for o in options(types.evaluate(step.value, function))), None)
                described = types.library.type(made.type) if isinstance(made, LibraryInstance) else None
                if described is None or described.queue is None or described.queue.bound is None:
                    return None
                size = locks.argument(step.value, described.queue.bound, 0)
                if size is None:
                    return None
                found.append((step.span, size))
    return found[0] if len(found) == 1 else None


def _puts(analysis: Analysis, function: FunctionId, body: Block, queue: LockId) -> Iterator[Span]:
    """Every call of the function that puts into the queue, and every call that is given it."""
    types = analysis.engine.types
    for step in steps(body):
        for expr in expressions(step):
            for call in walk(expr):
                if isinstance(call, Call) and isinstance(call.func, Attr):
                    found = options(types.evaluate(call.func.value, function))
                    if any(isinstance(o, QueueValue) and o.holder == queue for o in found):
                        value = types.evaluate(call.func, function)
                        if any(isinstance(o, LibraryMethod) and "put" in o.name for o in options(value)):
                            yield call.span


def _loops(nodes: Block, span: Span) -> list[Node]:
    """The loops around a place, the outermost first."""
    for node in nodes:
        for inner in blocks(node):
            if contains(inner, span):
                own = [node] if isinstance(node, For | While) else []
                return [*own, *_loops(inner, span)]
    return []


def _rounds(loop: Node) -> str | None:
    """How often a loop goes round, as a text: `n` for `range(n)`, `len(items)` for a loop over `items`."""
    if not isinstance(loop, For) or loop.head.is_async:
        return None
    match loop.head.iterable:
        case Call(func=Name(id="range"), args=(count,), keywords=()):
            return spelled(count)
        case Call(func=Name(id="range"), args=(Const(value=0), count), keywords=()):
            return spelled(count)
        case Name() | Attr() as items:
            word = spelled(items)
            return f"call ({', '.join(['len', word])})" if word is not None and last_word(items) else None
        case _:
            return None
