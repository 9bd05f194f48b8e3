"""The seven stages in one function: read, extract, link, summarise, check, triage; presenting is the caller's."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from lockcheck.analysis.link.outside import Outside
from lockcheck.app.attempt import attempt
from lockcheck.app.config import check_selectors
from lockcheck.app.cut_off import cut_off
from lockcheck.app.discovery import Reading, read
from lockcheck.app.extraction import Extraction, extract_units
from lockcheck.app.headroom import with_headroom, without_collection
from lockcheck.app.outside import outside
from lockcheck.app.past import recalled
from lockcheck.app.project import Project
from lockcheck.app.rulebook import Rulebook, rulebook
from lockcheck.app.run import Options, Outcome, Progress
from lockcheck.app.selection import Catalogue
from lockcheck.app.suppression import invalid
from lockcheck.app.timing import Timing
from lockcheck.app.triage import syntax_errors, triage
from lockcheck.app.visiting import visit_on_demand
from lockcheck.model.facts import Unit
from lockcheck.model.findings import Failure, Finding, Report
from lockcheck.model.settings import Settings
from lockcheck.model.source import SourceFile

if TYPE_CHECKING:
    from lockcheck.analysis.summarise import Analysis
    from lockcheck.app.past import Past
    from lockcheck.app.visiting import Visit
    from lockcheck.knowledge.load import Library
    from lockcheck.rules.registry import Check, Rule


class Found(msgspec.Struct, frozen=True):
    """What the rules said; it `is_doubtful` where one of our own failed."""

    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    is_doubtful: bool = False


class Analysed(msgspec.Struct, frozen=True):
    """A program after the first four stages, and the rules for it.

    `outside` is asked for types that the program alone does not tell. Whether the run `heeds_comments` decides what is
    suppressed.
    """

    reading: Reading
    extraction: Extraction
    sources: dict[str, SourceFile]
    analysis: Analysis | Failure
    outside: Outside
    book: Rulebook
    heeds_comments: bool


def check(project: Project, options: Options, book: Rulebook | None = None) -> Outcome:
    """Find the hazards in a project, by the rules that there are if none are given."""
    book = rulebook(project) if book is None else book
    rules = book.rules
    catalogue = Catalogue.of(rules)
    check_selectors(project.config, catalogue)
    enabled = catalogue.enabled(project.config.selections)
    asked = [rule for rule in rules if rule.code in enabled]
    with analysed(project, options, book) as program:
        found = apply(asked, program.analysis, options)
    if found.is_doubtful and options.cache is not None:
        options.cache.forget()  # what somebody has made up, it may be: the texts decide
        with analysed(project, options, book) as program:
            found = apply(asked, program.analysis, options)
    with options.timing.stage("triage"):
        report = report_on(program, found, project, catalogue)
    options.timing.count("triage", "findings shown", len(report.findings))
    facts = {unit.path: unit.facts for unit in program.extraction.units}
    return Outcome(report, program.sources, facts, program.outside.count(report.findings))


@contextlib.contextmanager
def analysed(project: Project, options: Options, book: Rulebook) -> Generator[Analysed, None, None]:
    """Read, extract, link and summarise a project, for as long as somebody asks what came of it."""
    timing = options.timing
    with timing.stage("loading"):
        from lockcheck.app.library import library

        known = library(project.config)
    tell = options.progress or _silent
    reading = _read(project, options)
    extraction = _extract(reading, options)
    tell("linking", 0, 1)
    sources = {source.path: source for source in reading.sources}
    settings = Settings(lock_order=project.config.lock_order)
    visit = visit_on_demand(sources, options.cache)
    second = outside(sources, project.config.python_path)

    def analyse() -> Analysis | Failure:
        past = recalled(project, options.cache, extraction.units, sources)
        return attempt(
            "linking",
            lambda: with_headroom(lambda: _analyse(extraction.units, known, visit, second, settings, past, timing)),
        )

    with without_collection(), contextlib.closing(second):
        analysis = analyse()
        if isinstance(analysis, Failure) and options.cache is not None:
            options.cache.forget()  # facts that somebody has made up, it may be: the texts decide
            extraction = _extract(reading, options)
            analysis = analyse()
        yield Analysed(reading, extraction, sources, analysis, second, book, options.heeds_comments)


def _read(project: Project, options: Options) -> Reading:
    if options.reading is not None:
        return options.reading
    (options.progress or _silent)("reading", 0, 1)
    with options.timing.stage("reading"):
        reading = read(project, options.replacements)
    options.timing.count("reading", "files", len(reading.sources))
    return reading


def _extract(reading: Reading, options: Options) -> Extraction:
    tell = options.progress or _silent
    with options.timing.stage("extracting"):
        extraction = with_headroom(
            lambda: extract_units(
                reading.sources,
                jobs=options.jobs,
                cache=options.cache,
                progress=lambda done, total: tell("extracting", done, total),
                executor=options.executor,
            )
        )
    options.timing.count("extracting", "from the cache", extraction.known)
    options.timing.count("extracting", "extracted", len(reading.sources) - extraction.known)
    return extraction


def _analyse(
    units: Sequence[Unit],
    known: Library,
    visit: Visit,
    second: Outside,
    settings: Settings,
    past: Past | None,
    timing: Timing,
) -> Analysis:
    with timing.stage("loading"):
        from lockcheck.analysis.link import link
        from lockcheck.analysis.summarise import summarise
    with timing.stage("linking"):
        program = link(units, known, visit)
    timing.count("linking", "functions", len(program.functions))
    with timing.stage("summarising"):
        analysis = summarise(program, second, settings, past)
    timing.count("summarising", "functions", len(analysis.results))
    timing.count("summarising", "followed in this run", analysis.engine.followed)
    return analysis


def apply(rules: Sequence[Rule], analysis: Analysis | Failure, options: Options) -> Found:
    """Ask the rules."""
    with options.timing.stage("checking"):
        found = with_headroom(lambda: _apply(rules, analysis, options.progress or _silent, options.timing))
    options.timing.count("checking", "rules", len(rules))
    return found


def shortcomings(program: Analysed, project: Project) -> tuple[Failure, ...]:
    """Give what could not be done: beside the rules that failed, all of it, as far as it has been asked for."""
    from lockcheck.app.library import unknown_names

    named = unknown_names(program.analysis, project.config)
    spent = cut_off(program.analysis)
    return (*program.book.failures, *program.reading.failures, *program.extraction.failures, *named, *spent)


def report_on(program: Analysed, found: Found, project: Project, catalogue: Catalogue) -> Report:
    """Tell from all that was found what the user wants to know."""
    units = program.extraction.units
    return triage(
        [*syntax_errors(units), *invalid(units, catalogue), *found.findings],
        [*shortcomings(program, project), *found.failures],
        units=units if program.heeds_comments else _without_comments(units),
        project=project,
        catalogue=catalogue,
    )


def _without_comments(units: Sequence[Unit]) -> list[Unit]:
    return [msgspec.structs.replace(unit, facts=msgspec.structs.replace(unit.facts, comments=())) for unit in units]


def _apply(rules: Sequence[Rule], analysis: Analysis | Failure, tell: Progress, timing: Timing) -> Found:
    """Ask every rule, if there is an analysis to ask about."""
    if isinstance(analysis, Failure):
        return Found((), (analysis,))
    findings: list[Finding] = []
    failures: list[Failure] = []
    is_doubtful = False
    for number, rule in enumerate(rules):
        tell("checking", number, len(rules))
        if rule.check is None:
            continue
        action = functools.partial(_findings, rule, rule.check, analysis)
        with timing.stage(rule.code, within="checking"):
            if rule.package:
                found = attempt(f"rule {rule.code} of {rule.package}", action, functools.partial(_foreign_error, rule))
            else:
                found = attempt(f"rule {rule.code}", action)
        if isinstance(found, Failure):
            failures.append(found)
            is_doubtful = is_doubtful or not rule.package
        else:
            findings.extend(found)
    return Found(tuple(findings), tuple(failures), is_doubtful)


def _findings(rule: Rule, check: Check, analysis: Analysis) -> tuple[Finding, ...]:
    findings = tuple(check(analysis))
    if rule.package:
        for one in cast("tuple[object, ...]", findings):  # others need not keep to the types
            if not isinstance(one, Finding) or (one.code, one.name) != (rule.code, rule.name):
                raise TypeError(f"it reports what is no finding of {rule.code} {rule.name}")
    return findings


def _foreign_error(rule: Rule, error: Exception) -> str:
    what = next(iter(f"{type(error).__name__}: {error}".splitlines()))
    return f"raised {what}; tell the authors of {rule.package}, and leave the rule out by `--ignore {rule.code}` until then"


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""
