"""Expressions of `ast`, lowered."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from lockcheck.analysis.annotations import annotation
from lockcheck.analysis.index.frames import Found, Frame
from lockcheck.analysis.index.positions import Positions
from lockcheck.analysis.index.words import SHAPED, is_shaped
from lockcheck.analysis.substance import constant, negative, opaque
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Clause,
    Compare,
    Comprehension,
    Const,
    Expr,
    Group,
    IfElse,
    Item,
    Keyword,
    Lambda,
    Logic,
    Name,
    Not,
    Opaque,
    Star,
    Walrus,
    Yield,
)
from lockcheck.model.facts import MODULE, Parameter
from lockcheck.model.flow import Return

_Lower: TypeAlias = Callable[[Any], Expr]

OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

_SILENT = frozenset[type[ast.expr]]({ast.Name, ast.Constant})


def _name(node: ast.Name) -> Name:
    return Name(node.id)


def _constant(node: ast.Constant) -> Const:
    return constant(node.value)


class _Table(dict[type[ast.AST], _Lower]):
    """Which function lowers which node; a node of a newer Python is lowered to its parts."""

    def __init__(self, entries: dict[type[ast.AST], _Lower], other: _Lower) -> None:
        super().__init__(entries)
        self.other = other

    def __missing__(self, kind: type[ast.AST]) -> _Lower:
        self[kind] = self.other
        return self.other


class Expressions:
    """Lowers expressions into the function that is being read (`frame`)."""

    def __init__(self, positions: Positions) -> None:
        """Begin a module."""
        self.positions = positions
        self.span = positions.span
        self.found = Found()
        self.frame = Frame(MODULE, "", None, self.found)
        self.table = _Table(self._entries(), self._other)

    def _entries(self) -> dict[type[ast.AST], _Lower]:
        return {
            ast.Name: _name,
            ast.Constant: _constant,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Subscript: self._subscript,
            ast.Await: self._await,
            ast.Yield: self._yield,
            ast.YieldFrom: self._yield,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._logic,
            ast.BinOp: self._binary,
            ast.Compare: self._compare,
            ast.IfExp: self._if_else,
            ast.Tuple: self._tuple,
            ast.List: self._list,
            ast.Set: self._set,
            ast.Dict: self._dict,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.DictComp: self._comprehension,
            ast.NamedExpr: self._walrus,
            ast.Lambda: self._lambda,
            ast.Starred: self._starred,
            ast.JoinedStr: self._joined,
        }

    def lower(self, node: ast.expr) -> Expr:
        """The value of an expression."""
        return self.table[type(node)](node)

    def target(self, node: ast.expr) -> Expr:
        """What is assigned to: a list of targets is a tuple like any other."""
        match node:
            case ast.Name(name):
                return Name(name)
            case ast.Tuple(items) | ast.List(items):
                return Group("tuple", tuple([self.target(item) for item in items]))
            case ast.Starred(value):
                return Star(self.target(value))
            case _:
                return self.lower(node)

    def annotation(self, node: ast.expr | None) -> Expr | None:
        """What a parameter, a result or a variable is declared to be."""
        return None if node is None else annotation(node, self.span)

    def parts(self, nodes: Iterable[ast.expr | None]) -> Opaque:
        """The parts that matter, without a look at names and literals."""
        table = self.table
        return opaque([table[type(node)](node) for node in nodes if node is not None and type(node) not in _SILENT])

    def _attribute(self, node: ast.Attribute) -> Attr:
        value = node.value
        return Attr(self.table[type(value)](value), node.attr, self.span(node))

    def _call(self, node: ast.Call) -> Call:
        table = self.table
        func = table[type(node.func)](node.func)
        args = tuple([table[type(item)](item) for item in node.args]) if node.args else ()
        keywords = node.keywords
        named = tuple([Keyword(item.arg, table[type(item.value)](item.value)) for item in keywords]) if keywords else ()
        call = Call(func, args, named, self.span(node))
        if type(func) is Attr:
            word = func.name
        elif type(func) is Name:
            word = func.id
        else:
            return call
        frame = self.frame
        frame.called.add(word)
        if word in SHAPED and not frame.qualifies:
            frame.qualifies = is_shaped(call, word)
        return call

    def _subscript(self, node: ast.Subscript) -> Item:
        table = self.table
        return Item(table[type(node.value)](node.value), table[type(node.slice)](node.slice), self.span(node))

    def _await(self, node: ast.Await) -> Await:
        return Await(self.lower(node.value), self.span(node))

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Yield:
        self.frame.is_generator = True
        value = None if node.value is None else self.lower(node.value)
        return Yield(value, type(node) is ast.YieldFrom, self.span(node))

    def _unary(self, node: ast.UnaryOp) -> Expr:
        value = self.lower(node.operand)
        kind = type(node.op)
        if kind is ast.Not:
            return Not(value)
        return negative(value) if kind is ast.USub else opaque((value,))

    def _logic(self, node: ast.BoolOp) -> Logic:
        table = self.table
        return Logic(type(node.op) is ast.And, tuple([table[type(item)](item) for item in node.values]))

    def _binary(self, node: ast.BinOp) -> Opaque:
        chain = [node.right]
        left = node.left
        while isinstance(left, ast.BinOp):
            chain.append(left.right)
            left = left.left
        chain.append(left)
        return self.parts(reversed(chain))

    def _compare(self, node: ast.Compare) -> Expr:
        if len(node.ops) > 1:
            return self.parts((node.left, *node.comparators))
        left = self.lower(node.left)
        return Compare(left, OPERATORS[type(node.ops[0])], self.lower(node.comparators[0]), self.span(node))

    def _if_else(self, node: ast.IfExp) -> IfElse:
        return IfElse(self.lower(node.test), self.lower(node.body), self.lower(node.orelse))

    def _items(self, nodes: Iterable[ast.expr]) -> tuple[Expr, ...]:
        table = self.table
        return tuple([table[type(node)](node) for node in nodes])

    def _tuple(self, node: ast.Tuple) -> Group:
        return Group("tuple", self._items(node.elts))

    def _list(self, node: ast.List) -> Group:
        return Group("list", self._items(node.elts))

    def _set(self, node: ast.Set) -> Group:
        return Group("set", self._items(node.elts))

    def _dict(self, node: ast.Dict) -> Group:
        keys: list[Expr] = []
        values: list[Expr] = []
        spread: list[Expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                spread.append(Star(self.lower(value)))
            else:
                keys.append(self.lower(key))
                values.append(self.lower(value))
        return Group("dict", (*keys, *values, *spread))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Comprehension:
        clauses = tuple(map(self._clause, node.generators))
        if isinstance(node, ast.DictComp):
            element: Expr = Group("tuple", (self.lower(node.key), self.lower(node.value)))
            return Comprehension("dict", element, clauses, self.span(node))
        kind = "list" if isinstance(node, ast.ListComp) else "set" if isinstance(node, ast.SetComp) else "generator"
        return Comprehension(kind, self.lower(node.elt), clauses, self.span(node))

    def _clause(self, node: ast.comprehension) -> Clause:
        return Clause(self.target(node.target), self.lower(node.iter), self._items(node.ifs), bool(node.is_async))

    def _walrus(self, node: ast.NamedExpr) -> Walrus:
        value = self.lower(node.value)
        self.frame.bind_name(node.target.id, value, None, self.span(node))
        return Walrus(node.target.id, value)

    def _starred(self, node: ast.Starred) -> Star:
        return Star(self.lower(node.value))

    def _joined(self, node: ast.JoinedStr) -> Opaque:
        return self.parts(self._fields(node.values))

    def _fields(self, values: list[ast.expr]) -> list[ast.expr | None]:
        fields: list[ast.expr | None] = []
        for value in values:
            if isinstance(value, ast.FormattedValue):
                fields.append(value.value)
                if isinstance(value.format_spec, ast.JoinedStr):
                    fields.extend(self._fields(value.format_spec.values))
        return fields

    def _lambda(self, node: ast.Lambda) -> Lambda:
        outer = self.frame
        span = self.span(node)
        qualname = f"{outer.inner}<lambda:{span.row}:{span.column}>"
        parameters = self.parameters(node.args)
        self.frame = frame = Frame(qualname, qualname + ".<locals>.", qualname, self.found)
        self.close_over(outer, parameters)
        frame.steps.append(Return(self.lower(node.body), self.span(node.body)))
        self.frame = outer
        facts = frame.facts(span, (span.row, span.end_row), outer.scope, parameters=parameters)
        self.found.functions.append(facts)
        return Lambda(qualname)

    def close_over(self, outer: Frame, parameters: tuple[Parameter, ...]) -> None:
        """A function within a method reaches the method's class through the same name, unless it hides it."""
        if outer.receiver is not None and all(item.name != outer.receiver for item in parameters):
            self.frame.receiver = outer.receiver
            self.frame.of_class = outer.of_class

    def parameters(self, node: ast.arguments) -> tuple[Parameter, ...]:
        """The parameters in order; their defaults are evaluated by whoever defines the function."""
        ordinary = [(item, "p") for item in node.posonlyargs] + [(item, "a") for item in node.args]
        missing: list[ast.expr | None] = [None] * (len(ordinary) - len(node.defaults))
        found = [
            self._parameter(item, kind, default)
            for (item, kind), default in zip(ordinary, [*missing, *node.defaults], strict=True)
        ]
        if node.vararg is not None:
            found.append(self._parameter(node.vararg, "*", None))
        for item, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            found.append(self._parameter(item, "k", default))
        if node.kwarg is not None:
            found.append(self._parameter(node.kwarg, "**", None))
        return tuple(found)

    def _parameter(self, node: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
        value = None if default is None else self.lower(default)
        return Parameter(node.arg, kind, self.annotation(node.annotation), value)

    def _other(self, node: ast.AST) -> Opaque:
        """Slices, template strings and whatever a newer Python brings."""
        return self.parts(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
