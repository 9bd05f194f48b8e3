"""A file parsed for fixing: its LibCST tree, where everything stands in it, and what is around what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from lockcheck.model.source import Span

Statement: TypeAlias = cst.BaseStatement
Block: TypeAlias = "cst.Module | cst.IndentedBlock"
Function: TypeAlias = "cst.FunctionDef | cst.Lambda"
Changes: TypeAlias = "Mapping[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]]"
"""What replaces a node: another, or for an element of a sequence any number of others."""


class UnfixableError(Exception):
    """A repair can't be made here; the message says why."""


class Tree:
    """The tree of a text.

    Raises `libcst.ParserSyntaxError` where LibCST cannot read it.
    """

    def __init__(self, text: str) -> None:
        """Parse a text."""
        self.text = text
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.module = wrapper.module
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._at: dict[Span, list[cst.CSTNode]] = {}
        positions = wrapper.resolve(PositionProvider)
        for node in _walk(self.module):
            self._parents.update((child, node) for child in node.children)
            where = positions.get(node)
            if where is not None:
                start, end = where.start, where.end
                span = Span(start.line, start.column + 1, end.line, end.column + 1)
                self._at.setdefault(span, []).append(node)

    def node(self, span: Span) -> cst.CSTNode:
        """The innermost node that covers just this span."""
        found = self._at.get(span)
        if not found:
            raise UnfixableError("the place was not found again")
        return found[-1]

    def expression(self, span: Span) -> cst.BaseExpression:
        """The expression that covers just this span."""
        for node in self._at.get(span, ()):
            if isinstance(node, cst.BaseExpression):
                return node
        raise UnfixableError("the place was not found again")

    def call(self, span: Span) -> cst.Call:
        """The call that covers just this span, or that is awaited there."""
        node = self.expression(span)
        node = node.expression if isinstance(node, cst.Await) else node
        if isinstance(node, cst.Call):
            return node
        raise UnfixableError("it is not a call")

    def item(self, span: Span) -> tuple[cst.WithItem, cst.With]:
        """The item of a `with` whose expression covers just this span, and its statement."""
        item = self._parents.get(self.expression(span))
        statement = self._parents.get(item) if item is not None else None
        if isinstance(item, cst.WithItem) and isinstance(statement, cst.With):
            return item, statement
        raise UnfixableError("the lock is not taken by `with`")

    def value(self, span: Span) -> cst.BaseExpression:
        """The value of the assignment that covers just this span, or whose target does."""
        node: cst.CSTNode | None = self.node(span)
        while node is not None:
            match node:
                case cst.SimpleStatementLine(body=[small]):
                    node = small
                case cst.Assign(value=value) | cst.AnnAssign(value=cst.BaseExpression() as value):
                    return value
                case cst.BaseStatement():
                    break
                case _:
                    node = self._parents.get(node)
        raise UnfixableError("it is not made by an assignment")

    def annotation(self, value: cst.BaseExpression) -> cst.BaseExpression | None:
        """The type that an assignment gives for its value, if it gives one."""
        parent = self._parents.get(value)
        return parent.annotation.annotation if isinstance(parent, cst.AnnAssign) else None

    def inside(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and everything in it, in the order of the source."""
        return _walk(node)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What a node is a part of."""
        return self._parents.get(node)

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What a node is inside of, the innermost first."""
        while True:
            parent = self._parents.get(node)
            if parent is None:
                return
            yield parent
            node = parent

    def function(self, node: cst.CSTNode) -> Function | None:
        """The function that a node is in."""
        return next((each for each in self.around(node) if isinstance(each, cst.FunctionDef | cst.Lambda)), None)

    def coroutine(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The coroutine function that a node is directly in, if it is in one."""
        function = self.function(node)
        return function if isinstance(function, cst.FunctionDef) and function.asynchronous is not None else None

    def statement(self, node: cst.CSTNode) -> Statement:
        """The statement that a node is a part of, or that it is: a line, or a compound statement."""
        for each in (node, *self.around(node)):
            if isinstance(each, cst.BaseStatement):
                return each
        raise UnfixableError("it is not in a statement")

    def block(self, statement: Statement) -> Block:
        """The block of a statement: lines with an indentation of their own, or the module."""
        block = self._parents.get(statement)
        if isinstance(block, cst.Module | cst.IndentedBlock):
            return block
        raise UnfixableError("the statement shares its line with others")

    def neighbours(self, statement: Statement) -> tuple[list[Statement], list[Statement]]:
        """The statements before and behind one in its block."""
        body = list(self.block(statement).body)
        place = next(i for i, each in enumerate(body) if each is statement)
        return body[:place], body[place + 1 :]

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.module.code_for_node(node)

    def changed(self, changes: Changes) -> str:
        """The text with some nodes replaced; a node inside of one that is replaced cannot be replaced itself."""
        module = self.replaced(self.module, changes)
        return module.code if isinstance(module, cst.Module) else self.text

    def replaced(self, node: cst.CSTNode, changes: Changes) -> cst.CSTNode:
        """A node of the tree with some nodes inside of it replaced."""
        touched = {above for each in changes for above in self.around(each)}
        return self._rebuilt(node, changes, touched) if node in touched else node

    def _rebuilt(self, node: cst.CSTNode, changes: Changes, touched: set[cst.CSTNode]) -> cst.CSTNode:
        fields: dict[str, object] = {}
        for name in node.__dataclass_fields__:
            value: object = getattr(node, name)
            if isinstance(value, cst.CSTNode) and (value in changes or value in touched):
                new = changes.get(value)
                fields[name] = new if new is not None else self._rebuilt(value, changes, touched)
            elif isinstance(value, tuple | list):
                elements = [each for each in cast("Sequence[object]", value) if isinstance(each, cst.CSTNode)]
                if any(each in changes or each in touched for each in elements):
                    fields[name] = [new for each in elements for new in self._expanded(each, changes, touched)]
        return node.with_changes(**fields)

    def _expanded(self, node: cst.CSTNode, changes: Changes, touched: set[cst.CSTNode]) -> Sequence[cst.CSTNode]:
        new = changes.get(node)
        if new is None:
            return [self._rebuilt(node, changes, touched) if node in touched else node]
        return [new] if isinstance(new, cst.CSTNode) else new


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))
