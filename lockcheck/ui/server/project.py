"""One project of an editor: its open texts, what the last analysis said, and fixes on request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from lockcheck.app.cache import Cache
from lockcheck.app.discovery import Replacement
from lockcheck.app.fixing import with_fixes
from lockcheck.app.pipeline import Options, Outcome, check
from lockcheck.app.project import Project, locate
from lockcheck.model.findings import Finding
from lockcheck.ui.server.positions import Lines


class View:
    """What one analysis found, with the texts that it saw."""

    def __init__(self, project: Project, outcome: Outcome) -> None:
        """Sort the findings by file."""
        self.project = project
        self.outcome = outcome
        self.findings: dict[str, list[Finding]] = {}
        for finding in outcome.report.findings:
            self.findings.setdefault(finding.place.path, []).append(finding)
        self._lines: dict[str, Lines] = {}
        self._fixed: dict[str, tuple[Finding, ...]] = {}

    def text(self, path: str) -> str | None:
        """Give the text of a file as it was analysed."""
        source = self.outcome.sources.get(path)
        return source.text if source is not None else None

    def lines(self, path: str) -> Lines:
        """Give the lines of a file as it was analysed."""
        if path not in self._lines:
            self._lines[path] = Lines(self.text(path) or "")
        return self._lines[path]

    def with_fixes(self, path: str) -> tuple[Finding, ...]:
        """Give the findings of a file with their fixes."""
        if path not in self._fixed:
            own = msgspec.structs.replace(self.outcome.report, findings=tuple(self.findings.get(path, ())))
            outcome = with_fixes(msgspec.structs.replace(self.outcome, report=own), self.project)
            self._fixed[path] = outcome.report.findings
        return self._fixed[path]


class Analyser:
    """Analyses one folder of an editor, again and again; facts of texts that stay are kept."""

    def __init__(self, folder: str, cache_folder: str, jobs: int) -> None:
        """Nothing is read before the first analysis."""
        self.folder = folder
        self._cache_folder = cache_folder
        self._jobs = jobs

    @cached_property
    def _cache(self) -> Cache:
        from pathlib import Path

        return Cache(Path(self._cache_folder), self.folder)

    def analyse(self, texts: Mapping[str, str]) -> View:
        """Analyse the project with the texts of open files in place of what is on the disk.

        The configuration is read anew. Raises `ConfigError` where it cannot be obeyed.
        """
        project = locate([self.folder], here=self.folder)
        replacements = tuple(Replacement(path, text) for path, text in texts.items())
        return View(project, check(project, Options(self._jobs, self._cache, replacements)))

    def close(self) -> None:
        """Keep the facts for the next time."""
        self._cache.save()
