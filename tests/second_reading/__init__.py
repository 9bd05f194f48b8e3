"""Another reading of functions, over LibCST, to hold against what the index says of their blocks.

It shares no step with the index but the values that both yield: the text of each function is cut out and parsed by
another parser, and the places are counted by writing the code again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import libcst as cst
import msgspec

from lockcheck.model.facts import MODULE, FunctionFacts
from lockcheck.model.flow import Block, Return
from tests.second_reading.blocks import Blocks
from tests.second_reading.expressions import Expressions
from tests.second_reading.places import places, shift
from tests.second_reading.slices import cut, is_lambda

_BODY = ".<body>"


class Visits:
    """Visits functions of one text."""

    def __init__(self, lines: Sequence[str], functions: Sequence[FunctionFacts]) -> None:
        """Take the lines of a text, as the compiler counts them, and all functions that the index found in it."""
        self._lines = lines
        definitions = [_in_file(item) for item in functions if item.qualname != MODULE and not is_lambda(item)]
        self._definitions = sorted(definitions, key=lambda item: item.span)
        self._rows = [item.span.row for item in self._definitions]

    def visit(self, function: FunctionFacts) -> Block:
        """The structured body of a function."""
        function = _in_file(function)
        return _visit(cut(self._lines, function, self._inside(function)), function)

    def _inside(self, function: FunctionFacts) -> list[FunctionFacts]:
        """The outermost definitions within a function."""
        if is_lambda(function):
            return []
        found: list[FunctionFacts] = []
        behind = 0 if function.qualname == MODULE else function.span.row
        for place in range(bisect_left(self._rows, behind + 1), len(self._rows)):
            inner = self._definitions[place]
            if inner.span.row > function.last_row:
                break
            if inner.span.row > behind:
                found.append(inner)
                behind = inner.last_row
        return found


def _in_file(function: FunctionFacts) -> FunctionFacts:
    """The same with the place of its name in the file."""
    return msgspec.structs.replace(function, span=function.in_file)


def _visit(text: str, function: FunctionFacts) -> Block:
    module = cst.parse_module(text)
    found = places(module)
    if "\f" in text:
        found = shift(found, text, module)
    read = Expressions(found, function.first_row - function.above - 2, _inner(function))
    blocks = Blocks(read)
    if function.qualname == MODULE:
        return blocks.block(module.body)
    statement: cst.CSTNode = module.body[-1]
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Lambda(body=value))]):
            return (Return(read.lower(value), read.span(value)),)
        case cst.If(body=cst.IndentedBlock(body=[*_, cst.FunctionDef() | cst.ClassDef() as statement])):
            return blocks.suite(statement.body)
        case cst.FunctionDef() | cst.ClassDef():
            return blocks.suite(statement.body)
        case _:
            raise AssertionError(f"{function.qualname} is not where it was expected")


def _inner(function: FunctionFacts) -> str:
    """What the qualified names of a function's locals begin with."""
    qualname = function.qualname
    if qualname == MODULE:
        return ""
    return qualname[: -len(_BODY)] + "." if qualname.endswith(_BODY) else qualname + ".<locals>."
