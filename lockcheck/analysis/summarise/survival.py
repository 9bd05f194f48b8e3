"""Which failures leave a place: input and output, and code from elsewhere, as far as no handler on the way sees to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from lockcheck.analysis.link.bodies import blocks, contains, steps
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Block as Blocking
from lockcheck.model.events import Callback, CriticalPair
from lockcheck.model.expression import Call, Expr, Group, last_word
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Block, Handler, Raise, Try, With
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_DEVICES = {"network", "database", "subprocess", "file"}
_BROAD = {"Exception", "BaseException"}
_OTHER = frozenset(
    {
        "ArithmeticError", "AssertionError", "AttributeError", "CancelledError", "Empty", "Full", "GeneratorExit",
        "ImportError", "IndexError", "JSONDecodeError", "KeyboardInterrupt", "KeyError", "LookupError",
        "ModuleNotFoundError", "NameError", "NotImplementedError", "OverflowError", "QueueEmpty", "QueueFull",
        "RecursionError", "StopAsyncIteration", "StopIteration", "SystemExit", "TypeError", "UnicodeDecodeError",
        "UnicodeError", "ValueError", "ZeroDivisionError",
    }
)  # fmt: skip
"""Exceptions that no device raises: a handler of these alone does not see to a failure of input or output."""


class Risk(msgspec.Struct, frozen=True, gc=False):
    """A call that may fail for reasons that lie outside the program; `device`: it is input or output."""

    span: Span
    text: str
    device: bool
    confidence: Confidence


def risks(analysis: Analysis, function: FunctionId) -> dict[Span, Risk]:
    """The calls of a function, by their place, whose failure reaches it: no function on the way sees to it."""
    return _risks(analysis, function, {})


_Known: TypeAlias = dict[FunctionId, dict[Span, Risk]]


def _risks(analysis: Analysis, function: FunctionId, known: _Known) -> dict[Span, Risk]:
    if function in known:
        return known[function]
    found = known[function] = {}  # a function that calls itself is no other way
    result = analysis.engine.results.get(function)
    for pair in result.pairs if result is not None else ():
        event = pair.event
        device = isinstance(event, Blocking) and event.category in _DEVICES
        if not (device or isinstance(event, Callback)) or pair.confidence < Confidence.MEDIUM:
            continue
        here = pair.trace[0].span
        if here in found:
            continue
        if _escapes(analysis, pair, device):
            found[here] = Risk(here, pair.trace[-1].text, device, pair.confidence)
        elif device and len(pair.trace) > 1:
            other = _other_way(analysis, pair.trace[1].function, known)
            if other is not None:
                found[here] = Risk(here, other.text, True, other.confidence)
    return found


def _escapes(analysis: Analysis, pair: CriticalPair, device: bool) -> bool:
    """Whether a failure leaves every function on the way."""
    return all(
        analysis.program.visit(s.function) and not guarded(analysis.program.body(s.function), s.span, device)
        for s in pair.trace[1:]
    )


def _other_way(analysis: Analysis, callee: FunctionId, known: _Known) -> Risk | None:
    """Another failure of a device that leaves a callee: a pair keeps one trace of several, perhaps the one caught."""
    if not analysis.program.visit(callee):
        return None
    body = analysis.program.body(callee)
    for risk in _risks(analysis, callee, known).values():
        if risk.device and not guarded(body, risk.span, True):
            return risk
    return None


def guarded(nodes: Block, span: Span, device: bool) -> bool:
    """Whether a handler in a block, one that raises nothing itself, sees to a failure at a place of it."""
    for node in nodes:
        inside = next((inner for inner in blocks(node) if contains(inner, span)), None)
        if inside is None:
            continue
        if isinstance(node, Try) and inside is node.body:
            handler = catcher(node.handlers, device)
            if handler is not None and not any(isinstance(s, Raise) for s in steps(handler.body)):
                return True
        if isinstance(node, With) and any(swallows(item.value, device) for item in node.items):
            return True
        return guarded(inside, span, device)
    return False


def catcher(handlers: Iterable[Handler], device: bool, raised: str = "") -> Handler | None:
    """The handler that keeps a failure, of a device or of any code, from going further; None where it goes on."""
    for handler in handlers:
        if _covers(handler.head.types, device, raised):
            return None if handler.body and isinstance(handler.body[-1], Raise) else handler
    return None


def swallows(entered: Expr, device: bool) -> bool:
    """Whether what a `with` enters is a `suppress` of such a failure."""
    if not isinstance(entered, Call) or last_word(entered.func) != "suppress":
        return False
    return any(_covers(given, device) for given in entered.args)


def _covers(types: Expr | None, device: bool, raised: str = "") -> bool:
    if types is None:
        return True
    words = {last_word(item) for item in (types.items if isinstance(types, Group) else (types,))}
    return bool(words & _BROAD) or raised in words or (device and not words <= _OTHER)
