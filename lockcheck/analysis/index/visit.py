"""The structured body of one function, read from its own rows: the second round of reading.

The rows are cut out and stand where they stood, behind empty rows, so that every place is right. A method gets an
`if True:` above it, and a lambda a parenthesis around it.
"""

from __future__ import annotations

import ast
import re

from lockcheck.analysis.index.depth import is_too_deep
from lockcheck.analysis.index.frames import Frame
from lockcheck.analysis.index.parse import TooDeep, parse
from lockcheck.analysis.index.positions import Positions, normal
from lockcheck.analysis.index.statements import Statements
from lockcheck.model.facts import MODULE, FunctionFacts
from lockcheck.model.flow import Block, Return

_BODY = ".<body>"
_LAMBDA = re.compile(r"<lambda:\d+:\d+>$")


def visit(text: str, function: FunctionFacts) -> Block | None:
    """The structured body of a function of a text; None where it nests too deeply to be followed."""
    cut = _cut(normal(text), function)
    try:
        tree = parse(cut)
        if not isinstance(tree, ast.Module):
            return None
        positions = Positions(cut)
        positions.above = function.above
        return _body(Statements(positions), tree, function)
    except (TooDeep, RecursionError):
        return None


def _cut(text: str, function: FunctionFacts) -> str:
    if function.qualname == MODULE:
        return text
    lines = text.split("\n", function.last_row)  # what stands behind is of no use
    if _is_lambda(function):
        return _cut_lambda(lines, function)
    rows = lines[function.first_row - 1 : function.last_row]
    before = [""] * (function.first_row - 1)
    if _is_indented(rows[0]):
        before[-1] = "if True:"
    return "\n".join((*before, *rows, ""))


def _cut_lambda(lines: list[str], function: FunctionFacts) -> str:
    span = function.in_file
    rows = lines[span.row - 1 : span.end_row]
    rows[-1] = rows[-1][: span.end_column - 1]
    rows[0] = rows[0][span.column - 1 :]
    if span.column > 1:
        rows[0] = "(".ljust(span.column - 1) + rows[0]
        rows[-1] += ")"
    return "\n".join((*[""] * (span.row - 1), *rows, ""))


def _is_lambda(function: FunctionFacts) -> bool:
    return function.qualname.endswith(">") and _LAMBDA.search(function.qualname) is not None


def _is_indented(line: str) -> bool:
    """Whether the compiler sees an indentation: a form feed begins the line anew."""
    blanks = line[: len(line) - len(line.lstrip(" \t\f"))]
    return not blanks.endswith("\f") and blanks != ""


def _body(read: Statements, tree: ast.Module, function: FunctionFacts) -> Block | None:
    read.alone = True
    read.frame = Frame(function.qualname, _inner(function), function.parent, read.found)
    if function.qualname == MODULE:
        return _suite(read, tree.body)
    statement = tree.body[-1]
    if isinstance(statement, ast.If):
        statement = statement.body[-1]
    match statement:
        case ast.Expr(ast.Lambda(body=value)):
            return None if is_too_deep((value,)) else (Return(read.lower(value), read.span(value)),)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return _suite(read, statement.body)
        case _:
            return None


def _suite(read: Statements, body: list[ast.stmt]) -> Block | None:
    return None if is_too_deep(body) else read.suite(body)


def _inner(function: FunctionFacts) -> str:
    """What the qualified names of a function's locals begin with."""
    qualname = function.qualname
    if qualname == MODULE:
        return ""
    return qualname[: -len(_BODY)] + "." if qualname.endswith(_BODY) else qualname + ".<locals>."
