"""A lock of the program that marks itself taken and then awaits: a cancellation there leaves it taken for ever."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.exits.points import Leave
from lockcheck.analysis.exits.raising import catches, caught
from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.expression import Attr, Await, Call, Expr, Name
from lockcheck.model.flow import Assign, Block, Node, Try
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.source import Span

_DEPTH = 3


class Mark(msgspec.Struct, frozen=True, gc=False):
    """In `function` the attribute that says taken is set at `set_at`, and something is awaited at `awaits`.

    `counterpart` is the method that gives the lock back, by undoing that.
    """

    function: FunctionId
    cls: ClassId
    attribute: str
    set_at: Span
    awaits: Span
    counterpart: FunctionId


def marks(analysis: Analysis) -> Iterator[Mark]:
    """Each `async def acquire…` of the program that awaits after it has marked its object taken."""
    for function in sorted(f for f in analysis.coroutines if analysis.facts(f).name.startswith("acquire")):
        facts = analysis.facts(function)
        owner = analysis.engine.types.owner(function)
        first = analysis.engine.types.scope(function).first
        if owner is None or first is None:
            continue
        method = analysis.engine.hierarchy.method(owner, facts.name.replace("acquire", "release", 1))
        if method is None or not analysis.program.visit(function):
            continue
        undone = _assigned(analysis, method.function, _DEPTH)
        search = _Search(analysis, function, first, undone)
        search.block(analysis.program.body(function), None)
        for set_at, awaits, name in search.found:
            yield Mark(function, owner, name, set_at, awaits, method.function)


class _Search:
    """Looks for an await behind the assignment of one of the attributes, in a block or one inside it."""

    def __init__(self, analysis: Analysis, function: FunctionId, first: str, attributes: set[str]) -> None:
        self.analysis = analysis
        self.function = function
        self.first = Name(first)
        self.attributes = attributes
        self.found: list[tuple[Span, Span, str]] = []

    def block(self, nodes: Block, mark: tuple[Span, str] | None) -> None:
        """Follow a block; `mark` is the assignment that lies behind."""
        for node in nodes:
            if isinstance(node, Try) and (node.final or _catches(node)):
                continue
            if mark is not None and not blocks(node):
                for awaits in self._awaits(node):
                    self.found.append((mark[0], awaits, mark[1]))
                    return
            before = len(self.found)
            for inner in blocks(node):
                self.block(inner, mark)
            if mark is not None and len(self.found) > before:
                return
            if isinstance(node, Assign):
                for target in node.targets:
                    if isinstance(target, Attr) and target.value == self.first and target.name in self.attributes:
                        mark = node.span, target.name

    def _awaits(self, node: Node) -> Iterator[Span]:
        """Awaits of a statement, but for methods of the program that see to a cancellation themselves."""
        for expr in expressions(node):
            for inner in walk(expr):
                if isinstance(inner, Await) and not self._sees_to_it(inner.value):
                    yield inner.span

    def _sees_to_it(self, value: Expr) -> bool:
        if not isinstance(value, Call):
            return False
        program = self.analysis.program
        for target in self.analysis.engine.targets.of(value.func, self.function):
            if program.visit(target.function) and _guards(program.body(target.function)):
                return True
        return False


def _guards(nodes: Block) -> bool:
    """Whether a block, or one inside it, sees to a cancellation."""
    return any(
        (isinstance(node, Try) and (bool(node.final) or _catches(node))) or any(_guards(b) for b in blocks(node))
        for node in nodes
    )


def _catches(node: Try) -> bool:
    cancel = Leave("cancel", node.span, "")
    return any(catches(caught(handler.head.types), cancel)[0] for handler in node.handlers)


def _assigned(analysis: Analysis, function: FunctionId, depth: int) -> set[str]:
    """The attributes of its own object that a method, or one that it calls, assigns."""
    first = Name(analysis.engine.types.scope(function).first or "")
    found: set[str] = set()
    for step in steps(analysis.program.body(function)):
        if isinstance(step, Assign):
            found.update(t.name for t in step.targets if isinstance(t, Attr) and t.value == first)
        for expr in expressions(step) if depth else ():
            for call in walk(expr):
                if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.value == first:
                    for target in analysis.engine.targets.of(call.func, function):
                        found |= _assigned(analysis, target.function, depth - 1)
    return found
