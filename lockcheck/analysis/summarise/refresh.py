"""The single-flight refresh: a wait under a lock whose very purpose is that the others wait for its outcome."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import blocks, decisions, expressions, steps, walk
from lockcheck.analysis.link.scope import Scope
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.sections import ends
from lockcheck.analysis.summarise.setters import assigned
from lockcheck.model.events import CriticalPair, Held
from lockcheck.model.expression import Attr, Await, Call, Expr, Name
from lockcheck.model.flow import Block, Branch, Enter, Iterate, Raise, Return, With
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span


class Flight(msgspec.Struct, frozen=True, gc=False):
    """A test in a region, and what it reads of the state that the region then sets."""

    test: Expr
    state: frozenset[str]


def single_flight(analysis: Analysis, function: FunctionId, pair: CriticalPair, held: Held) -> Flight | None:
    """The test that the region makes before it waits, of the very state that it then sets.

    Who comes second finds the state set and does nothing: that it waited for the first is the point of the lock.
    """
    region = _region(analysis.program.body(function), held.trace[0].span)
    if region is None:
        return None
    return _Region(analysis, function, pair.trace[0].span).flight(region.body)


def wanted_by_all(analysis: Analysis, function: FunctionId, pair: CriticalPair, held: Held) -> bool:
    """Whether a single flight makes what everybody wants who takes the lock.

    Where the state is kept by a key of the caller's, those who want another key wait for nothing of theirs; only where
    they look before they take the lock as well, it is new keys alone that wait. And every other section of the lock
    must be about that state, or belong to the end of the object.
    """
    flight = single_flight(analysis, function, pair, held)
    if flight is None or held.lock.id is None:
        return False
    scope = analysis.engine.types.scope(function)
    if _is_keyed(scope, flight.test) and not _looked_before(analysis, function, flight, held.trace[0].span):
        return False
    return all(
        section.function == function
        or ends(analysis.facts(section.function))
        or flight.state & _mentions(analysis, section.function)
        for section in analysis.sections.of(held.lock.id)
    )


def _mentions(analysis: Analysis, function: FunctionId) -> set[str]:
    body = analysis.program.body(function)
    return {name for step in steps(body) for expr in expressions(step) for name in _mentioned(expr)}


def _is_keyed(scope: Scope, test: Expr) -> bool:
    """Whether a test asks for something under a key that the function's caller gives."""
    own = scope.first if scope.facts.owner is not None else None
    pending = list(_names(test))
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in scope.parameters and name != own:
            return True
        if name not in seen:
            seen.add(name)
            pending += [n for b in scope.bindings.get(name, ()) if b.expr is not None for n in _names(b.expr)]
    return False


def _looked_before(analysis: Analysis, function: FunctionId, flight: Flight, region: Span) -> bool:
    """Whether the state is looked at before the lock is taken too: in the function, or in each that calls it."""
    body = analysis.program.body(function)
    if any(flight.state & set(_mentioned(test)) for test in decisions(body, region)):
        return True
    callers = [c for c in analysis.program.callers(analysis.facts(function).name) if c != function]
    return bool(callers) and all(
        any(flight.state & set(_mentioned(test)) for test in decisions(analysis.program.body(caller)))
        for caller in callers
    )


def _region(nodes: Block, span: Span) -> With | None:
    for node in nodes:
        if isinstance(node, With) and any(item.span == span for item in node.items):
            return node
        for inner in blocks(node):
            found = _region(inner, span)
            if found is not None:
                return found
    return None


class _Region:
    """The block under a lock, and the place in it that waits."""

    def __init__(self, analysis: Analysis, function: FunctionId, span: Span) -> None:
        self._analysis = analysis
        self._function = function
        self._scope = analysis.engine.types.scope(function)
        self._span = span

    def flight(self, nodes: Block) -> Flight | None:
        """The test that guards the wait and reads what is set under it, or that leaves where it is set already."""
        for index, node in enumerate(nodes):
            rest = nodes[index + 1 :]
            if isinstance(node, With) and _contains(rest, self._span):
                found = self._left(node.body, rest)
                if found is not None:
                    return found
            if not isinstance(node, Branch):
                inner = (self.flight(block) for block in blocks(node) if _contains(block, self._span))
                found = next((f for f in inner if f is not None), None)
                if found is not None:
                    return found
                continue
            for block in (node.then, node.orelse):
                if _contains(block, self._span):
                    return self._common(node.test, block) or self.flight(block) or self._common(node.test, rest)
            found = self._left((node,), rest) if _contains(rest, self._span) else None
            if found is not None:
                return found
        return None

    def _left(self, nodes: Block, rest: Block) -> Flight | None:
        """The test of a block by which the function is left where what comes behind the block is done already."""
        for node in nodes:
            if isinstance(node, Branch) and (_leaves(node.then) or _leaves(node.orelse)):
                found = self._common(node.test, rest)
                if found is not None:
                    return found
        return None

    def _common(self, test: Expr, nodes: Block) -> Flight | None:
        state = frozenset((self._read(test) | self._asked(test)) & self._set(nodes))
        return Flight(test, state) if state else None

    def _read(self, test: Expr) -> set[str]:
        """What a test reads, also through the local names in it."""
        found: set[str] = set()
        pending = [test]
        seen: set[str] = set()
        while pending:
            for inner in walk(pending.pop()):
                if isinstance(inner, Attr):
                    found.add(inner.name)
                elif isinstance(inner, Name) and not self._scope.binds(inner.id):
                    found.add(inner.id)
                elif isinstance(inner, Name) and inner.id not in seen:
                    seen.add(inner.id)
                    pending += [b.expr for b in self._scope.bindings.get(inner.id, ()) if b.expr is not None]
        return found

    def _set(self, nodes: Block) -> set[str]:
        """What a block sets of the state that outlives the call, also through methods of its own object.

        What it empties before the wait is work that it takes on, which others go on to add while it waits.
        """
        found = {name for name in assigned(nodes, self._span.row) if not self._scope.binds(name)}
        return found | self._analysis.setters.through_calls(nodes, self._function)

    def _asked(self, test: Expr) -> set[str]:
        """`if self._is_fresh(): …`: the attributes that the object looks at to answer."""
        found: set[str] = set()
        for call in walk(test):
            if isinstance(call, Call) and isinstance(call.func, Attr) and isinstance(call.func.value, Name):
                for target in self._analysis.engine.targets.of(call.func, self._function):
                    first = self._analysis.engine.types.scope(target.function).first
                    for step in steps(self._analysis.program.body(target.function)):
                        for expr in expressions(step):
                            found |= {
                                e.name for e in walk(expr) if isinstance(e, Attr) and e.value == Name(first or "")
                            }
        return found


def _leaves(nodes: Block) -> bool:
    """Whether a block ends by leaving the function, in one of its branches at least."""
    last = nodes[-1] if nodes else None
    if isinstance(last, Branch):
        return _leaves(last.then) or _leaves(last.orelse)
    return isinstance(last, Return | Raise)


def _contains(nodes: Block, span: Span) -> bool:
    for step in steps(nodes):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call | Await) and _within(span, inner.span):
                    return True
        if isinstance(step, Enter | Iterate) and step.span == span:
            return True
    return False


def _within(inner: Span, outer: Span) -> bool:
    return (outer.row, outer.column) <= (inner.row, inner.column) and (inner.end_row, inner.end_column) <= (
        outer.end_row,
        outer.end_column,
    )


def _names(expr: Expr) -> Iterator[str]:
    yield from (inner.id for inner in walk(expr) if isinstance(inner, Name))


def _mentioned(expr: Expr) -> Iterator[str]:
    """Attributes and names in an expression."""
    for inner in walk(expr):
        if isinstance(inner, Attr):
            yield inner.name
        elif isinstance(inner, Name):
            yield inner.id
