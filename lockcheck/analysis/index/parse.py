"""From text to a syntax tree of the standard library, or to the reason why there is none."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Sequence

from lockcheck.model.facts import SyntaxFault
from lockcheck.model.source import Span


class TooDeep(Exception):  # noqa: N818  it is no error of the text
    """The text nests deeper than this process can follow: it may be Python, but this run cannot tell."""


_NEWER = (
    ((3, 11), re.compile(r"^[ \t]*except\s*\*")),
    (
        (3, 12),
        re.compile(r"^[ \t]*(?:type[ \t]+\w+[ \t]*(?:\[.*\])?[ \t]*=|(?:class|(?:async[ \t]+)?def)[ \t]+\w+\[)"),
    ),
    ((3, 14), re.compile(r"(?<![\w\"'])(?:t|tr|rt)[\"']", re.IGNORECASE)),
    ((3, 14), re.compile(r"^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*(?:\w+\.)*[A-Z]\w*[ \t]*:")),
)
"""What a line that cannot be parsed may be in a newer Python (`except A, e:` is of Python 2)."""

_QUOTES = (3, 12)
"""Since then any expression may stand in an f-string."""


def parse(text: str) -> ast.Module | SyntaxFault:
    """The tree of a text with normal line ends. Warnings of the compiler are about that code: not shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return _fault(text, error)
    except ValueError as error:
        return SyntaxFault(str(error), Span(1, 1, 1, 1))
    except (RecursionError, MemoryError) as error:
        raise TooDeep("the parser ran out of depth") from error


def _fault(text: str, error: SyntaxError) -> SyntaxFault:
    lines = text.split("\n")
    row, column = _within(lines, error.lineno or 1, error.offset or 1)
    message = error.msg + _newer(error.msg, lines[row - 1])
    end = _within(lines, error.end_lineno or row, error.end_offset or column)
    return SyntaxFault(message, Span(row, column, *max(end, (row, column))))


def _within(lines: Sequence[str], row: int, column: int) -> tuple[int, int]:
    """The nearest place that there is: columns of a line that goes on in the next may be counted from the first."""
    row = min(max(row, 1), len(lines))
    return row, min(max(column, 1), len(lines[row - 1]) + 1)


def _newer(message: str, line: str) -> str:
    """What to add to a message if the line may be right in a newer Python."""
    running = sys.version_info[:2]
    needed = [version for version, pattern in _NEWER if version > running and pattern.search(line)]
    if running < _QUOTES and message.startswith("f-string"):
        needed.append(_QUOTES)
    if not needed:
        return ""
    major, minor = min(needed)
    return f" (perhaps written for Python {major}.{minor} or newer; this is Python {running[0]}.{running[1]})"
