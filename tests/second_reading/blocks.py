# ruff: noqa: N802 ARG002  LibCST finds these methods by the names of its nodes
"""Statements of LibCST, visited one after another into a structured body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import libcst as cst

from lockcheck.analysis.substance import identifier, matters, runs_where_defined
from lockcheck.model.expression import Expr, Group
from lockcheck.model.flow import (
    Assert,
    Assign,
    Block,
    Bound,
    Branch,
    Break,
    Case,
    Caught,
    Continue,
    Define,
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
from tests.second_reading.expressions import Expressions


class Blocks(cst.CSTVisitor):
    """Visits the statements of one function; each visit adds to the block at hand and answers for its children."""

    def __init__(self, expressions: Expressions) -> None:
        """Begin a function."""
        super().__init__()
        self.read = expressions
        self.nodes: list[Node] = []

    def block(self, statements: Iterable[cst.CSTNode]) -> Block:
        """The nodes of a suite."""
        outer, self.nodes = self.nodes, []
        for statement in statements:
            statement.visit(self)
        inner, self.nodes = self.nodes, outer
        return tuple(inner)

    def suite(self, node: cst.BaseSuite | cst.Else | cst.Finally | None) -> Block:
        """The nodes of a suite, or of the `else` or `finally` that has one."""
        if node is None:
            return ()
        suite = node.body if isinstance(node, (cst.Else, cst.Finally)) else node
        return self.block(suite.body)

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        """Statements of one line."""
        for statement in node.body:
            statement.visit(self)
        return False

    def visit_Expr(self, node: cst.Expr) -> bool:
        """An expression as a statement."""
        self._tested(node.value)
        return False

    def visit_Assign(self, node: cst.Assign) -> bool:
        """`a = b = value`."""
        targets = tuple(self.read.target(item.target) for item in node.targets)
        self.nodes.append(Assign(targets, self.read.lower(node.value), None, False, self.read.span(node)))
        return False

    def visit_AnnAssign(self, node: cst.AnnAssign) -> bool:
        """`target: annotation = value`."""
        value = None if node.value is None else self.read.lower(node.value)
        declared = self.read.annotation(node.annotation.annotation)
        target = self.read.target(node.target)
        self.nodes.append(Assign((target,), value, declared, False, self.read.span(node)))
        return False

    def visit_AugAssign(self, node: cst.AugAssign) -> bool:
        """`target += value`."""
        target = self.read.target(node.target)
        self.nodes.append(Assign((target,), self.read.lower(node.value), None, True, self.read.span(node)))
        return False

    def visit_Return(self, node: cst.Return) -> bool:
        """`return value`."""
        value = None if node.value is None else self.read.lower(node.value)
        self.nodes.append(Return(value, self.read.span(node)))
        return False

    def visit_Raise(self, node: cst.Raise) -> bool:
        """`raise value from cause`: the cause is evaluated before anything is raised."""
        value = None if node.exc is None else self.read.lower(node.exc)
        if node.cause is not None:
            self._tested(node.cause.item)
        self.nodes.append(Raise(value, self.read.span(node)))
        return False

    def visit_Del(self, node: cst.Del) -> bool:
        """`del a, b`; `del (a, b)` has one target."""
        target = self.read.target(node.target)
        bare = isinstance(target, Group) and isinstance(node.target, cst.Tuple) and not node.target.lpar
        self.nodes.append(Delete(target.items if bare and isinstance(target, Group) else (target,)))
        return False

    def visit_Assert(self, node: cst.Assert) -> bool:
        """`assert test`."""
        self.nodes.append(Assert(self.read.lower(node.test)))
        return False

    def visit_Break(self, node: cst.Break) -> bool:
        """`break`."""
        self.nodes.append(Break())
        return False

    def visit_Continue(self, node: cst.Continue) -> bool:
        """`continue`."""
        self.nodes.append(Continue())
        return False

    def visit_If(self, node: cst.If) -> bool:
        """`if`, and its `elif` as a branch in the `else`."""
        test = self.read.lower(node.test)
        then = self.suite(node.body)
        orelse = self.block((node.orelse,)) if isinstance(node.orelse, cst.If) else self.suite(node.orelse)
        self.nodes.append(Branch(test, then, orelse))
        return False

    def visit_For(self, node: cst.For) -> bool:
        """`for` and `async for`."""
        iterable = self.read.lower(node.iter)
        span = self.read.between(node, node.iter)
        head = Iterate(self.read.target(node.target), iterable, node.asynchronous is not None, span)
        self.nodes.append(For(head, self.suite(node.body), self.suite(node.orelse)))
        return False

    def visit_While(self, node: cst.While) -> bool:
        """`while`."""
        test = self.read.lower(node.test)
        self.nodes.append(While(test, self.suite(node.body), self.suite(node.orelse), self.read.span(node.test)))
        return False

    def visit_With(self, node: cst.With) -> bool:
        """`with` and `async with`."""
        is_async = node.asynchronous is not None
        items = tuple(self._enter(item, is_async) for item in node.items)
        self.nodes.append(With(items, self.suite(node.body), is_async, self._head(node)))
        return False

    def _head(self, node: cst.With | cst.Try | cst.TryStar | cst.ExceptHandler | cst.ExceptStarHandler) -> Span:
        """From the keyword up to the colon: what comes behind may have been hollowed out."""
        return self.read.between(node, node.whitespace_before_colon)

    def _enter(self, item: cst.WithItem, is_async: bool) -> Enter:
        value = self.read.lower(item.item)
        target = None if item.asname is None else self.read.target(item.asname.name)
        return Enter(value, target, is_async, self.read.span(item.item))

    def visit_Try(self, node: cst.Try) -> bool:
        """`try` with `except`."""
        self._try(node, node.handlers)
        return False

    def visit_TryStar(self, node: cst.TryStar) -> bool:
        """`try` with `except*`."""
        self._try(node, node.handlers)
        return False

    def _try(self, node: cst.Try | cst.TryStar, clauses: Sequence[cst.ExceptHandler | cst.ExceptStarHandler]) -> None:
        body = self.suite(node.body)
        handlers = tuple(self._handler(clause) for clause in clauses)
        final = self.suite(node.finalbody)
        self.nodes.append(Try(body, handlers, self.suite(node.orelse), final, self._head(node)))

    def _handler(self, node: cst.ExceptHandler | cst.ExceptStarHandler) -> Handler:
        types = None if node.type is None else self.read.lower(node.type)
        bound = node.name.name if node.name is not None else None
        name = identifier(bound.value) if isinstance(bound, cst.Name) else None
        return Handler(Caught(types, name), self.suite(node.body), self._head(node))

    def visit_Match(self, node: cst.Match) -> bool:
        """`match`."""
        subject = self.read.lower(node.subject)
        self.nodes.append(Match(subject, tuple(self._case(case) for case in node.cases)))
        return False

    def _case(self, node: cst.MatchCase) -> Case:
        captures = Captures()
        node.pattern.visit(captures)
        guard = None if node.guard is None else self.read.lower(node.guard)
        always = guard is None and is_irrefutable(node.pattern)
        return Case(Bound(tuple(captures.names)), guard, self.suite(node.body), always)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        """A function inside: its decorators and defaults run here, its body is a function of its own."""
        self._defined_by(item.decorator for item in node.decorators)
        params = node.params
        ordered = (*params.posonly_params, *params.params, *params.kwonly_params)
        self._defined_by(item.default for item in ordered if item.default is not None)
        self._define(node.name, False)
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        """A class inside: its decorators and bases run here, its body is a function of its own."""
        self._defined_by(item.decorator for item in node.decorators)
        bases = [self.read.argument(item) for item in node.bases]
        self._run([*bases, *(self.read.lower(item.value) for item in node.keywords)])
        self._define(node.name, True)
        return False

    def _define(self, name: cst.Name, is_class: bool) -> None:
        word = identifier(name.value)
        self.nodes.append(Define(word, self.read.inner + word, is_class))

    def _defined_by(self, values: Iterable[cst.BaseExpression]) -> None:
        self._run([self.read.lower(value) for value in values])

    def _run(self, values: Iterable[Expr]) -> None:
        self.nodes.extend(Do(value) for value in values if runs_where_defined(value))

    def _tested(self, node: cst.BaseExpression) -> None:
        value = self.read.lower(node)
        if matters(value):
            self.nodes.append(Do(value))


class Captures(cst.CSTVisitor):
    """Visits a pattern for the names that it binds, in order of the text."""

    def __init__(self) -> None:
        """Begin a pattern."""
        super().__init__()
        self.names: dict[str, None] = {}

    def leave_MatchAs(self, original_node: cst.MatchAs) -> None:
        """`name`, or `pattern as name`."""
        self._bind(original_node.name)

    def leave_MatchStar(self, original_node: cst.MatchStar) -> None:
        """`*name`."""
        self._bind(original_node.name)

    def leave_MatchMapping(self, original_node: cst.MatchMapping) -> None:
        """`**name` at the end of a mapping."""
        self._bind(original_node.rest)

    def _bind(self, name: cst.Name | None) -> None:
        if name is not None:
            self.names[identifier(name.value)] = None


def is_irrefutable(pattern: cst.MatchPattern) -> bool:
    """Whether a pattern matches everything: `_`, a bare name, or an alternative or alias of these."""
    match pattern:
        case cst.MatchAs(pattern=inner):
            return inner is None or is_irrefutable(inner)
        case cst.MatchOr(patterns=alternatives):
            return any(is_irrefutable(item.pattern) for item in alternatives)
        case _:
            return False
