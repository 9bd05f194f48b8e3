"""What renderers may know beside the report: how files are called and what is in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from lockcheck.app.project import Project, relative_to
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.source import SourceFile

_SURROGATE = re.compile("[\ud800-\udfff]")


class View:
    """The sources of a run, as its user sees them."""

    def __init__(
        self,
        project: Project,
        sources: Mapping[str, SourceFile],
        *,
        colour: bool = False,
        width: int = 120,
        closing: bool = True,
        repository: str | None = None,
    ) -> None:
        """Take the project and its sources.

        `width` is where lines should end, where they can; `closing` is whether a line for people may end the report;
        `repository` is the folder that paths are relative to in a report for a server, where that is known.
        """
        self._project = project
        self._repository = repository
        self.closing = closing
        self.root = project.boundary
        self._sources = sources
        self._lines: dict[str, list[str]] = {}
        self.colour = colour
        self.width = width

    def display(self, path: str) -> str:
        """Give a path as the user would name it, safe to print."""
        return visible(self._project.display(path))

    def line(self, path: str, row: int) -> str | None:
        """Give a line of a source, None where there is none."""
        if path not in self._lines:
            source = self._sources.get(path)
            self._lines[path] = source.text.split("\n") if source is not None else []
        lines = self._lines[path]
        return lines[row - 1] if 1 <= row <= len(lines) else None

    def text(self, path: str) -> str | None:
        """Give the text of a source, None where there is none."""
        source = self._sources.get(path)
        return source.text if source is not None else None

    def before(self, path: str, row: int, column: int) -> str | None:
        """Give what stands in a line before a column, None where the source is not at hand."""
        line = self.line(path, row)
        return None if line is None else line[: column - 1]

    def in_repository(self, path: str) -> str:
        """Give a path as a server knows it: from the root of the repository, with slashes."""
        return PurePath(relative_to(path, self._repository or self._project.here)).as_posix()


def severity(finding: Finding) -> Literal["error", "warning"]:
    """Give how grave a finding is: what is certain is an error."""
    return "error" if finding.confidence is Confidence.HIGH else "warning"


def storable(text: str) -> str:
    """Give a text that UTF-8 can carry: file names may hold bytes that are no text."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def visible(text: str) -> str:
    """Escape what a terminal would obey rather than show: control and direction characters, lone surrogates."""
    return "".join(character if _is_harmless(character) else _escaped(character) for character in text)


def _is_harmless(character: str) -> bool:
    return " " <= character <= "~" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
