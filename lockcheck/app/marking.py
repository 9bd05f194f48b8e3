"""`# noqa` comments for findings that are put up with: where each may stand, and how it joins what stands there."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Mapping

import msgspec

from lockcheck.app.directives import directives
from lockcheck.app.project import Project
from lockcheck.app.selection import SYNTAX_ERROR, UNUSED
from lockcheck.model.findings import Finding
from lockcheck.model.source import Place, SourceFile

_UNMARKED = frozenset({SYNTAX_ERROR, UNUSED})
"""What is not put up with by a comment: there is no line to write it on, or it is about such a comment."""

_OPENING = frozenset({"FSTRING_START", "TSTRING_START"})
_CLOSING = frozenset({"FSTRING_END", "TSTRING_END"})


class Marked(msgspec.Struct, frozen=True):
    """New texts by absolute path, how many lines have a new comment or code, and the findings that got none."""

    texts: dict[str, str]
    lines: int
    left: tuple[Finding, ...]


def marked(findings: Iterable[Finding], sources: Mapping[str, SourceFile], project: Project, reason: str) -> Marked:
    """Write a comment behind each finding, once for each line; what files hold already is kept.

    A finding that stands in a file nobody asked about is marked at its other end, if that lies in one.
    """
    wanted: dict[str, dict[int, set[str]]] = {}
    left: list[Finding] = []
    for finding in findings:
        place = _place(finding, project)
        if place is None or place.path not in sources:
            left.append(finding)
        else:
            wanted.setdefault(place.path, {}).setdefault(place.span.row, set()).add(finding.code)
    texts: dict[str, str] = {}
    count = 0
    for path, rows in wanted.items():
        lines = _Lines(sources[path].text)
        for row, codes in lines.gathered(rows).items():
            count += lines.mark(row, sorted(codes), reason)
        texts[path] = lines.text()
    return Marked(texts, count, tuple(left))


def _place(finding: Finding, project: Project) -> Place | None:
    if finding.code in _UNMARKED:
        return None
    places = [finding.place, *(related.place for related in finding.related if related.end)]
    return next((place for place in places if project.covers(place.path)), None)


class _Lines:
    """The lines of a text, with their comments, and the rows behind which no comment can stand."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._comments: dict[int, int] = {}
        self._goes_on: dict[int, int] = {}
        open_rows: list[int] = []
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            name, first, last = tokenize.tok_name[token.type], token.start[0], token.end[0]
            if token.type == tokenize.COMMENT:
                self._comments[first] = token.start[1]
            elif token.type == tokenize.STRING:
                self._join(first, last)
            elif name in _OPENING:
                open_rows.append(first)
            elif name in _CLOSING:
                self._join(open_rows.pop(), last)

    def _join(self, first: int, last: int) -> None:
        for row in range(first, last):
            self._goes_on[row] = max(last, self._goes_on.get(row, 0))

    def gathered(self, rows: Mapping[int, set[str]]) -> dict[int, set[str]]:
        """Give the codes by the row behind which their comment can stand: the end of a string or of a continuation."""
        found: dict[int, set[str]] = {}
        for row in sorted(rows):
            found.setdefault(self._end(row), set()).update(rows[row])
        return found

    def _end(self, row: int) -> int:
        while True:
            if row in self._goes_on:
                row = self._goes_on[row]
            elif row not in self._comments and row < len(self._lines) and self._lines[row - 1].endswith("\\"):
                row += 1
            else:
                return row

    def mark(self, row: int, codes: list[str], reason: str) -> bool:
        """Add codes to the `noqa` of a line, or a `noqa` to the line; tell whether anything is new."""
        line = self._lines[row - 1]
        start = self._comments.get(row, len(line))
        comment = line[start:]
        for directive in directives(comment):
            if directive.entries and not directive.whole_file and not directive.own:
                new = [code for code in codes if code not in directive.entries]
                more = "".join(f", {code}" for code in new)
                self._lines[row - 1] = f"{line[:start]}{comment[: directive.last]}{more}{comment[directive.last :]}"
                return bool(new)
        behind = f" {reason}" if reason else ""
        self._lines[row - 1] = f"{line.rstrip()}  # noqa: {', '.join(codes)}{behind}"
        return True

    def text(self) -> str:
        """Give the text as it is now."""
        return "\n".join(self._lines)
