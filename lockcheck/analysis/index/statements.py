"""Statements of `ast`, lowered to flat bodies."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from lockcheck.analysis.index.expressions import LOWER, SILENT, Expressions
from lockcheck.analysis.index.frames import ClassFrame, Frame
from lockcheck.analysis.index.words import is_harmless
from lockcheck.analysis.substance import matters, runs_where_defined
from lockcheck.model.expression import Expr, Name
from lockcheck.model.facts import ImportFact, Parameter
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
    Raise,
    Return,
    Try,
    While,
    With,
)

_Read: TypeAlias = "Callable[[Statements, Any], None]"
_Def: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Statements(Expressions):
    """Reads statements, function by function, into structured bodies."""

    def block(self, body: Iterable[ast.stmt]) -> None:
        """Read statements one after another."""
        for node in body:
            _READ[type(node)](self, node)

    def suite(self, body: Sequence[ast.stmt]) -> Block:
        """The nodes of a suite, none where there is none."""
        if not body:
            return ()
        frame = self.frame
        outer, frame.nodes = frame.nodes, []
        self.block(body)
        inner, frame.nodes = frame.nodes, outer
        return tuple(inner)

    def tested(self, node: ast.expr) -> None:
        """An expression whose value is dropped; it is a step if it can run code."""
        if type(node) not in SILENT:
            value = LOWER[type(node)](self, node)
            if matters(value):
                self.frame.nodes.append(Do(value))

    def _nothing(self, _: ast.stmt) -> None:
        pass

    def _expression(self, node: ast.Expr) -> None:
        self.tested(node.value)

    def _assign(self, node: ast.Assign) -> None:
        value = LOWER[type(node.value)](self, node.value)
        targets = tuple([self.target(item) for item in node.targets])
        span = self.span(node)
        frame = self.frame
        frame.nodes.append(Assign(targets, value, None, False, span))
        for target in targets:
            frame.bind(target, value, None, span)

    def _declare(self, node: ast.AnnAssign) -> None:
        value = None if node.value is None else self.lower(node.value)
        declared = self.annotation(node.annotation)
        target = self.target(node.target)
        span = self.span(node)
        self.frame.nodes.append(Assign((target,), value, declared, False, span))
        self.frame.bind(target, value, declared, span)

    def _augment(self, node: ast.AugAssign) -> None:
        target = self.target(node.target)
        span = self.span(node)
        self.frame.nodes.append(Assign((target,), self.lower(node.value), None, True, span))
        self.frame.bind(target, None, None, span)

    def _return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.lower(node.value)
        self.frame.nodes.append(Return(value, self.span(node)))

    def _raise(self, node: ast.Raise) -> None:
        value = None if node.exc is None else self.lower(node.exc)
        if node.cause is not None:
            self.tested(node.cause)
        self.frame.nodes.append(Raise(value, self.span(node)))

    def _delete(self, node: ast.Delete) -> None:
        self.frame.nodes.append(Delete(tuple([self.target(item) for item in node.targets])))

    def _assert(self, node: ast.Assert) -> None:
        self.frame.nodes.append(Assert(self.lower(node.test)))

    def _break(self, _: ast.Break) -> None:
        self.frame.nodes.append(Break())

    def _continue(self, _: ast.Continue) -> None:
        self.frame.nodes.append(Continue())

    def _if(self, node: ast.If) -> None:
        """An `elif` is a branch in the `else`: there may be thousands, so this does not descend."""
        chain = [(self.lower(node.test), self.suite(node.body))]
        orelse = node.orelse
        while len(orelse) == 1 and type(inner := orelse[0]) is ast.If:
            chain.append((self.lower(inner.test), self.suite(inner.body)))
            orelse = inner.orelse
        last = self.suite(orelse)
        for test, then in reversed(chain):
            last = (Branch(test, then, last),)
        self.frame.add(last[0])

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self.lower(node.iter)
        target = self.target(node.target)
        span = self.positions.between(node, node.iter)
        head = Iterate(target, iterable, type(node) is ast.AsyncFor, span)
        self.frame.bind(target, None, None, span)
        self.frame.add(For(head, self.suite(node.body), self.suite(node.orelse)))

    def _while(self, node: ast.While) -> None:
        test = self.lower(node.test)
        self.frame.add(While(test, self.suite(node.body), self.suite(node.orelse), self.span(node.test)))

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        frame = self.frame
        is_async = type(node) is ast.AsyncWith
        items: list[Enter] = []
        for item in node.items:
            value = self.lower(item.context_expr)
            target = None if item.optional_vars is None else self.target(item.optional_vars)
            span = self.span(item.context_expr)
            items.append(Enter(value, target, is_async, span))
            if target is not None:
                frame.bind(target, None, None, span)
            if not is_harmless(value):
                frame.qualifies = True
        last = node.items[-1]
        head = self.positions.head(node, last.optional_vars or last.context_expr)
        frame.add(With(tuple(items), self.suite(node.body), is_async, head))

    def _try(self, node: ast.Try) -> None:
        body = self.suite(node.body)
        handlers = tuple([self._handler(handler) for handler in node.handlers])
        orelse, final = self.suite(node.orelse), self.suite(node.finalbody)
        self.frame.add(Try(body, handlers, orelse, final, self.positions.head(node, None)))

    def _handler(self, node: ast.ExceptHandler) -> Handler:
        types = None if node.type is None else self.lower(node.type)
        return Handler(Caught(types, node.name), self.suite(node.body), self.positions.head(node, node.type))

    def _match(self, node: ast.Match) -> None:
        subject = self.lower(node.subject)
        self.frame.add(Match(subject, tuple([self._case(case) for case in node.cases])))

    def _case(self, node: ast.match_case) -> Case:
        names = tuple(dict.fromkeys(_captured(node.pattern)))
        if names:
            span = self.span(node.pattern)
            for name in names:
                self.frame.bind_name(name, None, None, span)
        guard = None if node.guard is None else self.lower(node.guard)
        always = guard is None and _is_irrefutable(node.pattern)
        return Case(Bound(names), guard, self.suite(node.body), always)

    def _global(self, node: ast.Global) -> None:
        self.frame.globals.update(node.names)

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        self.frame.nonlocals.update(node.names)

    def _import(self, node: ast.Import) -> None:
        imports = self.frame.imports
        for alias in node.names:
            if alias.asname is not None:
                imports.append(ImportFact(alias.asname, alias.name, None, 0))
                continue
            first = alias.name.partition(".")[0]
            imports.append(ImportFact(first, first, None, 0))
            if first != alias.name:
                imports.append(ImportFact(alias.name, alias.name, None, 0))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            self.frame.imports.append(ImportFact(alias.asname or alias.name, module, alias.name, node.level))

    def _decorators(self, nodes: list[ast.expr]) -> tuple[Expr, ...]:
        decorators = tuple([self.lower(node) for node in nodes]) if nodes else ()
        for value in decorators:
            self.defined_by(value)
        return decorators

    def defined_by(self, value: Expr | None) -> None:
        """A decorator, default or base: a step of the body that defines."""
        if value is not None and runs_where_defined(value):
            self.frame.nodes.append(Do(value))

    def _function(self, node: _Def) -> None:
        outer = self.frame
        decorators = self._decorators(node.decorator_list)
        parameters = self.parameters(node.args)
        for parameter in parameters:
            self.defined_by(parameter.default)
        qualname = outer.inner + node.name
        outer.nodes.append(Define(node.name, qualname, False))
        if self.alone:
            return
        rows = (self.positions.first_row(node), node.end_lineno or node.lineno)
        around = self.positions.begin(qualname, rows[0])
        self.frame = frame = Frame(qualname, qualname + ".<locals>.", qualname, self.found)
        if outer.body_of is None:
            self.close_over(outer, parameters)
        else:
            outer.body_of.methods[node.name] = qualname
            self._receive(outer.body_of, parameters, decorators)
        self.block(node.body)
        self.frame = outer
        name, above = self.positions.name(node), self.positions.above
        self.positions.above = around
        facts = frame.facts(
            name,
            rows,
            above,
            outer.scope,
            node.body,
            is_async=type(node) is ast.AsyncFunctionDef,
            parameters=parameters,
            returns=self.annotation(node.returns),
            decorators=decorators,
            owner=None if outer.body_of is None else outer.body_of.qualname,
        )
        self.found.functions.append(facts)

    def _receive(self, owner: ClassFrame, parameters: tuple[Parameter, ...], decorators: tuple[Expr, ...]) -> None:
        """A method's first parameter is the object or the class, unless the method is static."""
        if Name("staticmethod") not in decorators and parameters and parameters[0].kind in ("p", "a"):
            self.frame.receiver = parameters[0].name
            self.frame.of_class = owner

    def _class(self, node: ast.ClassDef) -> None:
        outer = self.frame
        decorators = self._decorators(node.decorator_list)
        bases = tuple([self.lower(base) for base in node.bases])
        for base in bases:
            self.defined_by(base)
        for keyword in node.keywords:
            self.defined_by(self.lower(keyword.value))
        qualname = outer.inner + node.name
        outer.nodes.append(Define(node.name, qualname, True))
        if self.alone:
            return
        owner = ClassFrame(qualname)
        self.frame = frame = Frame(qualname + ".<body>", qualname + ".", outer.scope, self.found)
        frame.body_of = owner
        self.block(node.body)
        self.frame = outer
        span = self.positions.name(node)
        rows = (self.positions.first_row(node), node.end_lineno or node.lineno)
        above = self.positions.above
        self.found.functions.append(frame.facts(span, rows, above, outer.scope, node.body))
        parent = outer.body_of.qualname if outer.body_of is not None else outer.scope
        self.found.classes.append(owner.facts(span.below(above), bases, decorators, parent))

    @staticmethod
    def readers() -> dict[type[ast.AST], _Read]:
        """Which function reads which statement."""
        readers: dict[type[ast.AST], _Read] = {
            ast.Expr: Statements._expression,
            ast.Assign: Statements._assign,
            ast.AnnAssign: Statements._declare,
            ast.AugAssign: Statements._augment,
            ast.Return: Statements._return,
            ast.Raise: Statements._raise,
            ast.Delete: Statements._delete,
            ast.Assert: Statements._assert,
            ast.Break: Statements._break,
            ast.Continue: Statements._continue,
            ast.If: Statements._if,
            ast.For: Statements._for,
            ast.AsyncFor: Statements._for,
            ast.While: Statements._while,
            ast.With: Statements._with,
            ast.AsyncWith: Statements._with,
            ast.Try: Statements._try,
            ast.Match: Statements._match,
            ast.FunctionDef: Statements._function,
            ast.AsyncFunctionDef: Statements._function,
            ast.ClassDef: Statements._class,
            ast.Import: Statements._import,
            ast.ImportFrom: Statements._import_from,
            ast.Global: Statements._global,
            ast.Nonlocal: Statements._nonlocal,
            ast.Pass: Statements._nothing,
        }
        star = getattr(ast, "TryStar", None)
        if star is not None:
            readers[star] = Statements._try
        alias = getattr(ast, "TypeAlias", None)
        if alias is not None:
            readers[alias] = Statements._nothing
        return readers


_READ = Statements.readers()


def _captured(pattern: ast.pattern) -> Iterable[str]:
    """The names that a pattern binds, in order of the text."""
    for child in ast.iter_child_nodes(pattern):
        if isinstance(child, ast.pattern):
            yield from _captured(child)
    match pattern:
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            yield name
        case ast.MatchMapping(rest=str() as name):
            yield name
        case _:
            pass


def _is_irrefutable(pattern: ast.pattern) -> bool:
    """Whether a pattern matches everything: `_`, a bare name, or an alternative or alias of these."""
    match pattern:
        case ast.MatchAs(pattern=inner):
            return inner is None or _is_irrefutable(inner)
        case ast.MatchOr(patterns=alternatives):
            return any(map(_is_irrefutable, alternatives))
        case _:
            return False
