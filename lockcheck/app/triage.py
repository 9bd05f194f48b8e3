"""Stage 6, triage: from everything the rules said to what the user is told, in one stable order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

import msgspec

from lockcheck.app.exclusion import matches
from lockcheck.app.fingerprints import numbered
from lockcheck.app.project import Project, is_within, relative_to
from lockcheck.app.selection import SYNTAX_ERROR, UNUSED, Catalogue
from lockcheck.app.suppression import Suppressed, spots, unused
from lockcheck.model.facts import Unit
from lockcheck.model.findings import Confidence, Failure, Finding, Report
from lockcheck.model.repairs import Rewrite
from lockcheck.model.source import Place, Span


def triage(
    findings: Iterable[Finding],
    failures: Iterable[Failure],
    *,
    units: Sequence[Unit],
    project: Project,
    catalogue: Catalogue,
) -> Report:
    """Select, suppress, merge and sort what was found in a project."""
    modules = {unit.path: unit.module for unit in units}
    wanted = _Selected(project, catalogue)
    raised = [*findings]
    raised += _useless(raised, units, catalogue.enabled(project.config.selections), catalogue)
    asked = [finding for finding in numbered(_in_order(set(raised)), modules) if wanted.has(finding)]
    standing = _merge(asked, catalogue)
    suppressed = Suppressed(units)
    kept = [finding for finding in standing if not suppressed.has(finding)]
    return Report(
        findings=tuple(_in_order(kept)),
        failures=tuple(of_interest(failures, project)),
        files=sum(project.covers(path) for path in modules),
    )


def syntax_errors(units: Iterable[Unit]) -> list[Finding]:
    """Report the files that are not Python."""
    return [
        Finding(
            code=SYNTAX_ERROR,
            name="syntax-error",
            message=unit.facts.fault.message,
            confidence=Confidence.HIGH,
            place=Place(unit.path, unit.facts.fault.span),
            symbol=unit.module,
            subject="syntax-error",
        )
        for unit in units
        if unit.facts.fault is not None
    ]


class _Selected:
    """Which findings the user asked for, by rule, confidence and place."""

    def __init__(self, project: Project, catalogue: Catalogue) -> None:
        self._project = project
        self._enabled = catalogue.enabled(project.config.selections)
        self._ignores = [
            (pattern, frozenset(code for selector in selectors for code in catalogue.expand(selector)))
            for pattern, selectors in project.config.per_file_ignores
        ]
        self._ignored: dict[str, frozenset[str]] = {}
        self._least: dict[str, Confidence] = {}

    def has(self, finding: Finding) -> bool:
        path = finding.place.path
        return (
            finding.code in self._enabled
            and finding.confidence >= self._least_in(path)
            and (self._project.covers(path) or any(self._project.covers(r.place.path) for r in finding.related))
            and finding.code not in self._ignored_in(path)
        )

    def _least_in(self, path: str) -> Confidence:
        """The confidence that a finding in a file must have: more in a test, unless everything is asked for."""
        if path not in self._least:
            config = self._project.config
            is_test = bool(config.test_files) and matches(list(config.test_files), self._relative(path))
            wanted = config.min_confidence
            strict = is_test and wanted > Confidence.LOW
            self._least[path] = max(wanted, config.test_confidence) if strict else wanted
        return self._least[path]

    def _relative(self, path: str) -> str:
        folder = self._project.config.folder or self._project.root
        return relative_to(path, folder) if is_within(path, folder) else path.lstrip("/")

    def _ignored_in(self, path: str) -> frozenset[str]:
        if path not in self._ignored:
            relative = self._relative(path)
            codes = [
                codes
                for pattern, codes in self._ignores
                if matches([pattern.removeprefix("!")], relative) != pattern.startswith("!")
            ]
            self._ignored[path] = frozenset[str]().union(*codes)
        return self._ignored[path]


def _merge(findings: Sequence[Finding], catalogue: Catalogue) -> list[Finding]:
    """Where rules report the same place, keep the most specific; what the others say becomes its notes."""
    supersedes = {entry.code: frozenset(entry.supersedes) for entry in catalogue.entries}
    places: dict[tuple[str, int, int], list[Finding]] = {}
    for finding in findings:
        place = finding.place
        places.setdefault((place.path, place.span.row, place.span.column), []).append(finding)
    standing: list[Finding] = []
    for here in places.values():
        codes = {finding.code for finding in here}
        beaten = {code for code in codes if any(code in supersedes.get(other, ()) for other in codes - {code})}
        winners = [finding for finding in here if finding.code not in beaten] or here
        losers = [finding for finding in here if finding not in winners]
        notes: list[list[str]] = [[] for _ in winners]
        for loser in losers:
            above = (i for i, winner in enumerate(winners) if loser.code in _below(winner.code, supersedes))
            notes[next(above, 0)].append(f"{loser.code}: {loser.message}")
        for winner, said in zip(winners, notes, strict=True):
            standing.append(msgspec.structs.replace(winner, notes=(*winner.notes, *said)))
    return standing


def _below(code: str, supersedes: Mapping[str, frozenset[str]]) -> set[str]:
    """Give the codes that a code supersedes, by way of others too."""
    reached: set[str] = set()
    pending = [code]
    while pending:
        for other in supersedes.get(pending.pop(), ()):
            if other not in reached:
                reached.add(other)
                pending.append(other)
    return reached


def _useless(
    findings: Sequence[Finding], units: Sequence[Unit], enabled: frozenset[str], catalogue: Catalogue
) -> Iterator[Finding]:
    """Report the suppressions that suppress nothing, where that is asked for."""
    if UNUSED not in enabled:
        return
    raised = spots(findings)
    for unit in units:
        for found in unused(unit, raised, enabled, catalogue) if unit.facts.comments else ():
            comment = found.comment
            place = Place(unit.path, Span(comment.row, comment.column, comment.row, comment.column + len(comment.text)))
            bare = found.directive.entries is None
            names = "it" if bare else " and ".join(f"`{entry}`" for entry in found.entries)
            yield Finding(
                UNUSED,
                "unused-noqa",
                f"nothing is reported here that {names} would suppress; take it away",
                Confidence.HIGH,
                place,
                symbol=unit.module,
                subject=" ".join(found.entries),
                repairs=(Rewrite(place, found.remaining()),),
            )


def of_interest(failures: Iterable[Failure], project: Project) -> Iterable[Failure]:
    """Drop the failures of files that the user did not ask about, and name the others as the user does."""
    for failure in failures:
        if not PurePath(failure.what).is_absolute():
            yield failure
        elif project.covers(failure.what):
            yield msgspec.structs.replace(failure, what=project.display(failure.what))


def _in_order(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Sort by place; only where all that is shown is the same, by everything else, which takes long to spell."""
    for _, group in itertools.groupby(sorted(findings, key=_order), key=_order):
        same = list(group)
        yield from sorted(same, key=repr) if len(same) > 1 else same


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    span = finding.place.span
    return (finding.place.path, span.row, span.column, finding.code, finding.message)
