"""The seven stages in one function: read, extract, link, summarise, check, triage; presenting is the caller's."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from lockcheck.analysis.link.outside import Count, Outside
from lockcheck.app.config import check_selectors
from lockcheck.app.discovery import Reading, Replacement, read
from lockcheck.app.extraction import Extraction, extract_units
from lockcheck.app.headroom import with_headroom, without_collection
from lockcheck.app.outside import outside
from lockcheck.app.project import Project
from lockcheck.app.selection import Catalogue
from lockcheck.app.suppression import unknown_rules
from lockcheck.app.triage import syntax_errors, triage
from lockcheck.app.visiting import visit_on_demand
from lockcheck.app.worker import internal_error
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.findings import Failure, Finding, Report
from lockcheck.model.settings import Settings
from lockcheck.model.source import SourceFile

if TYPE_CHECKING:
    from lockcheck.analysis.summarise import Analysis
    from lockcheck.app.cache import Memory
    from lockcheck.rules.registry import Check, Rule

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, and how much of how much is done in it."""


_T = TypeVar("_T")


class Options(msgspec.Struct, frozen=True):
    """How a run is made, none of which changes what is found."""

    jobs: int = 1
    cache: Memory | None = None
    replacements: tuple[Replacement, ...] = ()
    progress: Progress | None = None


class Outcome(msgspec.Struct, frozen=True):
    """A report, the sources and facts behind it by absolute path, and what inference by astroid had to do with it."""

    report: Report
    sources: dict[str, SourceFile]
    facts: dict[str, ModuleFacts]
    inference: Count = Count()


class Found(msgspec.Struct, frozen=True):
    """What the rules said."""

    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]


class Analysed(msgspec.Struct, frozen=True):
    """A program after the first four stages. `outside` is asked for types that the program alone does not tell."""

    reading: Reading
    extraction: Extraction
    sources: dict[str, SourceFile]
    analysis: Analysis | Failure
    outside: Outside


def check(project: Project, options: Options) -> Outcome:
    """Find the hazards in a project."""
    from lockcheck.rules.registry import all_rules

    rules = all_rules()
    catalogue = Catalogue.of(rules)
    check_selectors(project.config, catalogue)
    enabled = catalogue.enabled(project.config.selections)
    with analysed(project, options) as program:
        found = apply([rule for rule in rules if rule.code in enabled], program.analysis, options.progress)
    report = report_on(program, found, project, catalogue)
    facts = {unit.path: unit.facts for unit in program.extraction.units}
    return Outcome(report, program.sources, facts, program.outside.count(report.findings))


@contextlib.contextmanager
def analysed(project: Project, options: Options) -> Generator[Analysed, None, None]:
    """Read, extract, link and summarise a project, for as long as somebody asks what came of it."""
    from lockcheck.analysis.link import link
    from lockcheck.analysis.summarise import summarise
    from lockcheck.app.library import library

    known = library(project.config)
    tell = options.progress or _silent
    tell("reading", 0, 1)
    reading = read(project, options.replacements)
    extraction = with_headroom(
        lambda: extract_units(
            reading.sources,
            jobs=options.jobs,
            cache=options.cache,
            progress=lambda done, total: tell("extracting", done, total),
        )
    )
    tell("linking", 0, 1)
    sources = {source.path: source for source in reading.sources}
    settings = Settings(lock_order=project.config.lock_order)
    visit = visit_on_demand(sources, options.cache)
    second = outside(sources, project.config.python_path)
    with without_collection(), contextlib.closing(second):
        analysis = attempt(
            "linking", lambda: with_headroom(lambda: summarise(link(extraction.units, known, visit), second, settings))
        )
        yield Analysed(reading, extraction, sources, analysis, second)


def apply(rules: Sequence[Rule], analysis: Analysis | Failure, progress: Progress | None = None) -> Found:
    """Ask the rules."""
    return with_headroom(lambda: _apply(rules, analysis, progress or _silent))


def early_failures(program: Analysed, project: Project) -> tuple[Failure, ...]:
    """Give what could not be done before any rule was asked."""
    from lockcheck.app.library import unknown_names

    named = unknown_names(program.analysis, project.config)
    return (*program.reading.failures, *program.extraction.failures, *named)


def report_on(program: Analysed, found: Found, project: Project, catalogue: Catalogue) -> Report:
    """Tell from all that was found what the user wants to know."""
    units = program.extraction.units
    return triage(
        [*syntax_errors(units), *unknown_rules(units, catalogue), *found.findings],
        [*early_failures(program, project), *found.failures],
        units=units,
        project=project,
        catalogue=catalogue,
    )


def _apply(rules: Sequence[Rule], analysis: Analysis | Failure, tell: Progress) -> Found:
    """Ask every rule, if there is an analysis to ask about."""
    if isinstance(analysis, Failure):
        return Found((), (analysis,))
    findings: list[Finding] = []
    failures: list[Failure] = []
    for number, rule in enumerate(rules):
        tell("checking", number, len(rules))
        if rule.check is None:
            continue
        found = attempt(f"rule {rule.code}", functools.partial(_findings, rule.check, analysis))
        if isinstance(found, Failure):
            failures.append(found)
        else:
            findings.extend(found)
    return Found(tuple(findings), tuple(failures))


def _findings(check: Check, analysis: Analysis) -> tuple[Finding, ...]:
    return tuple(check(analysis))


def attempt(what: str, action: Callable[[], _T]) -> _T | Failure:
    """Do what may have a bug: one that raises is one failure, and the others go on."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - one of the two named places: a bug costs one rule
        return Failure(what, internal_error(error))


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""
