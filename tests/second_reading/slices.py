"""The text of one function, cut out so that LibCST parses no more than it must.

A slice starts with one row of its own; behind it every row of the function keeps its columns. Bodies of functions
and classes inside are replaced by `pass`: they are functions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockcheck.model.facts import MODULE, FunctionFacts

_LAMBDA = re.compile(r"<lambda:\d+:\d+>$")
_HEADER = re.compile(
    r"(?P<string>\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\\\n\"]|\\.)*\"|'(?:[^\\\n']|\\.)*')"
    r"|(?P<comment>#[^\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<colon>:)",
    re.DOTALL,
)


def is_lambda(function: FunctionFacts) -> bool:
    """Whether this is a lambda, which is cut out of an expression."""
    return function.qualname.endswith(">") and _LAMBDA.search(function.qualname) is not None


def cut(lines: Sequence[str], function: FunctionFacts, inside: Sequence[FunctionFacts]) -> str:
    """The slice of a function; `inside` are the definitions that it contains, outermost only, in order."""
    if is_lambda(function):
        return _cut_lambda(lines, function)
    rows = list(lines[function.first_row - 1 : function.last_row])
    for inner in inside:
        _hollow(rows, inner, function.first_row)
    first = "if True:" if function.qualname != MODULE and _is_indented(rows[0]) else ""
    return "\n".join((first, *rows, ""))


def _cut_lambda(lines: Sequence[str], function: FunctionFacts) -> str:
    span = function.span
    rows = list(lines[span.row - 1 : span.end_row])
    rows[-1] = rows[-1][: span.end_column - 1]
    rows[0] = " " * (span.column - 1) + rows[0][span.column - 1 :]
    return "\n".join(("(", *rows, ")", ""))


def _is_indented(line: str) -> bool:
    """Whether the compiler sees an indentation: a form feed begins the line anew."""
    blanks = line[: len(line) - len(line.lstrip(" \t\f"))]
    return not blanks.endswith("\f") and blanks != ""


def _hollow(rows: list[str], inner: FunctionFacts, first_row: int) -> None:
    """Replace the body of a definition by `pass`, all rows kept."""
    head = inner.span.row - first_row
    text = "\n".join(rows[head : inner.last_row - first_row + 1])
    end = _colon(text, inner.span.end_column - 1)
    if end < 0:
        return
    kept = text[:end].split("\n")
    kept[-1] += " pass"
    blank = [""] * (inner.last_row - inner.span.row + 1 - len(kept))
    rows[head : inner.last_row - first_row + 1] = kept + blank


def _colon(text: str, start: int) -> int:
    """Behind the colon that ends the head of a definition; -1 if there seems to be none."""
    depth = 0
    for token in _HEADER.finditer(text, start):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "colon" and depth == 0:
            return token.end()
    return -1
