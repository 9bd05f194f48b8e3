"""What methods set of the state that outlives a call."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, Item, Name
from lockcheck.model.flow import Assign, Block
from lockcheck.model.identity import FunctionId

_STORES = {"add", "append", "appendleft", "insert", "put", "put_nowait", "set", "setdefault", "update"}
MAX_DEPTH = 3
"""Methods of one object that call each other to set its state."""


class _Own(msgspec.Struct, frozen=True):
    """What a function sets itself, and what it calls through a name."""

    sets: frozenset[str]
    callees: tuple[FunctionId, ...]


class Setters:
    """Which attributes and globals are set by a call of a method; answers are kept."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is known yet."""
        self._engine = engine
        self._own: dict[FunctionId, _Own] = {}
        self._sets: dict[tuple[FunctionId, int], frozenset[str]] = {}

    def through_calls(self, nodes: Block, function: FunctionId) -> frozenset[str]:
        """What the methods set that a block of `function` calls, and those that they call."""
        callees = self._callees(nodes, function)
        nothing: frozenset[str] = frozenset()
        return nothing.union(*(self._of(callee, MAX_DEPTH) for callee in callees))

    def _of(self, function: FunctionId, depth: int) -> frozenset[str]:
        key = (function, depth)
        found = self._sets.get(key)
        if found is None:
            own = self._own.get(function)
            if own is None:
                own = self._own[function] = self._look(function)
            inner = (self._of(callee, depth - 1) for callee in own.callees) if depth > 1 else ()
            found = self._sets[key] = own.sets.union(*inner)
        return found

    def _look(self, function: FunctionId) -> _Own:
        body = self._engine.program.body(function)
        scope = self._engine.types.scope(function)
        sets = frozenset(name for name in assigned(body) if not scope.binds(name))
        return _Own(sets, self._callees(body, function))

    def _callees(self, nodes: Block, function: FunctionId) -> tuple[FunctionId, ...]:
        found: dict[FunctionId, None] = {}
        for call in calls(nodes):
            if isinstance(call.func, Attr) and isinstance(call.func.value, Name):
                found.update((target.function, None) for target in self._engine.targets.of(call.func, function))
        return tuple(found)


def calls(nodes: Block) -> Iterator[Call]:
    """Every call in a block."""
    for step in steps(nodes):
        for expr in expressions(step):
            yield from (inner for inner in walk(expr) if isinstance(inner, Call))


def assigned(nodes: Block, filled: int = 0) -> Iterator[str]:
    """Attributes and names that a block assigns (to something, before the row `filled`), and containers that it fills."""
    for step in steps(nodes):
        if isinstance(step, Assign):
            for target in step.targets:
                for one, value in _paired(target, step.value):
                    if step.span.row >= filled or not _is_empty(value):
                        yield from _kept(one)
    for call in calls(nodes):
        if isinstance(call.func, Attr) and call.func.name in _STORES:
            yield from _kept(call.func.value)


def _paired(target: Expr, value: Expr | None) -> Iterator[tuple[Expr, Expr | None]]:
    """`a, b = c, d`: each target with its value."""
    match target, value:
        case Group(items=targets), Group(items=values) if len(targets) == len(values):
            yield from zip(targets, values, strict=True)
        case _:
            yield target, value


def _is_empty(value: Expr | None) -> bool:
    match value:
        case Const(value=literal):
            return not literal
        case Group(items=items):
            return not items
        case Call(func=Name(id="list" | "dict" | "set" | "deque"), args=()):
            return True
        case _:
            return False


def _kept(target: Expr) -> Iterator[str]:
    """The name or attribute that an assignment changes: not the key of an item, nor the way to an attribute."""
    match target:
        case Attr(name=name):
            yield name
        case Name(id=name):
            yield name
        case Item(value=value):
            yield from _kept(value)
        case _:
            for inner in walk(target):
                if isinstance(inner, Attr):
                    yield inner.name
                elif isinstance(inner, Name):
                    yield inner.id
