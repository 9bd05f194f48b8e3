"""The single-flight refresh: a wait under a lock whose very purpose is that the others wait for its outcome."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.scope import blocks, expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import CriticalPair, Held
from lockcheck.model.expression import Attr, Await, Call, Expr, Name
from lockcheck.model.flow import Assign, Block, Branch, Enter, Iterate, Return, With
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span


def single_flight(analysis: Analysis, function: FunctionId, pair: CriticalPair, held: Held) -> bool:
    """Whether the region tests, before it waits, the very state that it then sets.

    Who comes second finds the state set and does nothing: that it waited for the first is the point of the lock.
    """
    region = _region(analysis.program.body(function), held.trace[0].span)
    if region is None:
        return False
    return _Region(analysis, function, pair.trace[0].span).refreshes(region.body)


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
        self._span = span

    def refreshes(self, nodes: Block) -> bool:
        """Whether a test that guards the wait reads what is set under that test, or leaves where it is set already."""
        for index, node in enumerate(nodes):
            if not isinstance(node, Branch):
                if any(_contains(inner, self._span) and self.refreshes(inner) for inner in blocks(node)):
                    return True
                continue
            tested = set(_mentioned(node.test)) | self._asked(node.test)
            for block in (node.then, node.orelse):
                if _contains(block, self._span) and (tested & self._set(block) or self.refreshes(block)):
                    return True
            rest = nodes[index + 1 :]
            leaves = any(isinstance(n, Return) for n in (*node.then[-1:], *node.orelse[-1:]))
            if leaves and _contains(rest, self._span) and tested & self._set(rest):
                return True
        return False

    def _set(self, nodes: Block) -> set[str]:
        """What a block sets, also through the methods of its own object that it calls."""
        found = set(_assigned(nodes))
        for step in steps(nodes):
            for expr in expressions(step):
                for inner in walk(expr):
                    if isinstance(inner, Call):
                        found |= self._by_callee(inner)
        return found

    def _asked(self, test: Expr) -> set[str]:
        """`if self._is_fresh(): …`: the attributes that the object looks at to answer."""
        return {name for e in walk(test) if isinstance(e, Call) for name in self._by_callee(e)}

    def _by_callee(self, call: Call) -> set[str]:
        """Attributes of the object itself that a method works on."""
        program = self._analysis.program
        found: set[str] = set()
        for target in self._analysis.engine.targets.of(call.func, self._function):
            first = self._analysis.engine.types.scope(target.function).first
            own = isinstance(call.func, Attr) and isinstance(call.func.value, Name)
            if own and first is not None:
                for step in steps(program.body(target.function)):
                    for expr in expressions(step):
                        found |= {e.name for e in walk(expr) if isinstance(e, Attr) and e.value == Name(first)}
        return found


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


def _mentioned(expr: Expr) -> Iterator[str]:
    """Attributes and names that a test reads."""
    for inner in walk(expr):
        if isinstance(inner, Attr):
            yield inner.name
        elif isinstance(inner, Name) and inner.id not in ("self", "cls"):
            yield inner.id


def _assigned(nodes: Block) -> Iterator[str]:
    for step in steps(nodes):
        if isinstance(step, Assign):
            for target in step.targets:
                for inner in walk(target):
                    if isinstance(inner, Attr):
                        yield inner.name
                    elif isinstance(inner, Name) and inner.id not in ("self", "cls"):
                        yield inner.id
