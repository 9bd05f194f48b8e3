"""Built-in functions and containers: what passes through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.analysis.link import annotated, attributes, results
from lockcheck.analysis.link.locks import hold
from lockcheck.analysis.link.values import (
    UNKNOWN,
    ClassValue,
    Container,
    Instance,
    Origin,
    PartialValue,
    TupleValue,
    Value,
    join,
    options,
)
from lockcheck.model.expression import Attr, Const, Expr, Name, Star
from lockcheck.model.identity import AttributeLock, ElementLock, FunctionId, GlobalLock, LockId
from lockcheck.model.source import Span

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_COPIES = {
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.sorted", "builtins.reversed",
    "builtins.iter", "builtins.filter", "collections.deque", "collections.OrderedDict", "builtins.dict",
    "weakref.WeakSet", "weakref.WeakValueDictionary", "weakref.WeakKeyDictionary",
}  # fmt: skip
_SAME = {"weakref.proxy", "copy.copy", "copy.deepcopy", "contextlib.closing", "contextlib.aclosing"}
_VALUES = {"six.itervalues", "six.viewvalues", "future.utils.itervalues"}
_ELEMENTS = {"get", "pop", "popleft", "popitem", "setdefault", "__getitem__", "get_nowait"}
_VIEWS = {"values", "copy", "union", "difference", "intersection"}


def builtin(types: Types, name: str, origin: Origin) -> Value | None:
    """What a built-in or well-known function gives; None where it is none of these."""
    args = origin.call.args
    if not args:
        return Container(UNKNOWN) if name in _COPIES else None
    if isinstance(args[0], Star):
        return None
    first = types.evaluate(args[0], origin.function)
    if name in _SAME or name in _VALUES:
        return first
    if name in _COPIES:
        return Container(results.iterated(types, first))
    match name:
        case "functools.partial" | "functools.partialmethod":
            return PartialValue(first, origin)
        case "collections.defaultdict":
            return Container(results.result(types, first, origin))
        case "builtins.next":
            return results.iterated(types, first)
        case "builtins.enumerate":
            return Container(TupleValue((UNKNOWN, results.iterated(types, first))))
        case "builtins.zip":
            parts = (results.iterated(types, types.evaluate(a, origin.function)) for a in args)
            return Container(TupleValue(tuple(parts)))
        case "itertools.chain":
            return Container(join(results.iterated(types, types.evaluate(a, origin.function)) for a in args))
        case "builtins.type" if len(args) == 1:
            return join(ClassValue(v.id) if isinstance(v, Instance) else UNKNOWN for v in options(first))
        case _:
            return _two(types, name, first, origin) if len(args) >= 2 else None


def _two(types: Types, name: str, first: Value, origin: Origin) -> Value | None:
    """Functions of two arguments: `cast` and `getattr`."""
    args = origin.call.args
    if name in ("typing.cast", "typing_extensions.cast"):
        declared = annotated.instance(types, _spelled(args[0]), origin.function)
        return declared if declared != UNKNOWN else types.evaluate(args[1], origin.function)
    return _getattr(types, first, args[1]) if name == "builtins.getattr" else None


def _spelled(expr: Expr) -> Expr:
    """A dotted name in quotes, as `cast("Session", x)` has it."""
    if not isinstance(expr, Const) or not isinstance(expr.value, str):
        return expr
    words = expr.value.split(".")
    if not all(word.isidentifier() for word in words):
        return expr
    named: Expr = Name(words[0])
    for word in words[1:]:
        named = Attr(named, word, Span(0, 0, 0, 0))
    return named


def _getattr(types: Types, value: Value, name: Expr) -> Value:
    if isinstance(name, Const) and isinstance(name.value, str):
        return attributes.attribute(types, value, name.value)
    return UNKNOWN


def method(types: Types, receiver: Value, name: str, origin: Origin) -> Value | None:
    """What a method of a container gives; None where the receiver is no container."""
    if not isinstance(receiver, Container):
        return None
    inner = receiver.element
    if name in _ELEMENTS:
        if inner == UNKNOWN and name == "setdefault" and len(origin.call.args) > 1:
            return types.evaluate(origin.call.args[1], origin.function)
        return inner
    if name in _VIEWS:
        return receiver
    if name == "items":
        return Container(TupleValue((UNKNOWN, inner)))
    return UNKNOWN


def stored(types: Types, holder: LockId) -> Value:
    """What is stored into a container that an attribute or global holds."""
    if isinstance(holder, ElementLock):
        return UNKNOWN
    element = ElementLock(holder)
    return join(
        attributes.rehold(hold(types, types.evaluate(expr, function), element), function, element)
        for function, expr in _stores(types, holder)
    )


def _stores(types: Types, holder: LockId) -> Iterator[tuple[FunctionId, Expr]]:
    match holder:
        case AttributeLock(owner=owner, name=name):
            for cls in (owner, *types.hierarchy.subclasses(owner)[:8]):
                for function in types.hierarchy.own_methods(cls).values():
                    first = types.scope(function).first
                    if first is not None:
                        for value, target in types.scope(function).writes:
                            if isinstance(target, Attr) and target.name == name and target.value == Name(first):
                                yield function, value
        case GlobalLock(module=module, name=name):
            for facts in types.program.units[module].facts.functions:
                function = FunctionId(module, facts.qualname)
                for value, target in types.scope(function).writes:
                    if target == Name(name):
                        yield function, value
        case _:
            return
