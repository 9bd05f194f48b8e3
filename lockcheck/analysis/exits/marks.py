"""A lock of the program that marks itself taken and then awaits: a cancellation there leaves it taken for ever."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.exits.points import Leave
from lockcheck.analysis.exits.raising import catches, caught
from lockcheck.analysis.link.scope import blocks, expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.expression import Attr, Await, Call, Name
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
    for result in analysis.results:
        facts = analysis.facts(result.function)
        owner = analysis.engine.types.owner(result.function)
        first = analysis.engine.types.scope(result.function).first
        if not facts.is_async or owner is None or first is None or not facts.name.startswith("acquire"):
            continue
        method = analysis.engine.hierarchy.method(owner, facts.name.replace("acquire", "release", 1))
        if method is None or not analysis.program.visit(result.function):
            continue
        undone = _assigned(analysis, method.function, _DEPTH)
        search = _Search(first, undone)
        search.block(analysis.program.body(result.function), None)
        for set_at, awaits, name in search.found:
            yield Mark(result.function, owner, name, set_at, awaits, method.function)


class _Search:
    """Looks for an await behind the assignment of one of the attributes, in a block or one inside it."""

    def __init__(self, first: str, attributes: set[str]) -> None:
        self.first = Name(first)
        self.attributes = attributes
        self.found: list[tuple[Span, Span, str]] = []

    def block(self, nodes: Block, mark: tuple[Span, str] | None) -> None:
        """Follow a block; `mark` is the assignment that lies behind."""
        for node in nodes:
            if isinstance(node, Try) and (node.final or _catches(node)):
                continue
            if mark is not None and not blocks(node):
                for awaits in _awaits(node):
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


def _awaits(node: Node) -> Iterator[Span]:
    for expr in expressions(node):
        for inner in walk(expr):
            if isinstance(inner, Await):
                yield inner.span


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
