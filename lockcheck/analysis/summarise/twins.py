"""What an awaited call can mean: it gives something to await, which tells the twins of one name apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from lockcheck.analysis.annotations import members
from lockcheck.analysis.link import annotated, results
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import (
    NOTHING,
    Container,
    CoroutineValue,
    Instance,
    LibraryInstance,
    TupleValue,
    Value,
    options,
)
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.model.expression import Await, Call, Const, Expr, Item, Name, last_word
from lockcheck.model.facts import MODULE
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import FunctionId
from lockcheck.model.library import Effect
from lockcheck.model.source import Span

_Answer: TypeAlias = Literal["yes", "no", "perhaps"]
_PLAIN = frozenset(
    [
        "None",
        "bool",
        "int",
        "float",
        "str",
        "bytes",
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "List",
        "Dict",
        "Set",
        "Tuple",
        "Sequence",
        "Mapping",
    ]
)
"""Annotations of results that nobody can await."""
_TRANSPARENT = frozenset({"property", "staticmethod", "classmethod", "override", "overload", "final"})


def meant(frame: Frame, targets: Iterable[Target]) -> tuple[Target, ...]:
    """The targets of a call whose result is awaited, each as sure as it is that this one is meant.

    A plain function among them is the synchronous twin of one that is not known here, unless it gives an awaitable.
    """
    functions = frame.engine.program.functions
    given = tuple(targets)
    paired = any(functions[t.function].is_async for t in given)
    found: list[Target] = []
    for target in given:
        facts = functions[target.function]
        answer = "yes" if facts.is_async or facts.is_generator or target.made else _awaitable(frame, target)
        if answer == "yes":
            found.append(target)
        elif answer == "perhaps" and not paired:
            found.append(msgspec.structs.replace(target, confidence=Confidence.LOW))
    return tuple(found)


def asynchronous(effect: Effect) -> Effect:
    """What a call does whose result is awaited: what the tables know as blocking is the twin of what is meant."""
    return effect if effect.blocks is None or effect.awaitable else msgspec.structs.replace(effect, awaitable=True)


def takes_awaitables(effect: Effect) -> bool:
    """Whether a callee awaits what it is given, or makes a task of it."""
    makes_task = effect.spawn is not None and effect.spawn.parameter.startswith("coro")
    return effect.awaits or effect.bounds is not None or makes_task


def awaited_later(frame: Frame, call: Call) -> bool:
    """Whether a call's result is kept under a local name that the function awaits."""
    if not frame.facts.is_async:
        return False
    if frame.kept is None:
        frame.kept = frozenset(_kept(frame))
    return call.span in frame.kept


def _kept(frame: Frame) -> Iterable[Span]:
    names = {
        inner.value.id
        for step in steps(frame.engine.program.body(frame.function))
        for expr in expressions(step)
        for inner in walk(expr)
        if isinstance(inner, Await) and isinstance(inner.value, Name)
    }
    for name in sorted(names):
        for binding in frame.scope.bindings.get(name, ()):
            if binding.how == "value" and isinstance(binding.expr, Call) and not binding.place:
                yield binding.expr.span


def _awaitable(frame: Frame, target: Target) -> _Answer:
    """Whether a plain function gives something to await.

    Only its annotation says so for sure: what its text returns is often a twin's, or what one of its ways gives.
    A decorator may have made a coroutine of it.
    """
    types = frame.engine.types
    facts = types.program.functions[target.function]
    if any(last_word(d) not in _TRANSPARENT for d in facts.decorators):
        return "perhaps"
    if facts.returns is not None:
        owner = types.enclosing(target.function) or FunctionId(target.function.module, MODULE)
        if _says_plain(facts.returns):
            return "no"
        alternatives = members(facts.returns)
        found = [o for each in alternatives for o in options(annotated.instance(types, each, owner))]
        return "yes" if all(_declared(types, option) for option in found) else "perhaps"
    if not types.scope(target.function).returns:
        return "perhaps" if frame.engine.targets.is_stub(target.function) else "no"
    given = options(results.returned(types, target.function, target.receiver))
    return "no" if all(_is_plain(types, option) for option in given) else "perhaps"


def _declared(types: Types, value: Value) -> bool:
    """Whether an annotation promises an awaitable."""
    match value:
        case CoroutineValue():
            return True
        case Instance(id=id):
            return types.hierarchy.method(id, "__await__") is not None
        case LibraryInstance(type=name):
            return types.library.is_subtype(name, "asyncio.Future")
        case _:
            return False


def _says_plain(annotation: Expr) -> bool:
    """`-> None`, `-> list[int]`: also in quotes, which the index has taken off."""
    match annotation:
        case Const(value=value):
            return value is None
        case Item(value=outer):
            return last_word(outer) in _PLAIN
        case _:
            return last_word(annotation) in _PLAIN


def _is_plain(types: Types, value: Value) -> bool:
    """Whether a value is known to be nothing that one can await."""
    match value:
        case Container() | TupleValue():
            return True
        case Instance(id=id):
            own = types.hierarchy.method(id, "__await__") is None
            return own and not types.hierarchy.library_bases(id)
        case _:
            return value == NOTHING
