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
    Product,
    Star,
    Walrus,
    Yield,
)
from lockcheck.model.facts import MODULE, Parameter, ParameterKind
from lockcheck.model.flow import Return

_Lower: TypeAlias = "Callable[[Expressions, Any], Expr]"

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

SILENT = frozenset[type[ast.expr]]({ast.Name, ast.Constant})


class Expressions:
    """Lowers expressions into the function that is being read (`frame`)."""

    def __init__(self, positions: Positions) -> None:
        """Begin a module."""
        self.positions = positions
        self.span = positions.span
        self.found = Found()
        self.frame = Frame(MODULE, "", None, self.found)
        self.alone = False
        """Whether the functions inside are left alone."""

    def lower(self, node: ast.expr) -> Expr:
        """The value of an expression."""
        return LOWER[type(node)](self, node)

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
        return opaque(
            [LOWER[type(node)](self, node) for node in nodes if node is not None and type(node) not in SILENT]
        )

    def _name(self, node: ast.Name) -> Name:
        return Name(node.id)

    def _constant(self, node: ast.Constant) -> Const:
        return constant(node.value)

    def _attribute(self, node: ast.Attribute) -> Attr:
        value = node.value
        return Attr(LOWER[type(value)](self, value), node.attr, self.span(node))

    def _call(self, node: ast.Call) -> Call:
        func = LOWER[type(node.func)](self, node.func)
        args = tuple([LOWER[type(item)](self, item) for item in node.args]) if node.args else ()
        keywords = node.keywords
        named = (
            tuple([Keyword(item.arg, LOWER[type(item.value)](self, item.value)) for item in keywords])
            if keywords
            else ()
        )
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
        return Item(
            LOWER[type(node.value)](self, node.value), LOWER[type(node.slice)](self, node.slice), self.span(node)
        )

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
        return Logic(type(node.op) is ast.And, tuple([LOWER[type(item)](self, item) for item in node.values]))

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
        return tuple([LOWER[type(node)](self, node) for node in nodes])

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
        kind: Product = (
            "list" if isinstance(node, ast.ListComp) else "set" if isinstance(node, ast.SetComp) else "generator"
        )
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
        if self.alone:
            return Lambda(qualname)
        parameters = self.parameters(node.args)
        self.frame = frame = Frame(qualname, qualname + ".<locals>.", qualname, self.found)
        self.close_over(outer, parameters)
        frame.nodes.append(Return(self.lower(node.body), self.span(node.body)))
        self.frame = outer
        above = self.positions.above
        rows = (span.row + above, span.end_row + above)
        facts = frame.facts(span, rows, above, outer.scope, (node.body,), parameters=parameters)
        self.found.functions.append(facts)
        return Lambda(qualname)

    def close_over(self, outer: Frame, parameters: tuple[Parameter, ...]) -> None:
        """A function within a method reaches the method's class through the same name, unless it hides it."""
        if outer.receiver is not None and all(item.name != outer.receiver for item in parameters):
            self.frame.receiver = outer.receiver
            self.frame.of_class = outer.of_class

    def parameters(self, node: ast.arguments) -> tuple[Parameter, ...]:
        """The parameters in order; their defaults are evaluated by whoever defines the function."""
        ordinary: list[tuple[ast.arg, ParameterKind]] = []
        ordinary.extend((item, "p") for item in node.posonlyargs)
        ordinary.extend((item, "a") for item in node.args)
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

    def _parameter(self, node: ast.arg, kind: ParameterKind, default: ast.expr | None) -> Parameter:
        value = None if default is None else self.lower(default)
        return Parameter(node.arg, kind, self.annotation(node.annotation), value)

    def other(self, node: ast.AST) -> Opaque:
        """Slices, template strings and whatever a newer Python brings."""
        return self.parts(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    @staticmethod
    def table() -> dict[type[ast.AST], _Lower]:
        """Which function lowers which node."""
        return {
            ast.Name: Expressions._name,
            ast.Constant: Expressions._constant,
            ast.Attribute: Expressions._attribute,
            ast.Call: Expressions._call,
            ast.Subscript: Expressions._subscript,
            ast.Await: Expressions._await,
            ast.Yield: Expressions._yield,
            ast.YieldFrom: Expressions._yield,
            ast.UnaryOp: Expressions._unary,
            ast.BoolOp: Expressions._logic,
            ast.BinOp: Expressions._binary,
            ast.Compare: Expressions._compare,
            ast.IfExp: Expressions._if_else,
            ast.Tuple: Expressions._tuple,
            ast.List: Expressions._list,
            ast.Set: Expressions._set,
            ast.Dict: Expressions._dict,
            ast.ListComp: Expressions._comprehension,
            ast.SetComp: Expressions._comprehension,
            ast.GeneratorExp: Expressions._comprehension,
            ast.DictComp: Expressions._comprehension,
            ast.NamedExpr: Expressions._walrus,
            ast.Lambda: Expressions._lambda,
            ast.Starred: Expressions._starred,
            ast.JoinedStr: Expressions._joined,
        }


class _Lowering(dict[type[ast.AST], _Lower]):
    """What `Expressions.table` holds; a node of a newer Python is lowered to its parts."""

    def __missing__(self, kind: type[ast.AST]) -> _Lower:
        self[kind] = Expressions.other
        return Expressions.other


LOWER = _Lowering(Expressions.table())
