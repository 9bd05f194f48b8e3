"""The way through a body and the expressions in it: steps, blocks, parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Compare,
    Comprehension,
    Expr,
    Group,
    IfElse,
    Item,
    Logic,
    Not,
    Opaque,
    Star,
    Walrus,
    Yield,
)
from lockcheck.model.flow import (
    Assert,
    Assign,
    Branch,
    Case,
    Caught,
    Delete,
    Do,
    Enter,
    For,
    Handler,
    Iterate,
    Match,
    Node,
    Raise,
    Return,
    Try,
    While,
    With,
)
from lockcheck.model.source import Span

_ENTERS = {"enter_context", "enter_async_context"}
_COMPOUND = frozenset({With, Branch, While, For, Try, Match})


def steps(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Every simple step of a body, structured or flat, in source order; tests come as `Do`."""
    for node in nodes:
        if type(node) not in _COMPOUND:
            yield node
            continue
        match node:
            case With(items=items, body=body):
                yield from items
                yield from steps(body)
            case Branch(test=test, then=then, orelse=orelse) | While(test=test, body=then, orelse=orelse):
                yield Do(test)
                yield from steps(then)
                yield from steps(orelse)
            case For(head=head, body=body, orelse=orelse):
                yield head
                yield from steps(body)
                yield from steps(orelse)
            case Try(body=body, handlers=handlers, orelse=orelse, final=final):
                yield from steps(body)
                for handler in handlers:
                    yield from _handler(handler)
                yield from steps(orelse)
                yield from steps(final)
            case Match(subject=subject, cases=cases):
                yield Do(subject)
                for case in cases:
                    yield from _case(case)
            case _:
                yield node


def _handler(handler: Handler) -> Iterator[Node]:
    yield handler.head
    yield from steps(handler.body)


def _case(case: Case) -> Iterator[Node]:
    yield case.head
    if case.guard is not None:
        yield Do(case.guard)
    yield from steps(case.body)


def expressions(step: Node) -> tuple[Expr, ...]:
    """The expressions that a simple step evaluates, in order; targets that are stored to included."""
    match step:
        case Do(value=value) | Assert(test=value):
            return (value,)
        case Assign(targets=targets, value=value):
            return targets if value is None else (value, *targets)
        case Iterate(target=target, iterable=iterable):
            return (iterable, target)
        case Enter(value=value, target=target):
            return (value,) if target is None else (value, target)
        case Return(value=value) | Raise(value=value):
            return () if value is None else (value,)
        case Caught(types=types):
            return () if types is None else (types,)
        case Delete(targets=targets):
            return targets
        case _:
            return ()


def _comprehension(expr: Comprehension) -> tuple[Expr, ...]:
    parts: list[Expr] = []
    for clause in expr.clauses:
        parts += [clause.iterable, clause.target, *clause.conditions]
    return (*parts, expr.element)


_Parts: TypeAlias = "Callable[[Any], tuple[Expr, ...]]"


def _one(expr: Attr | Await | Not | Star | Walrus) -> tuple[Expr, ...]:
    return (expr.value,)


def _call(expr: Call) -> tuple[Expr, ...]:
    if expr.keywords:
        return (expr.func, *expr.args, *[k.value for k in expr.keywords])
    return (expr.func, *expr.args)


PARTS: dict[type[Expr], _Parts] = {
    Attr: _one,
    Await: _one,
    Not: _one,
    Star: _one,
    Walrus: _one,
    Call: _call,
    Item: lambda expr: (expr.value, expr.key),
    Logic: lambda expr: expr.values,
    IfElse: lambda expr: (expr.test, expr.then, expr.orelse),
    Compare: lambda expr: (expr.left, expr.right),
    Group: lambda expr: expr.items,
    Opaque: lambda expr: expr.parts,
    Yield: lambda expr: () if expr.value is None else (expr.value,),
    Comprehension: _comprehension,
}
"""How each kind of expression is taken apart; all others have no parts."""


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression in the order of evaluation."""
    parts = PARTS.get(type(expr))
    return parts(expr) if parts is not None else ()


def walk(expr: Expr) -> list[Expr]:
    """An expression and everything inside it, an outer one before its parts."""
    if type(expr) not in PARTS:
        return [expr]
    found: list[Expr] = []
    waiting = [expr]
    while waiting:
        current = waiting.pop()
        found.append(current)
        parts = PARTS.get(type(current))
        if parts is not None:
            waiting += reversed(parts(current))
    return found


def blocks(node: Node) -> tuple[tuple[Node, ...], ...]:
    """The blocks of a compound statement; none for a simple step."""
    match node:
        case With(body=body):
            return (body,)
        case Branch(then=then, orelse=orelse):
            return (then, orelse)
        case For(body=body, orelse=orelse) | While(body=body, orelse=orelse):
            return (body, orelse)
        case Try(body=body, handlers=handlers, orelse=orelse, final=final):
            return (body, *(h.body for h in handlers), orelse, final)
        case Match(cases=cases):
            return tuple(c.body for c in cases)
        case _:
            return ()


def put_on_stack(call: Call) -> Enter | None:
    """`stack.enter_context(x)`, as the item of a `with` that it stands for; None where the call is spelled otherwise."""
    if not isinstance(call.func, Attr) or not call.args or call.func.name not in _ENTERS:
        return None
    return Enter(call.args[0], None, call.func.name == "enter_async_context", call.span)


def decisions(nodes: tuple[Node, ...], without: Span | None = None) -> Iterator[Expr]:
    """The tests of a body, without those in the region of the lock that is taken at a span."""
    for node in nodes:
        if isinstance(node, With) and any(item.span == without for item in node.items):
            continue
        if isinstance(node, Branch | While):
            yield node.test
        for inner in blocks(node):
            yield from decisions(inner, without)


def calls_in(nodes: tuple[Node, ...]) -> Iterator[Call]:
    """Every call in a body, in order."""
    for step in steps(nodes):
        for expr in expressions(step):
            yield from (inner for inner in walk(expr) if isinstance(inner, Call))


def contains(nodes: tuple[Node, ...], span: Span) -> bool:
    """Whether what stands at a span (a call, an attribute, the item of a `with`) is in a block."""
    for step in steps(nodes):
        if isinstance(step, Enter | Iterate) and step.span == span:
            return True
        for expr in expressions(step):
            if any(isinstance(inner, Call | Attr | Await) and inner.span == span for inner in walk(expr)):
                return True
    return False
