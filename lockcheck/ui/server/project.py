"""The programs of an editor: which there are, what the last analysis of one said, and fixes on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from lockcheck.app.cache import Cache
from lockcheck.app.decoding import with_newlines
from lockcheck.app.discovery import Replacement
from lockcheck.app.exclusion import Exclusion, is_left_out_below
from lockcheck.app.fixing import with_fixes
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project, is_within, locate
from lockcheck.app.run import Options, Outcome
from lockcheck.model.findings import Failure, Finding
from lockcheck.ui.server.positions import Lines


class Text(msgspec.Struct, frozen=True):
    """What an open document says, and which version of it that is, if the editor counts them."""

    content: str
    version: int | None


def programs(folders: Sequence[str], open_files: Sequence[str]) -> dict[str, list[str]]:
    """Give the open files of each program by its folder.

    A file outside all folders, such as one of a library that is looked up, is no part of what is worked on.
    """
    found: dict[str, list[str]] = {folder: [] for folder in folders}
    for path in sorted(open_files):
        folder = owner(folders, path)
        if folder is not None:
            found.setdefault(folder, []).append(path)
    return found


def owner(folders: Sequence[str], path: str) -> str | None:
    """Give the innermost folder that a file lies in. Without any folder the open files are a program of no name."""
    return max((folder for folder in folders if is_within(path, folder)), key=len, default=None) if folders else ""


class View:
    """What one analysis found, with the texts that it saw, and the versions of those that were open."""

    def __init__(self, project: Project, outcome: Outcome, versions: Mapping[str, int | None]) -> None:
        """Sort the findings by file."""
        self.project = project
        self.outcome = outcome
        self.versions = versions
        self.findings: dict[str, list[Finding]] = {}
        for finding in outcome.report.findings:
            self.findings.setdefault(finding.place.path, []).append(finding)
        self._lines: dict[str, Lines] = {}
        self._fixed: dict[tuple[Finding, ...], tuple[Finding, ...]] = {}

    def text(self, path: str) -> str | None:
        """Give the text of a file as it was analysed."""
        source = self.outcome.sources.get(path)
        return source.text if source is not None else None

    def lines(self, path: str) -> Lines:
        """Give the lines of a file as it was analysed."""
        if path not in self._lines:
            self._lines[path] = Lines(self.text(path) or "")
        return self._lines[path]

    def with_fixes(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Give findings with their fixes. Each costs time, so only those that are asked about are worked out."""
        if findings not in self._fixed:
            own = msgspec.structs.replace(self.outcome.report, findings=findings)
            outcome = with_fixes(msgspec.structs.replace(self.outcome, report=own), self.project)
            self._fixed[findings] = outcome.report.findings
        return self._fixed[findings]


class Analyser:
    """Analyses one program of an editor, again and again; facts of texts that stay are kept."""

    def __init__(self, folder: str, cache_folder: str, jobs: int) -> None:
        """Nothing is read before the first analysis."""
        self.folder = folder
        self._cache_folder = cache_folder
        self._jobs = jobs
        self._has_finished = False

    @cached_property
    def _cache(self) -> Cache:
        return Cache(Path(self._cache_folder), self.folder)

    def analyse(self, texts: Mapping[str, Text]) -> View:
        """Analyse the project with the texts of open files in place of what is on the disk.

        The configuration is read anew. Raises `ConfigError` where it cannot be obeyed.
        """
        given = [self.folder] if self.folder else list(texts)
        project = locate(given, here=self.folder or str(Path(given[0]).parent))
        replacements = tuple(
            Replacement(path, with_newlines(text.content))
            for path, text in texts.items()
            if not (self.folder and _is_left_out(path, project))
        )
        if self._has_finished:
            self._cache.turn()  # or each word that is typed would stay in memory, and in the cache
        self._has_finished = False
        outcome = check(project, Options(self._jobs, self._cache, replacements))
        self._has_finished = True
        return View(project, outcome, {path: text.version for path, text in texts.items()})

    def close(self) -> Failure | None:
        """Keep the facts for the next time."""
        return self._cache.save()


def _is_left_out(path: str, project: Project) -> bool:
    """Whether the project leaves a file out: opening it does not make it a part."""
    if project.apart:
        return False  # all of it is left out, and the editor works on it all the same
    return is_left_out_below(project.root, path, Exclusion(project.config, project.root, project.boundary))
