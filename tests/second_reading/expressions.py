"""Expressions of LibCST, lowered to the same values as those of `ast`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import libcst as cst

from lockcheck.analysis.annotations import names_values, quoted, union
from lockcheck.analysis.substance import constant, identifier, negative, opaque
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Clause,
    Compare,
    Comprehension,
    Const,
    Display,
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
from lockcheck.model.source import Span
from tests.second_reading.places import Place

_Lower: TypeAlias = Callable[[Any], Expr]
_Text: TypeAlias = cst.SimpleString | cst.ConcatenatedString

_WORDS = {"True": Const(True), "False": Const(False), "None": Const(None)}

_TEMPLATE: type[cst.BaseExpression] | None = getattr(cst, "TemplatedString", None)
"""What newer versions of LibCST have for t-strings; it is made like an f-string."""

OPERATORS: dict[type[cst.BaseCompOp], str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Is: "is",
    cst.IsNot: "is not",
    cst.In: "in",
    cst.NotIn: "not in",
}


class Expressions:
    """Lowers the expressions of one slice.

    `positions` are LibCST's, `offset` is what its rows lack, `inner` what the qualified names of locals begin with.
    """

    def __init__(self, positions: Mapping[cst.CSTNode, Place], offset: int, inner: str) -> None:
        """Begin a slice."""
        self.positions = positions
        self.offset = offset
        self.inner = inner
        self.table: dict[type[cst.CSTNode], _Lower] = {
            cst.Name: self._name,
            cst.Attribute: self._attribute,
            cst.Call: self._call,
            cst.Subscript: self._subscript,
            cst.Await: self._await,
            cst.Yield: self._yield,
            cst.SimpleString: self._string,
            cst.ConcatenatedString: self._string,
            cst.FormattedString: self._formatted,
            cst.Integer: self._number,
            cst.Float: self._number,
            cst.Imaginary: self._nothing,
            cst.Ellipsis: self._nothing,
            cst.UnaryOperation: self._unary,
            cst.BooleanOperation: self._logic,
            cst.BinaryOperation: self._binary,
            cst.Comparison: self._compare,
            cst.IfExp: self._if_else,
            cst.Tuple: self._tuple,
            cst.List: self._list,
            cst.Set: self._set,
            cst.Dict: self._dict,
            cst.ListComp: self._comprehension,
            cst.SetComp: self._comprehension,
            cst.GeneratorExp: self._comprehension,
            cst.DictComp: self._comprehension,
            cst.NamedExpr: self._walrus,
            cst.Lambda: self._lambda,
        }
        if _TEMPLATE is not None:
            self.table[_TEMPLATE] = self._formatted

    def lower(self, node: cst.BaseExpression) -> Expr:
        """The value of an expression."""
        return self.table[type(node)](node)

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node lies in the file."""
        return self.between(node, node)

    def between(self, first: cst.CSTNode, last: cst.CSTNode) -> Span:
        """From where one node begins to where another ends; a tuple and a generator include their parentheses."""
        row, column, _, _ = self.positions[_opening(first)]
        _, _, end_row, end_column = self.positions[_closing(last)]
        return Span(row + self.offset, column + 1, end_row + self.offset, end_column + 1)

    def target(self, node: cst.BaseExpression) -> Expr:
        """What is assigned to: a list of targets is a tuple like any other."""
        if isinstance(node, (cst.Tuple, cst.List)):
            return Group("tuple", tuple(self._target_item(item) for item in node.elements))
        return self.lower(node)

    def _target_item(self, item: cst.BaseElement) -> Expr:
        value = self.target(item.value)
        return Star(value) if isinstance(item, cst.StarredElement) else value

    def annotation(self, node: cst.BaseExpression, verbatim: bool = False) -> Expr:
        """What a variable is declared to be, as `lockcheck.analysis.annotations` reads it."""
        match node:
            case cst.Name():
                return self._name(node)
            case cst.Attribute():
                return Attr(self.annotation(node.value), identifier(node.attr.value), self.span(node))
            case cst.SimpleString() | cst.ConcatenatedString():
                value = _text(node)
                return quoted(value, self.span(node)) if isinstance(value, str) and not verbatim else constant(value)
            case cst.Integer() | cst.Float() | cst.Imaginary() | cst.Ellipsis():
                return self.lower(node)
            case cst.Subscript():
                inner = self.annotation(node.value)
                values = names_values(inner)
                return Item(inner, self._key(node.slice, lambda item: self.annotation(item, values)))
            case cst.Tuple() | cst.List():
                kind: Display = "tuple" if isinstance(node, cst.Tuple) else "list"
                return Group(kind, tuple(self._declared(item, verbatim) for item in node.elements))
            case cst.BinaryOperation(operator=cst.BitOr()):
                return union(self.annotation(node.left, verbatim), self.annotation(node.right, verbatim))
            case _:
                return Opaque(())

    def _declared(self, item: cst.BaseElement, verbatim: bool) -> Expr:
        if isinstance(item, cst.StarredElement):
            return Star(self.annotation(item.value))
        return self.annotation(item.value, verbatim)

    def _name(self, node: cst.Name) -> Expr:
        return _WORDS.get(node.value) or Name(identifier(node.value))

    def _attribute(self, node: cst.Attribute) -> Attr:
        return Attr(self.lower(node.value), identifier(node.attr.value), self.span(node))

    def _call(self, node: cst.Call) -> Call:
        func = self.lower(node.func)
        args: list[Expr] = []
        keywords: list[Keyword] = []
        for item in node.args:
            if isinstance(item.value, cst.GeneratorExp) and not item.value.lpar:
                args.append(self._sole_generator(item.value, node))
                continue
            if item.star == "**":
                keywords.append(Keyword(None, self.lower(item.value)))
            elif item.keyword is not None:
                keywords.append(Keyword(identifier(item.keyword.value), self.lower(item.value)))
            else:
                args.append(self.argument(item))
        return Call(func, tuple(args), tuple(keywords), self.span(node))

    def argument(self, node: cst.Arg) -> Expr:
        """A positional argument of a call, or a base of a class."""
        value = self.lower(node.value)
        return Star(value) if node.star else value

    def _sole_generator(self, node: cst.GeneratorExp, call: cst.Call) -> Comprehension:
        """`f(x for x in y)`: the generator has the parentheses of the call."""
        row, column, _, _ = self.positions[call.whitespace_before_args]
        _, _, end_row, end_column = self.positions[call]
        span = Span(row + self.offset, column, end_row + self.offset, end_column + 1)
        return Comprehension("generator", self.lower(node.elt), self._clauses(node.for_in), span)

    def _subscript(self, node: cst.Subscript) -> Item:
        return Item(self.lower(node.value), self._key(node.slice, self.lower), self.span(node))

    def _key(self, elements: Sequence[cst.SubscriptElement], lower: Callable[[cst.BaseExpression], Expr]) -> Expr:
        keys: list[Expr] = []
        for element in elements:
            inner = element.slice
            if isinstance(inner, cst.Slice):
                parts = (inner.lower, inner.upper, inner.step)
                keys.append(opaque([self.lower(part) for part in parts if part is not None]))
            elif isinstance(inner, cst.Index):
                value = lower(inner.value)
                keys.append(Star(value) if inner.star else value)
        is_tuple = len(keys) > 1 or isinstance(elements[0].comma, cst.Comma) or isinstance(keys[0], Star)
        return Group("tuple", tuple(keys)) if is_tuple else keys[0]

    def _await(self, node: cst.Await) -> Await:
        return Await(self.lower(node.expression), self.span(node))

    def _yield(self, node: cst.Yield) -> Yield:
        value = node.value
        if isinstance(value, cst.From):
            return Yield(self.lower(value.item), True, self.span(node))
        return Yield(None if value is None else self.lower(value), False, self.span(node))

    def _string(self, node: _Text) -> Expr:
        value = _text(node)
        return self.opaque_string(node) if value is None else constant(value)

    def opaque_string(self, node: cst.BaseExpression) -> Opaque:
        """A string that is put together at run time."""
        return opaque([self.lower(part) for part in _fields(node)])

    def _formatted(self, node: cst.BaseExpression) -> Opaque:
        return self.opaque_string(node)

    def _number(self, node: cst.Integer | cst.Float) -> Const:
        return constant(node.evaluated_value)

    def _nothing(self, _: cst.CSTNode) -> Const:
        return Const(None)

    def _unary(self, node: cst.UnaryOperation) -> Expr:
        value = self.lower(node.expression)
        if isinstance(node.operator, cst.Not):
            return Not(value)
        return negative(value) if isinstance(node.operator, cst.Minus) else opaque((value,))

    def _logic(self, node: cst.BooleanOperation) -> Logic:
        kind = type(node.operator)
        values = [node.right]
        left = node.left
        while isinstance(left, cst.BooleanOperation) and type(left.operator) is kind and not left.lpar:
            values.append(left.right)
            left = left.left
        values.append(left)
        return Logic(kind is cst.And, tuple(self.lower(value) for value in reversed(values)))

    def _binary(self, node: cst.BinaryOperation) -> Opaque:
        values = [node.right]
        left = node.left
        while isinstance(left, cst.BinaryOperation):
            values.append(left.right)
            left = left.left
        values.append(left)
        return opaque([self.lower(value) for value in reversed(values)])

    def _compare(self, node: cst.Comparison) -> Expr:
        left = self.lower(node.left)
        rights = [self.lower(item.comparator) for item in node.comparisons]
        if len(rights) > 1:
            return opaque((left, *rights))
        return Compare(left, OPERATORS[type(node.comparisons[0].operator)], rights[0], self.span(node))

    def _if_else(self, node: cst.IfExp) -> IfElse:
        return IfElse(self.lower(node.test), self.lower(node.body), self.lower(node.orelse))

    def _items(self, elements: Iterable[cst.BaseElement]) -> tuple[Expr, ...]:
        return tuple(
            Star(self.lower(item.value)) if isinstance(item, cst.StarredElement) else self.lower(item.value)
            for item in elements
        )

    def _tuple(self, node: cst.Tuple) -> Group:
        return Group("tuple", self._items(node.elements))

    def _list(self, node: cst.List) -> Group:
        return Group("list", self._items(node.elements))

    def _set(self, node: cst.Set) -> Group:
        return Group("set", self._items(node.elements))

    def _dict(self, node: cst.Dict) -> Group:
        keys: list[Expr] = []
        values: list[Expr] = []
        spread: list[Expr] = []
        for item in node.elements:
            if isinstance(item, cst.DictElement):
                keys.append(self.lower(item.key))
                values.append(self.lower(item.value))
            else:
                spread.append(Star(self.lower(item.value)))
        return Group("dict", (*keys, *values, *spread))

    def _comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp) -> Comprehension:
        clauses = self._clauses(node.for_in)
        if isinstance(node, cst.DictComp):
            element: Expr = Group("tuple", (self.lower(node.key), self.lower(node.value)))
            return Comprehension("dict", element, clauses, self.span(node))
        kind: Product = (
            "list" if isinstance(node, cst.ListComp) else "set" if isinstance(node, cst.SetComp) else "generator"
        )
        return Comprehension(kind, self.lower(node.elt), clauses, self.span(node))

    def _clauses(self, first: cst.CompFor) -> tuple[Clause, ...]:
        clauses: list[Clause] = []
        node: cst.CompFor | None = first
        while node is not None:
            conditions = tuple(self.lower(item.test) for item in node.ifs)
            is_async = node.asynchronous is not None
            clauses.append(Clause(self.target(node.target), self.lower(node.iter), conditions, is_async))
            node = node.inner_for_in
        return tuple(clauses)

    def _walrus(self, node: cst.NamedExpr) -> Expr:
        target = self.lower(node.target)
        value = self.lower(node.value)
        return Walrus(target.id, value) if isinstance(target, Name) else opaque((target, value))

    def _lambda(self, node: cst.Lambda) -> Lambda:
        span = self.span(node)
        return Lambda(f"{self.inner}<lambda:{span.row}:{span.column}>")


def _opening(node: cst.CSTNode) -> cst.CSTNode:
    """`ast` counts the parentheses of a tuple and of a generator, LibCST those of no expression."""
    return node.lpar[-1] if isinstance(node, (cst.Tuple, cst.GeneratorExp)) and node.lpar else node


def _closing(node: cst.CSTNode) -> cst.CSTNode:
    return node.rpar[0] if isinstance(node, (cst.Tuple, cst.GeneratorExp)) and node.rpar else node


def _text(node: cst.BaseExpression) -> str | bytes | None:
    """The value of a literal string; None if it is put together at run time."""
    if isinstance(node, cst.SimpleString):
        value = node.raw_value
        return value if "\\" not in value and "b" not in node.prefix else node.evaluated_value
    return node.evaluated_value if isinstance(node, cst.ConcatenatedString) else None


def _fields(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    """The expressions in an f-string and its format specifications, in the order of evaluation."""
    if isinstance(node, cst.ConcatenatedString):
        return _fields(node.left) + _fields(node.right)
    if isinstance(node, cst.SimpleString):
        return []
    return _in_parts(getattr(node, "parts", ()))


def _in_parts(parts: Iterable[cst.CSTNode]) -> list[cst.BaseExpression]:
    found: list[cst.BaseExpression] = []
    for part in parts:
        expression = getattr(part, "expression", None)
        if isinstance(expression, cst.BaseExpression):
            found.append(expression)
            found.extend(_in_parts(getattr(part, "format_spec", None) or ()))
    return found
