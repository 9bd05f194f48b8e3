"""Puts into a queue or channel that the same function has closed on the way to them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import results
from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.values import LibraryMethod, QueueValue, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.flow import Assign, Block, Branch, Do, Match, Node, Try
from lockcheck.model.identity import FunctionId, LockId, lock_name
from lockcheck.model.source import Span

_CLOSES = ("close", "aclose", "shutdown")


class LatePut(msgspec.Struct, frozen=True, gc=False):
    """A put, by the name of the queue and method, and the call before it that closed the queue."""

    function: FunctionId
    span: Span
    name: str
    queue: LockId
    closed_by: str
    closed_at: Span


def after_close(analysis: Analysis) -> Iterator[LatePut]:
    """Every such put of the program, in a stable order."""
    callers = sorted({f for word in _CLOSES for f in analysis.program.callers(word)})
    for function in callers:
        if _PUTS.isdisjoint(analysis.facts(function).called) or not analysis.program.visit(function):
            continue
        yield from _Walk(analysis, function).block(analysis.program.body(function), {})


_PUTS = frozenset({"put", "put_nowait", "send", "send_nowait"})
_Closed = dict[LockId, tuple[str, Span]]


class _Walk:
    """Follows a function in order; what is closed on one way only is not held against what comes behind."""

    def __init__(self, analysis: Analysis, function: FunctionId) -> None:
        self._analysis = analysis
        self._function = function

    def block(self, nodes: Block, closed: _Closed) -> Iterator[LatePut]:
        """The late puts of a block; `closed` gains what the block surely closes."""
        for node in nodes:
            if isinstance(node, Try):
                yield from self.block(node.body if not node.handlers else (), closed)
                yield from self.block(node.final, closed)
            elif isinstance(node, Branch | Match) or blocks(node):
                for inner in blocks(node):
                    yield from self.block(inner, dict(closed))
                self._forget(node, closed)
            else:
                yield from self._step(node, closed)

    def _step(self, node: Node, closed: _Closed) -> Iterator[LatePut]:
        for expr in expressions(node):
            for call in walk(expr):
                if not isinstance(call, Call) or not isinstance(call.func, Attr):
                    continue
                queue = self._queue(call.func)
                if queue is None:
                    continue
                effect = self._operation(call.func)
                name = f"{lock_name(queue)}.{call.func.name}"
                if effect == "close" and isinstance(node, Do):
                    closed[queue] = name, call.span
                elif effect == "put" and queue in closed:
                    yield LatePut(self._function, call.span, name, queue, *closed[queue])
        self._forget(node, closed)

    def _forget(self, node: Node, closed: _Closed) -> None:
        """A queue that is made anew is open again."""
        for step in steps((node,)):
            if isinstance(step, Assign):
                names = {t.name if isinstance(t, Attr) else t.id for t in step.targets if isinstance(t, Attr | Name)}
                for queue in [q for q in closed if lock_name(q).rpartition(".")[2] in names]:
                    del closed[queue]

    def _queue(self, func: Attr) -> LockId | None:
        found = options(self._analysis.engine.types.evaluate(func.value, self._function))
        held = [o.holder for o in found if isinstance(o, QueueValue)]
        return held[0] if len(found) == 1 and held else None

    def _operation(self, func: Attr) -> str | None:
        for option in options(self._analysis.engine.types.evaluate(func, self._function)):
            if isinstance(option, LibraryMethod):
                effect = results.method_effect(self._analysis.engine.types, option)
                return effect.operation if effect is not None else None
        return None
