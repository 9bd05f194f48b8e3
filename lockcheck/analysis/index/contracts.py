"""Comments `# lockcheck: …` that say how a function stands to locks, and to which function each belongs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from lockcheck.analysis.index.positions import Positions
from lockcheck.model.expression import Attr, Expr, Name
from lockcheck.model.facts import Comment, ContractFact
from lockcheck.model.source import Span

_Def: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

_SAID = re.compile(r"#\s*lockcheck:\s*(?P<words>[^#]*)", re.IGNORECASE)
_SUPPRESSES = re.compile(r"(?:noqa|ignore)\b", re.IGNORECASE)
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_FORMS = "write `holds LOCK` (several with commas), `no-locks`, `ignore[RULE]`, `ignore-file[RULE]` or `noqa`"


def contracts(comments: Sequence[Comment], positions: Positions, tree: ast.Module) -> tuple[ContractFact, ...]:
    """The contracts of a file, malformed ones included, in the order of their rows.

    A contract belongs to the function in whose `def` line (up to its colon) it stands; or it stands on a line of its
    own: directly above the function and its decorators, or below the `def` line and before the first statement
    behind the docstring.
    """
    found = [(comment, words) for comment in comments if (words := _words(comment.text)) is not None]
    if not found:
        return ()
    functions = sorted(_functions(tree), key=lambda node: node.lineno)
    return tuple(_contract(comment, words, positions, functions) for comment, words in found)


def _words(text: str) -> str | None:
    """What a comment says to lockcheck; None where it says nothing, or only what not to report."""
    match = _SAID.search(text)
    if match is None or _SUPPRESSES.match(match["words"]):
        return None
    return match["words"].strip()


def _functions(tree: ast.Module) -> Iterator[_Def]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _contract(comment: Comment, words: str, positions: Positions, functions: Sequence[_Def]) -> ContractFact:
    span = Span(comment.row, comment.column, comment.row, comment.column + len(comment.text))
    kind, _, rest = words.partition(" ")
    locks, fault = _read(kind, rest.strip())
    owner = _owner(comment, positions, functions)
    if owner is None and not fault:
        fault = "it belongs to no function: put it on the `def` line, directly above it, or first in its body"
    name, first_row = (owner.name, positions.first_row(owner)) if owner is not None else ("", 0)
    return ContractFact("" if fault else kind, locks, rest.strip(), fault, span, name, first_row)


def _read(kind: str, rest: str) -> tuple[tuple[Expr, ...], str]:
    """The locks that a contract names, and what is wrong with it."""
    if kind == "no-locks":
        return (), f"`no-locks` takes no argument, but `{rest}` follows" if rest else ""
    if kind != "holds":
        return (), f"`{kind}` is not understood; {_FORMS}" if kind else f"it says nothing; {_FORMS}"
    parts = [part.strip() for part in rest.split(",")]
    wrong = next((part for part in parts if not _PATH.fullmatch(part)), None)
    if wrong is not None:
        return (), f"`{wrong}` is not the name of a lock" if wrong else "`holds` must name a lock"
    return tuple(_path(part) for part in parts), ""


def _path(spelled: str) -> Expr:
    first, *rest = spelled.split(".")
    found: Expr = Name(first)
    for word in rest:
        found = Attr(found, word, Span(0, 0, 0, 0))
    return found


def _owner(comment: Comment, positions: Positions, functions: Sequence[_Def]) -> _Def | None:
    alone = positions.lines[comment.row - 1].lstrip().startswith("#")
    if not alone:
        return next((f for f in functions if f.lineno == comment.first_row), None)
    below = next((f for f in functions if _stands_above(comment.row, positions, f)), None)
    if below is not None:
        return below
    inside = [f for f in functions if f.lineno < comment.row < _first_statement(f)]
    return inside[-1] if inside else None


def _stands_above(row: int, positions: Positions, function: _Def) -> bool:
    """Whether nothing but comments and decorators stands between a row and the `def` line."""
    first = positions.first_row(function)
    if row >= first:
        return row < function.lineno
    return all(line.lstrip().startswith("#") for line in positions.lines[row : first - 1])


def _first_statement(function: _Def) -> int:
    """The row of the first statement behind the docstring; behind the body where there is none."""
    body = function.body
    if (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        body = body[1:]
    if not body:
        return (function.end_lineno or function.lineno) + 1
    return min((item.lineno for item in getattr(body[0], "decorator_list", ())), default=body[0].lineno)
