"""`# noqa` comments: what a user wants not to hear about, as flake8 reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from lockcheck.model.facts import Comment

_ENTRY = r"(?:[A-Z]+[0-9]+|[a-z]+(?:-[a-z]+)+)"
_ENTRIES = rf"(?P<entries>{_ENTRY}(?:(?:\s*,\s*|\s+){_ENTRY})*)"
_LINE = re.compile(rf"#\s*noqa\b(?::\s?{_ENTRIES})?", re.IGNORECASE)
_FILE = re.compile(rf"#\s*(?:flake8|lockcheck)[:=]\s*noqa\b(?::\s?{_ENTRIES})?\s*$", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+")


class Suppression(msgspec.Struct, frozen=True):
    """Rows of a file, from first to last, on which some rules (None: all) are not reported."""

    first_row: int
    last_row: int
    entries: tuple[str, ...] | None

    def covers(self, row: int, code: str, name: str) -> bool:
        """Whether a report in this row is suppressed. An entry is a name, a code, or the beginning of codes."""
        if not self.first_row <= row <= self.last_row:
            return False
        if self.entries is None:
            return True
        return any(code.startswith(entry.upper()) or name == entry.lower() for entry in self.entries)


def suppressions(comments: Sequence[Comment], lines: int) -> tuple[Suppression, ...]:
    """Read the comments of a file that has so many lines."""
    found: list[Suppression] = []
    for comment in comments:
        whole_file = _FILE.search(comment.text)
        if whole_file is not None:
            found.append(Suppression(1, max(lines, 1), _entries(whole_file)))
            continue
        line = _LINE.search(comment.text)
        if line is not None:
            found.append(Suppression(comment.first_row, comment.last_row, _entries(line)))
    return tuple(found)


def _entries(match: re.Match[str]) -> tuple[str, ...] | None:
    entries = match["entries"]
    return tuple(_SEPARATOR.split(entries)) if entries else None
