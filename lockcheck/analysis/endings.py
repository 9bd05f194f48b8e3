"""How a worker may end before it has ended the wait of others: the ways round the calls that wake them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.values import External, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.survival import Risk, catcher, risks, swallows
from lockcheck.model.expression import Call, Expr, last_word
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Block, Branch, Break, Do, For, Handler, Match, Node, Raise, Return, Try, While, With
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_FATAL = {"os._exit", "os.abort", "os.kill", "_thread.interrupt_main"}


class Ending(msgspec.Struct, frozen=True, gc=False):
    """A place at which a function may leave without having woken anybody.

    `how`: a failure of `text` leaves it, a handler of that failure does, it raises `text` itself, or it returns.
    """

    function: FunctionId
    span: Span
    text: str
    how: Literal["failure", "handler", "raise", "return"]
    confidence: Confidence


class _Raised(msgspec.Struct, frozen=True, gc=False):
    """A failure on its way out. `ahead`: behind its place somebody would have been woken."""

    ending: Ending
    device: bool


class _Around(msgspec.Struct, frozen=True, gc=False):
    """What lies behind a block: a call that wakes, the head of a loop that comes round to one, one behind that loop.

    `before`: such a call lies before it.
    """

    before: bool = False
    ahead: bool = False
    again: bool = False
    after: bool = False


class Endings:
    """Follows one function. `wakes` are its calls that wake somebody, also those of functions that do.

    `inner` has, for a call of such a function, how that one may end without; `closing` are the items of `with` that
    wake when they are left; `once`: who was woken waits for no second time.
    """

    def __init__(
        self,
        analysis: Analysis,
        function: FunctionId,
        wakes: frozenset[Span],
        inner: Mapping[Span, Ending],
        closing: frozenset[Span],
        once: bool,
    ) -> None:
        """Gather what may fail in the function."""
        self._analysis = analysis
        self._function = function
        self._wakes = wakes
        self._inner = inner
        self._closing = closing
        self._once = once
        self._risks = risks(analysis, function)
        self._found: list[Ending] = []

    def of(self, nodes: Block) -> list[Ending]:
        """The ways out of the function round its calls that wake, the surest first."""
        raised = self._block(nodes, _Around())
        found = dict.fromkeys((*self._found, *(r.ending for r in raised)))
        return sorted(found, key=lambda e: (-e.confidence, e.span))

    def _wakes_in(self, nodes: Block) -> bool:
        for node in nodes:
            if isinstance(node, With) and any(item.span in self._closing for item in node.items):
                return True
            if any(self._wakes_in(inner) for inner in blocks(node)):
                return True
        return any(self._wakes_step(step) for step in steps(nodes))

    def _wakes_step(self, step: Node) -> bool:
        return any(call.span in self._wakes for call in _calls(step))

    def _block(self, nodes: Block, around: _Around) -> list[_Raised]:
        found: list[_Raised] = []
        wakes = [self._wakes_in((node,)) for node in nodes]
        for index, node in enumerate(nodes):
            before = around.before or any(wakes[:index])
            if not (self._once and before):
                ahead = around.ahead or any(wakes[index + 1 :])
                found += self._node(node, msgspec.structs.replace(around, before=before, ahead=ahead))
        return found

    def _node(self, node: Node, around: _Around) -> list[_Raised]:
        match node:
            case Try():
                return self._try(node, around)
            case With():
                return self._with(node, around)
            case Branch(test=test, then=then, orelse=orelse):
                return [*self._step(Do(test), around, node), *self._block(then, around), *self._block(orelse, around)]
            case For(head=head, body=body, orelse=orelse):
                return [*self._step(head, around, node), *self._loop(body, around), *self._block(orelse, around)]
            case While(test=test, body=body, orelse=orelse):
                return [*self._step(Do(test), around, node), *self._loop(body, around), *self._block(orelse, around)]
            case Match(subject=subject, cases=cases):
                ends = [r for case in cases for r in self._block(case.body, around)]
                return [*self._step(Do(subject), around, node), *ends]
            case Raise(value=value, span=span) if value is not None:
                name = last_word(value.func if isinstance(value, Call) else value)
                ending = Ending(self._function, span, name, "raise", Confidence.HIGH)
                return [_Raised(ending, False)] if around.ahead or around.again else []
            case Return(span=span):
                if around.ahead and not around.again and not around.before and not self._wakes_step(node):
                    self._found.append(Ending(self._function, span, "", "return", Confidence.MEDIUM))
                return self._step(node, around, node)
            case _:
                return self._step(node, around, node)

    def _loop(self, body: Block, around: _Around) -> list[_Raised]:
        again = around.again or self._wakes_in(body)
        return self._block(body, _Around(around.before, around.ahead, again, around.ahead))

    def _step(self, step: Node, around: _Around, whole: Node) -> list[_Raised]:
        """What may fail in a step; in the head of a compound statement its blocks lie behind."""
        found: list[_Raised] = []
        behind = around.ahead or around.again or (whole is not step and self._wakes_in((whole,)))
        wakes = self._wakes_step(step)
        for call in _calls(step):
            inner = self._inner.get(call.span)
            risk = self._risks.get(call.span)
            if inner is not None and inner.how in ("handler", "return"):
                self._found += [] if around.ahead or around.again else [inner]
            elif inner is not None:
                found.append(_Raised(inner, risk is not None and risk.device))
            elif risk is not None and (behind or (wakes and call.span not in self._wakes)):
                found.append(_Raised(self._ending(risk), risk.device))
        return found

    def _ending(self, risk: Risk) -> Ending:
        return Ending(self._function, risk.span, risk.text, "failure", risk.confidence)

    def _with(self, node: With, around: _Around) -> list[_Raised]:
        found = [r for item in node.items for r in self._step(Do(item.value), around, node)]
        if any(item.span in self._closing for item in node.items):
            return found
        for raised in self._block(node.body, around):
            if not any(swallows(item.value, raised.device) for item in node.items):
                found.append(raised)
            elif not around.ahead and not around.again:
                self._found.append(raised.ending)
        return found

    def _try(self, node: Try, around: _Around) -> list[_Raised]:
        if self._wakes_in(node.final):
            return []
        inside = msgspec.structs.replace(around, ahead=around.ahead or self._wakes_in(node.orelse))
        found: list[_Raised] = []
        for raised in self._block(node.body, inside):
            text = raised.ending.text if raised.ending.how == "raise" else ""
            handler = catcher(node.handlers, raised.device, text)
            waking = [h for h in node.handlers if self._wakes_in(h.body)]
            if handler is not None:
                self._handled(handler, raised, around)
            elif not waking:
                found.append(raised)
        for handler in node.handlers:
            if not self._wakes_in(handler.body):
                found += self._block(handler.body, around)
        return [*found, *self._block(node.orelse, around), *self._block(node.final, around)]

    def _ends_process(self, handler: Handler) -> bool:
        """Whether a handler ends the process, and the waiter with it."""
        types = self._analysis.engine.types
        return any(
            isinstance(option, External) and option.name in _FATAL
            for step in steps(handler.body)
            for call in _calls(step)
            for option in options(types.evaluate(call.func, self._function))
        )

    def _handled(self, handler: Handler, raised: _Raised, around: _Around) -> None:
        """A handler that leaves, or that goes on to the end of the function, may have woken nobody."""
        if self._wakes_in(handler.body) or self._ends_process(handler):
            return
        last = handler.body[-1] if handler.body else None
        if isinstance(last, Return):
            goes = False
        elif isinstance(last, Break):
            goes = around.after
        else:
            goes = around.ahead or around.again
        if not goes:
            self._found.append(msgspec.structs.replace(raised.ending, how="handler"))


def _calls(step: Node) -> Iterator[Call]:
    for expr in expressions(step):
        yield from _inside(expr)


def _inside(expr: Expr) -> Iterator[Call]:
    for inner in walk(expr):
        if isinstance(inner, Call):
            yield inner
