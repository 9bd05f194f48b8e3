"""The life of a worker: the loop that takes from a queue, and the ways out of it that nobody planned."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import results
from lockcheck.analysis.link.bodies import blocks, contains, expressions, steps, walk
from lockcheck.analysis.link.values import External, LibraryMethod, QueueValue, UnknownValue, Value, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.survival import Risk, guarded, risks
from lockcheck.knowledge.harmless import harmless
from lockcheck.model.events import CriticalPair, QueueWait
from lockcheck.model.expression import Attr, Call, Expr, Group, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Block, Break, Continue, For, Handler, Node, Raise, Return, Try, While
from lockcheck.model.identity import AttributeLock, FunctionId, LockId
from lockcheck.model.source import Span

_BROAD = {"Exception", "BaseException"}


class Way(msgspec.Struct, frozen=True, gc=False):
    """A call in a worker's loop whose exception leaves the loop, and how sure it is that it raises."""

    span: Span
    text: str
    confidence: Confidence


class Worker(msgspec.Struct, frozen=True, gc=False):
    """A loop that takes from a queue: the function, the loop, the place at which it takes, and the pair that says so."""

    function: FunctionId
    loop: For | While
    span: Span
    pair: CriticalPair


class Queues:
    """Who puts into, takes from and waits for each queue of the program."""

    def __init__(self, analysis: Analysis) -> None:
        """Sort the queue operations of the program by queue."""
        self.analysis = analysis
        self.uses: dict[LockId, dict[str, list[tuple[FunctionId, CriticalPair]]]] = {}
        for function, pair in analysis.pairs(QueueWait):
            event = pair.event
            if isinstance(event, QueueWait) and event.queue is not None:
                self.uses.setdefault(event.queue, {}).setdefault(event.operation, []).append((function, pair))

    def direct(self, queue: LockId, operation: str) -> Iterator[tuple[FunctionId, CriticalPair]]:
        """The places themselves at which an operation is done."""
        for function, pair in self.uses.get(queue, {}).get(operation, ()):
            if len(pair.trace) == 1:
                yield function, pair

    def workers(self, queue: LockId) -> list[Worker] | None:
        """The loops that take from a queue; None if something takes from it outside any loop that is known."""
        found: list[Worker] = []
        covered: set[tuple[FunctionId, Span]] = set()
        for function, pair in self.uses.get(queue, {}).get("get", ()):
            loop = loop_around(self.analysis.program.body(function), pair.trace[0].span)
            if loop is not None:
                found.append(Worker(function, loop, pair.trace[0].span, pair))
                covered.add((pair.trace[-1].function, pair.trace[-1].span))
        outside = [p for _, p in self.direct(queue, "get") if (p.trace[0].function, p.trace[0].span) not in covered]
        return None if outside or not found else found

    def counted(self, queue: LockId) -> Iterator[tuple[FunctionId, Span]]:
        """Where methods of the queue's own object look at `unfinished_tasks`: waiting for all items by hand."""
        if not isinstance(queue, AttributeLock):
            return
        hierarchy = self.analysis.engine.hierarchy
        for cls in (queue.owner, *hierarchy.subclasses(queue.owner)):
            for _, function in sorted(hierarchy.own_methods(cls).items()):
                for step in steps(self.analysis.program.body(function)):
                    for expr in expressions(step):
                        for inner in walk(expr):
                            counts = isinstance(inner, Attr) and inner.name == "unfinished_tasks"
                            if isinstance(inner, Attr) and counts and self.is_queue(inner.value, function, queue):
                                yield function, inner.span

    def is_queue(self, expr: Expr, function: FunctionId, queue: LockId) -> bool:
        """Whether an expression is the queue."""
        found = options(self.analysis.engine.types.evaluate(expr, function))
        return any(isinstance(v, QueueValue) and v.holder == queue for v in found)

    def ways_out(self, worker: Worker) -> list[Way]:
        """Calls whose exceptions leave the worker's loop, the surest first."""
        known = risks(self.analysis, worker.function)
        found = [w for span, call in _exposed(worker.loop.body) if (w := self._way(worker, known, span, call))]
        return sorted(found, key=lambda w: (-w.confidence, w.span))

    def _way(self, worker: Worker, known: dict[Span, Risk], span: Span, call: Call) -> Way | None:
        if span == worker.span:
            return None
        if span in known:
            seen_to = known[span].device and guarded(worker.loop.body, span, True)
            return None if seen_to else Way(span, known[span].text, Confidence.HIGH)
        word = _word(call.func)
        value = self.analysis.engine.types.evaluate(call.func, worker.function)
        if _harmless(call) or _known_safe(self.analysis, value) or not isinstance(call.func, Attr):
            return None
        return Way(span, word, Confidence.MEDIUM)


def _word(expr: Expr) -> str:
    return expr.id if isinstance(expr, Name) else expr.name if isinstance(expr, Attr) else "call"


def _known_safe(analysis: Analysis, value: Value) -> bool:
    """Whether a callee is of the program (what it does is in its summary) or is known to do nothing risky."""
    for option in options(value):
        match option:
            case UnknownValue():
                pass
            case LibraryMethod():
                return results.method_effect(analysis.engine.types, option) is not None
            case External(name=name):
                return name.startswith("builtins.")
            case _:
                return True
    return False


def loop_around(nodes: Block, span: Span) -> For | While | None:
    """The outermost loop around a place: while it goes on, the worker lives."""
    for node in nodes:
        if isinstance(node, For | While) and contains((node,), span):
            return node
        for inner in blocks(node):
            found = loop_around(inner, span)
            if found is not None:
                return found
    return None


def _exposed(nodes: Block) -> Iterator[tuple[Span, Call]]:
    """Calls of a block whose exceptions leave it: those in no `try` that catches all and goes on."""
    for node in nodes:
        if isinstance(node, Try):
            if not any(_catches(h) for h in node.handlers):
                yield from _exposed(node.body)
            for handler in node.handlers:
                yield from _exposed(handler.body)
            yield from _exposed(node.orelse)
            yield from _exposed(node.final)
            continue
        inner = blocks(node)
        if not inner:
            yield from _calls((node,))
        for block in inner:
            yield from _exposed(block)


def _calls(nodes: Block) -> Iterator[tuple[Span, Call]]:
    for step in steps(nodes):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call):
                    yield inner.span, inner


def _catches(handler: Handler) -> bool:
    """Whether a handler catches every exception; what it then does (log, tell, leave) is its author's decision."""
    types = handler.head.types
    named = types.items if isinstance(types, Group) else (types,)
    broad = types is None or any(isinstance(t, Name | Attr) and _word(t) in _BROAD for t in named if t is not None)
    return broad and not (handler.body and isinstance(handler.body[-1], Raise))


def skips(nodes: Block, start: Span, done: Span) -> Node | None:
    """What may lead from one place of a loop's body round another: `continue`, or a handler that goes on without it.

    None where the second place is in a `finally` around everything behind the first, or nothing leads round it.
    """
    for node in nodes:
        if isinstance(node, Try) and contains(node.final, done):
            return None
        if isinstance(node, Try) and contains(node.body, done) and contains(node.body, start):
            for handler in node.handlers:
                ends = handler.body and isinstance(handler.body[-1], Raise | Return | Break)
                if not contains(handler.body, done) and not ends and _between(node.body, start, done):
                    return node
        for inner in blocks(node):
            if contains(inner, start) and contains(inner, done):
                found = skips(inner, start, done)
                if found is not None:
                    return found
    return _continues(nodes, start, done)


def _between(nodes: Block, start: Span, done: Span) -> bool:
    """Whether something is called between two places: it may raise."""
    return any(start < span < done and not _harmless(call) for span, call in _calls(nodes))


def _harmless(call: Call) -> bool:
    """Whether a worker survives a call by its name; one that is given a timeout may say that it ran out."""
    word, known = _word(call.func), harmless()
    return (word in known.methods or word in known.survived) and not any(k.name == "timeout" for k in call.keywords)


def _continues(nodes: Block, start: Span, done: Span) -> Node | None:
    places = [i for i, node in enumerate(nodes) if contains((node,), start) or contains((node,), done)]
    if len(places) < 2:
        return None
    for node in nodes[places[0] + 1 : places[-1]]:
        for block in blocks(node):
            if block and isinstance(block[-1], Continue) and not _mentions_done(block):
                return node
    return None


def _mentions_done(nodes: Block) -> bool:
    return any(_word(call.func) == "task_done" for _, call in _calls(nodes))


def done_calls(queues: Queues, worker: Worker, queue: LockId) -> list[Span]:
    """Where a worker says that an item of the queue is done."""
    found: list[Span] = []
    for span, call in _calls(worker.loop.body):
        if isinstance(call.func, Attr) and call.func.name == "task_done":
            if queues.is_queue(call.func.value, worker.function, queue):
                found.append(span)
    return found


def in_finally(nodes: Block, span: Span) -> bool:
    """Whether a place is in the `finally` of some `try` of a block."""
    for node in nodes:
        if isinstance(node, Try) and contains(node.final, span):
            return True
        if any(in_finally(inner, span) for inner in blocks(node)):
            return True
    return False
