"""Statements of `ast`, lowered to flat bodies."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from lockcheck.analysis.index.expressions import Expressions
from lockcheck.analysis.index.frames import ClassFrame, Frame
from lockcheck.analysis.index.positions import Positions
from lockcheck.analysis.index.words import is_harmless
from lockcheck.analysis.substance import matters, runs_where_defined
from lockcheck.model.expression import Expr, Name
from lockcheck.model.facts import ImportFact, Parameter
from lockcheck.model.flow import (
    Assert,
    Assign,
    Bound,
    Break,
    Caught,
    Continue,
    Define,
    Delete,
    Do,
    Enter,
    Iterate,
    Raise,
    Return,
)

_Read: TypeAlias = Callable[[Any], None]
_Def: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SILENT = frozenset[type[ast.expr]]({ast.Name, ast.Constant})


class Statements(Expressions):
    """Reads statements, function by function."""

    def __init__(self, positions: Positions) -> None:
        """Begin a module."""
        super().__init__(positions)
        self.readers = self._readers()

    def _readers(self) -> dict[type[ast.stmt], _Read]:
        readers: dict[type[ast.stmt], _Read] = {
            ast.Expr: self._expression,
            ast.Assign: self._assign,
            ast.AnnAssign: self._declare,
            ast.AugAssign: self._augment,
            ast.Return: self._return,
            ast.Raise: self._raise,
            ast.Delete: self._delete,
            ast.Assert: self._assert,
            ast.Break: self._break,
            ast.Continue: self._continue,
            ast.If: self._if,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.While: self._while,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.Try: self._try,
            ast.Match: self._match,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
            ast.Pass: self._nothing,
        }
        star = getattr(ast, "TryStar", None)
        if star is not None:
            readers[star] = self._try
        alias = getattr(ast, "TypeAlias", None)
        if alias is not None:
            readers[alias] = self._nothing
        return readers

    def block(self, body: Iterable[ast.stmt]) -> None:
        """Read statements one after another."""
        readers = self.readers
        for node in body:
            readers[type(node)](node)

    def tested(self, node: ast.expr) -> None:
        """An expression whose value is tested or dropped; it is a step if it can run code."""
        if type(node) not in _SILENT:
            value = self.table[type(node)](node)
            if matters(value):
                self.frame.steps.append(Do(value))

    def _nothing(self, _: ast.stmt) -> None:
        pass

    def _expression(self, node: ast.Expr) -> None:
        self.tested(node.value)

    def _assign(self, node: ast.Assign) -> None:
        value = self.table[type(node.value)](node.value)
        targets = tuple([self.target(item) for item in node.targets])
        span = self.span(node)
        frame = self.frame
        frame.steps.append(Assign(targets, value, None, False, span))
        for target in targets:
            frame.bind(target, value, None, span)

    def _declare(self, node: ast.AnnAssign) -> None:
        value = None if node.value is None else self.lower(node.value)
        declared = self.annotation(node.annotation)
        target = self.target(node.target)
        span = self.span(node)
        self.frame.steps.append(Assign((target,), value, declared, False, span))
        self.frame.bind(target, value, declared, span)

    def _augment(self, node: ast.AugAssign) -> None:
        target = self.target(node.target)
        span = self.span(node)
        self.frame.steps.append(Assign((target,), self.lower(node.value), None, True, span))
        self.frame.bind(target, None, None, span)

    def _return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.lower(node.value)
        self.frame.steps.append(Return(value, self.span(node)))

    def _raise(self, node: ast.Raise) -> None:
        value = None if node.exc is None else self.lower(node.exc)
        if node.cause is not None:
            self.tested(node.cause)
        self.frame.steps.append(Raise(value, self.span(node)))

    def _delete(self, node: ast.Delete) -> None:
        self.frame.steps.append(Delete(tuple([self.target(item) for item in node.targets])))

    def _assert(self, node: ast.Assert) -> None:
        self.frame.steps.append(Assert(self.lower(node.test)))

    def _break(self, _: ast.Break) -> None:
        self.frame.steps.append(Break())

    def _continue(self, _: ast.Continue) -> None:
        self.frame.steps.append(Continue())

    def _if(self, node: ast.If) -> None:
        self.tested(node.test)
        self.block(node.body)
        orelse = node.orelse
        while len(orelse) == 1 and isinstance(orelse[0], ast.If):
            self.tested(orelse[0].test)
            self.block(orelse[0].body)
            orelse = orelse[0].orelse
        self.block(orelse)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self.lower(node.iter)
        target = self.target(node.target)
        span = self.positions.between(node, node.iter)
        self.frame.steps.append(Iterate(target, iterable, type(node) is ast.AsyncFor, span))
        self.frame.bind(target, None, None, span)
        self.block(node.body)
        self.block(node.orelse)

    def _while(self, node: ast.While) -> None:
        self.tested(node.test)
        self.block(node.body)
        self.block(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        frame = self.frame
        is_async = type(node) is ast.AsyncWith
        for item in node.items:
            value = self.lower(item.context_expr)
            target = None if item.optional_vars is None else self.target(item.optional_vars)
            span = self.span(item.context_expr)
            frame.steps.append(Enter(value, target, is_async, span))
            if target is not None:
                frame.bind(target, None, None, span)
            if not is_harmless(value):
                frame.qualifies = True
        self.block(node.body)

    def _try(self, node: ast.Try) -> None:
        self.block(node.body)
        for handler in node.handlers:
            types = None if handler.type is None else self.lower(handler.type)
            self.frame.steps.append(Caught(types, handler.name))
            self.block(handler.body)
        self.block(node.orelse)
        self.block(node.finalbody)

    def _match(self, node: ast.Match) -> None:
        self.tested(node.subject)
        for case in node.cases:
            names = tuple(dict.fromkeys(_captured(case.pattern)))
            if names:
                self.frame.steps.append(Bound(names))
                span = self.positions.between(case.pattern, case.pattern)
                for name in names:
                    self.frame.bind_name(name, None, None, span)
            if case.guard is not None:
                self.tested(case.guard)
            self.block(case.body)

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
            self.frame.steps.append(Do(value))

    def _function(self, node: _Def) -> None:
        outer = self.frame
        decorators = self._decorators(node.decorator_list)
        parameters = self.parameters(node.args)
        for parameter in parameters:
            self.defined_by(parameter.default)
        qualname = outer.inner + node.name
        outer.steps.append(Define(node.name, qualname, False))
        self.frame = frame = Frame(qualname, qualname + ".<locals>.", qualname, self.found)
        if outer.body_of is None:
            self.close_over(outer, parameters)
        else:
            outer.body_of.methods[node.name] = qualname
            self._receive(outer.body_of, parameters, decorators)
        self.block(node.body)
        self.frame = outer
        facts = frame.facts(
            self.positions.name(node),
            (self.positions.first_row(node), node.end_lineno or node.lineno),
            outer.scope,
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
        outer.steps.append(Define(node.name, qualname, True))
        owner = ClassFrame(qualname)
        self.frame = frame = Frame(qualname + ".<body>", qualname + ".", outer.scope, self.found)
        frame.body_of = owner
        self.block(node.body)
        self.frame = outer
        span = self.positions.name(node)
        rows = (self.positions.first_row(node), node.end_lineno or node.lineno)
        self.found.functions.append(frame.facts(span, rows, outer.scope))
        parent = outer.body_of.qualname if outer.body_of is not None else outer.scope
        self.found.classes.append(owner.facts(span, bases, decorators, parent))


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
