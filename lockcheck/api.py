"""The interface for programs: what `import lockcheck` offers. All of it is documented in `docs/api.md`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lockcheck.app.config import Config, ConfigError, load_config, make_config
from lockcheck.app.discovery import Replacement
from lockcheck.app.pipeline import check as run
from lockcheck.app.project import Project, absolute, locate
from lockcheck.app.run import Options
from lockcheck.model.errors import LockcheckError, RuleError
from lockcheck.model.findings import Confidence, Edit, Failure, Finding, Fix, LockNote, Related, Report
from lockcheck.model.source import Place, Span
from lockcheck.rules.registry import rule

if TYPE_CHECKING:
    from lockcheck.analysis.summarise import Analysis

__all__ = [
    "Analysis",
    "Confidence",
    "Config",
    "ConfigError",
    "Edit",
    "Failure",
    "Finding",
    "Fix",
    "LockNote",
    "LockcheckError",
    "Place",
    "Related",
    "Report",
    "RuleError",
    "Span",
    "check",
    "rule",
]

StrPath: TypeAlias = "str | os.PathLike[str]"


def check(
    paths: StrPath | Iterable[StrPath] = ".",
    config: Config | Mapping[str, object] | StrPath | None = None,
    *,
    texts: Mapping[str, str] | None = None,
    fixes: bool = False,
    jobs: int = 1,
    cache_dir: StrPath | None = None,
) -> Report:
    """Find the hazards in the program that the paths belong to, and report those that touch the paths.

    It can be called from anywhere: a script without a guard, a notebook, a thread. Nothing is printed, nothing that is
    checked is executed, and nothing is written but the cache, where there is one.

    Args:
        paths: Files and folders to report on, absolute or relative to the current folder. The whole project that they
            belong to is analysed, as by the command. For no path at all, the report is empty.
        config: What is to be obeyed in place of the nearest configuration file: a file, or a mapping with the keys of
            `[tool.lockcheck]`, in which paths are relative to the current folder. `{}` stands for the defaults.
        texts: Contents that stand for files, by path, such as the buffers of an editor. The files need not exist.
        fixes: Work out the `fix` of each finding too. Nothing is changed.
        jobs: How many worker processes may read at the same time.
        cache_dir: A folder for facts that the next call can use; without one, every file is read anew.

    Returns:
        Findings in a stable order, and what could not be done, as values: look at `Report.failures` before you call a
        program clean.

    Raises:
        ConfigError: The configuration can't be read, or has a key, value or rule that there is not.
        RuleError: Rules of installed packages can't be told apart.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        return Report((), (), 0)
    here = str(Path.cwd())
    project = locate([os.fspath(path) for path in given], here=here, config=_config(config, here))
    replacements = tuple(Replacement(absolute(path, here), text) for path, text in (texts or {}).items())
    return _report(project, Options(jobs=jobs, replacements=replacements), cache_dir, fixes=fixes)


def _report(project: Project, options: Options, cache_dir: StrPath | None, *, fixes: bool) -> Report:
    cache = None
    if cache_dir is not None:
        from lockcheck.app.cache import Cache

        cache = Cache(Path(cache_dir), project.root)
        options = msgspec.structs.replace(options, cache=cache)
    outcome = run(project, options)
    if fixes:
        from lockcheck.app.fixing import with_fixes

        outcome = with_fixes(outcome, project, jobs=options.jobs, cache=options.cache)
    if cache is not None and not options.replacements:
        cache.save()  # failing that costs time in the next call only
    return outcome.report


def _config(config: Config | Mapping[str, object] | StrPath | None, here: str) -> Config | None:
    if config is None or isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return make_config(config, Path(here))
    return load_config(Path(absolute(os.fspath(config), here)))


def __getattr__(name: str) -> object:
    """Load the analysis, which only those who write rules name, when it is named."""
    if name == "Analysis":
        from lockcheck.analysis.summarise import Analysis

        return Analysis
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
