"""What renderers may know beside the report: how files are called and what is in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from lockcheck.app.project import Project
from lockcheck.model.source import SourceFile


class View:
    """The sources of a run, as its user sees them."""

    def __init__(
        self, project: Project, sources: Mapping[str, SourceFile], *, colour: bool = False, width: int = 120
    ) -> None:
        """Take the project and its sources; `width` is where lines should end, where they can."""
        self._project = project
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


def visible(text: str) -> str:
    """Escape what a terminal would obey rather than show: control and direction characters, lone surrogates."""
    return "".join(character if _is_harmless(character) else _escaped(character) for character in text)


def _is_harmless(character: str) -> bool:
    return " " <= character <= "~" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
