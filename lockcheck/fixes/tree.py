"""A file parsed for fixing: its LibCST tree, where everything stands in it, and what is around what."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias, TypeVar, cast

import libcst as cst

from lockcheck.fixes.nodes import children, walk
from lockcheck.fixes.positions import Positions
from lockcheck.model.source import Span

Statement: TypeAlias = cst.BaseStatement
Block: TypeAlias = "cst.Module | cst.IndentedBlock"
Function: TypeAlias = "cst.FunctionDef | cst.Lambda"
Changes: TypeAlias = "Mapping[cst.CSTNode, cst.CSTNode | Sequence[cst.CSTNode]]"
"""What replaces a node: another, or for an element of a sequence any number of others."""
Answer = TypeVar("Answer")


class UnfixableError(Exception):
    """A repair can't be made here; the message says why."""


class Tree:
    """The tree of a text.

    Raises `libcst.ParserSyntaxError` where LibCST cannot read it.
    """

    def __init__(self, text: str) -> None:
        """Parse a text."""
        self.text = text
        module = cst.parse_module(text)
        self._positions = Positions(module, text)
        self._lines = text.split("\n")
        self._kept: dict[Hashable, object] = {}
        self._index(module)

    def _index(self, module: cst.Module) -> None:
        """Note every node of the module in the order of the source, its parent, and how far what is in it goes."""
        self.module = module
        self._order: list[cst.CSTNode] = []
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._ranges: dict[cst.CSTNode, tuple[int, int]] = {}
        pending: list[tuple[cst.CSTNode, int | None]] = [(module, None)]
        while pending:
            node, start = pending.pop()
            if start is not None:
                self._ranges[node] = start, len(self._order)
                continue
            pending.append((node, len(self._order)))
            self._order.append(node)
            for child in reversed(children(node)):
                self._parents[child] = node
                pending.append((child, None))

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node of the text stands."""
        found = self._positions.of(node, self._outermost(node))
        if found is None:
            raise UnfixableError("it does not stand in the text")
        return found

    def _outermost(self, node: cst.CSTNode) -> cst.CSTNode:
        """The statement of the module that a node is in; the module for what is in none."""
        while (parent := self._parents.get(node)) is not None and parent is not self.module:
            node = parent
        return node

    def once(self, compute: Callable[[Tree], Answer]) -> Answer:
        """What a function says of this tree; it is asked once."""
        if compute not in self._kept:
            self._kept[compute] = compute(self)
        return cast("Answer", self._kept[compute])

    def opened(self, span: Span) -> Tree | None:
        """The tree with each statement of the line around a place in a line of its own; None where it has one.

        The text stays what it was, and what stood in it is found by its place.
        """
        node = self.node(span)
        for each in (node, *self.around(node)):
            match each:
                case cst.SimpleStatementSuite():
                    new: cst.CSTNode | Sequence[cst.CSTNode] = cst.IndentedBlock(_apart(each))
                case cst.SimpleStatementLine(body=[_, _, *_]):
                    first, *rest = _apart(each)
                    new = [first.with_changes(leading_lines=each.leading_lines), *rest]
                case _:
                    continue
            tree = copy.copy(self)
            tree._kept = {}  # noqa: SLF001 - its own kind
            module = self.replaced(self.module, {each: new})
            tree._index(module if isinstance(module, cst.Module) else self.module)  # noqa: SLF001 - its own kind
            return tree
        return None

    def line(self, row: int) -> str:
        """A line of the text."""
        return self._lines[row - 1]

    def node(self, span: Span) -> cst.CSTNode:
        """The innermost node that covers just this span."""
        found = self._positions.at(span)
        if not found:
            raise UnfixableError("the place was not found again")
        return found[-1]

    def expression(self, span: Span) -> cst.BaseExpression:
        """The expression that covers just this span."""
        for node in self._positions.at(span):
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
        if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
            node = node.body[0]
        while node is not None:
            match node:
                case cst.Assign(value=value) | cst.AnnAssign(value=cst.BaseExpression() as value):
                    return value
                case cst.AnnAssign(target=cst.Name(value=name)):
                    return self._later(node, name)
                case cst.BaseStatement():
                    break
                case _:
                    node = self._parents.get(node)
        raise UnfixableError("it is not made by an assignment")

    def _later(self, declaration: cst.AnnAssign, name: str) -> cst.BaseExpression:
        """The one value that a name is given in the block where its type is declared."""
        block = self.block(self.statement(declaration))
        values = [
            small.value
            for line in block.body
            if isinstance(line, cst.SimpleStatementLine)
            for small in line.body
            if isinstance(small, cst.Assign)
            and [each.target.value for each in small.targets if isinstance(each.target, cst.Name)] == [name]
        ]
        if len(values) != 1:
            raise UnfixableError("it is not made by an assignment")
        return values[0]

    def annotation(self, value: cst.BaseExpression) -> cst.BaseExpression | None:
        """The type that an assignment gives for its value, if it gives one."""
        parent = self._parents.get(value)
        return parent.annotation.annotation if isinstance(parent, cst.AnnAssign) else None

    def inside(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """A node and everything in it, in the order of the source, but for white space."""
        where = self._ranges.get(node)
        return iter(self._order[slice(*where)]) if where is not None else walk(node)

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
        """The coroutine function in whose own scope a node is evaluated, so that it can be awaited there.

        The body of a class is a scope that nothing can be awaited in, and an `await` makes another kind of generator of
        a generator expression; what decorates a function, or stands among its parameters, belongs to the scope around.
        """
        inner = node
        for each in self.around(node):
            match each:
                case cst.ClassDef() | cst.Lambda() | cst.GeneratorExp():
                    return None
                case cst.FunctionDef(body=body) if body is inner:
                    return each if each.asynchronous is not None else None
                case _:
                    inner = each
        return None

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
        text = self._patched(changes)
        if text is not None:
            return text
        module = self.replaced(self.module, changes)
        return module.code if isinstance(module, cst.Module) else self.text

    def _patched(self, changes: Changes) -> str | None:
        """The text with those statements of the module written anew that something is replaced in.

        None where a statement is not found in the text as LibCST writes it, or something outside of all statements changes.
        """
        tops = {self._outermost(node) for node in changes}
        rows = (
            dict(zip(self.module.body, self._positions.rows, strict=False))
            if self._positions.module is self.module
            else {}
        )
        touched = {above for each in changes for above in self.around(each)}
        pieces: list[str] = []
        position = 0
        for statement in self.module.body:
            if statement not in tops:
                continue
            tops.remove(statement)
            old = self.code(statement)
            above = "".join(map(self.code, statement.leading_lines))
            start = self._offsets[rows[statement] - 1] - len(above) if statement in rows else -1
            if start < position or not self.text.startswith(old, start):
                return None
            new = changes.get(statement)
            whole = self._rebuilt(statement, changes, touched) if new is None else new
            pieces += [self.text[position:start], *map(self.code, [whole] if isinstance(whole, cst.CSTNode) else whole)]
            position = start + len(old)
        return None if tops else "".join([*pieces, self.text[position:]])

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each row of the text begins."""
        return [0, *itertools.accumulate(len(line) + 1 for line in self._lines)]

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


def _apart(line: cst.SimpleStatementSuite | cst.SimpleStatementLine) -> list[cst.SimpleStatementLine]:
    """The statements of a line, each in one of its own; the comment at the end stays at the last."""
    lines = [cst.SimpleStatementLine([each.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]) for each in line.body]
    lines[-1] = lines[-1].with_changes(trailing_whitespace=line.trailing_whitespace)
    return lines
