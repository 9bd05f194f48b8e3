"""The options of the plugin of flake8: what it shows in its help, and what they mean for a run."""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from flake8.style_guide import Decision, DecisionEngine
from flake8.utils import stdin_get_value

from lockcheck.app.config import ConfigError, confidence, unknown_rule
from lockcheck.app.discovery import Replacement
from lockcheck.app.project import Project, absolute, locate
from lockcheck.app.rulebook import rulebook
from lockcheck.app.run import Options
from lockcheck.app.selection import SYNTAX_ERROR, Catalogue, Selection
from lockcheck.app.store import cache_folder
from lockcheck.app.table import CONFIDENCES

if TYPE_CHECKING:
    from flake8.options.manager import OptionManager

PATIENCE = 120.0
"""Seconds for which a run waits for another one that analyses the same program."""


def add_options(manager: OptionManager) -> None:
    """Declare the options. What is trusted, a folder to write to, comes from the command line only."""
    for name, metavar, text in (
        ("select", "RULES", "only these rules, in place of what lockcheck's configuration selects: codes or names"),
        ("extend-select", "RULES", "these rules of lockcheck too: codes, beginnings of codes or names"),
        ("ignore", "RULES", "not these rules of lockcheck: codes, beginnings of codes or names"),
    ):
        manager.add_option(
            f"--lockcheck-{name}",
            metavar=metavar,
            default=None,
            parse_from_config=True,
            comma_separated_list=True,
            help=text,
        )
    manager.add_option(
        "--lockcheck-min-confidence",
        metavar="LEVEL",
        default=None,
        parse_from_config=True,
        help=f"show what lockcheck is at least so certain of: {', '.join(CONFIDENCES)}",
    )
    manager.add_option(
        "--lockcheck-config",
        metavar="FILE",
        default=None,
        parse_from_config=True,
        normalize_paths=True,
        help="lockcheck's configuration, in place of the nearest one",
    )
    manager.add_option(
        "--lockcheck-isolated",
        action="store_true",
        default=False,
        parse_from_config=True,
        help="use no configuration of lockcheck",
    )
    manager.add_option(
        "--lockcheck-wait",
        metavar="SECONDS",
        type=float,
        default=PATIENCE,
        help="how long to wait for another flake8 that analyses the same program (default: 120)",
    )
    manager.add_option("--lockcheck-cache-dir", metavar="FOLDER", default=None, help="where lockcheck keeps facts")
    manager.add_option(
        "--lockcheck-no-cache", action="store_true", default=False, help="keep nothing, and share nothing with others"
    )


class Asked(msgspec.Struct, frozen=True):
    """What flake8 was asked for, as far as it concerns lockcheck.

    `engine` decides as flake8 does which codes it shows; `folder` is where runs share what they find.
    """

    given: argparse.Namespace
    here: str
    engine: DecisionEngine
    options: Options
    folder: Path | None
    patience: float

    @classmethod
    def of(cls, given: argparse.Namespace, here: str) -> Asked:
        """Understand flake8's options."""
        replacements: tuple[Replacement, ...] = ()
        if "-" in given.filenames:
            text = stdin_get_value().removeprefix("\ufeff")
            replacements = (Replacement(absolute(_name_of_stdin(given), here), text),)
        folder = None
        if not given.lockcheck_no_cache:
            named = given.lockcheck_cache_dir
            folder = Path(named) if named is not None else cache_folder(dict(os.environ))
        jobs = multiprocessing.cpu_count() if given.jobs.is_auto else max(given.jobs.n_jobs, 1)
        options = Options(jobs=jobs, replacements=replacements, heeds_comments=not given.disable_noqa)
        return cls(given, here, DecisionEngine(given), options, folder, given.lockcheck_wait)

    def paths(self, files: Sequence[str]) -> list[str]:
        """Give what flake8 checks, its standard input by the name that it shows."""
        return [_name_of_stdin(self.given) if file == "-" else file for file in files or ["."]]

    def project(self, paths: Sequence[str]) -> Project:
        """Find the project of some paths. What flake8 leaves out is left out before reports of one place are joined."""
        given = self.given
        isolated: bool = given.lockcheck_isolated
        project = locate(paths, here=self.here, config_file=given.lockcheck_config, isolated=isolated)
        catalogue = Catalogue.of(rulebook(project).rules)
        asked = Selection(
            tuple(given.lockcheck_select) if given.lockcheck_select is not None else None,
            (*(given.lockcheck_extend_select or ()), *self._named(catalogue)),
            tuple(given.lockcheck_ignore or ()),
        )
        for key, selector in asked.selectors():
            if not catalogue.expand(selector):
                raise ConfigError(unknown_rule(f"--lockcheck-{key}", selector, catalogue))
        hidden = Selection(ignore=tuple(entry.code for entry in catalogue.entries if self._is_hidden(entry.code)))
        config = project.config
        config = msgspec.structs.replace(config, selections=(*config.selections, asked, hidden))
        word: str | None = given.lockcheck_min_confidence
        if word is not None:
            level = confidence(word)
            if level is None:
                raise ConfigError(
                    f"--lockcheck-min-confidence: there is no level `{word}`, but {', '.join(CONFIDENCES)}"
                )
            config = msgspec.structs.replace(config, min_confidence=level)
        return msgspec.structs.replace(project, config=config)

    def wants(self, project: Project) -> bool:
        """Whether flake8 would show anything that could be found."""
        enabled = Catalogue.of(rulebook(project).rules).enabled(project.config.selections)
        return not self.given.bug_report and bool(enabled - {SYNTAX_ERROR})

    def _named(self, catalogue: Catalogue) -> list[str]:
        """Rules that flake8's own selection names in full: who names a rule wants it, be it on by default or not."""
        named = {*(self.given.select or ()), *(self.given.extend_select or ())}
        return [entry.code for entry in catalogue.entries if entry.code in named]

    def _is_hidden(self, code: str) -> bool:
        return self.engine.decision_for(code) is not Decision.Selected


def _name_of_stdin(given: argparse.Namespace) -> str:
    name: str = given.stdin_display_name
    return name
