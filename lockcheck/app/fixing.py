"""Fixes on request: what would repair each finding, and as many of them made as can be, in turns.

What a turn has changed is analysed again as a whole: a fix whose finding is still there, or that brings a new one, is
taken back. Analysing is what costs time, so as many fixes as possible share one: a turn makes all that are not in each
other's way, and those that seem to be at fault are tried together once more, in halves where that stays unclear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from lockcheck.app.cache import Memory
from lockcheck.app.discovery import Replacement
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project
from lockcheck.app.proposing import Proposals
from lockcheck.app.rulebook import rulebook
from lockcheck.app.run import Options, Outcome
from lockcheck.app.selection import Catalogue
from lockcheck.app.suppression import suppressions
from lockcheck.model.findings import Applicability, Finding, Fix
from lockcheck.model.repairs import Advise, Repair

_TURNS = 20
"""More than fixes ever followed one another; a bound, should two undo each other."""


Key: TypeAlias = "tuple[str, str, str, str]"
"""What a finding is known by in all turns: its code, its file, the function it stands in and what collides."""

Tried: TypeAlias = "dict[Key, set[type[Repair]]]"
"""The sorts of repair that did not help."""


class Made(msgspec.Struct, frozen=True):
    """A fix that was made, and the finding that it repairs, both as they stood when `turn` others had been written."""

    finding: Finding
    fix: Fix
    turn: int


class TakenBack(msgspec.Struct, frozen=True):
    """A fix that was not kept, and why."""

    finding: Finding
    reason: str


class Fixed(msgspec.Struct, frozen=True):
    """What fixing came to: the state afterwards, what was done and what was not.

    `texts` are the new texts by absolute path, `before` what they were.
    """

    outcome: Outcome
    texts: dict[str, str]
    before: dict[str, str]
    made: tuple[Made, ...]
    taken_back: tuple[TakenBack, ...]


class _Blame(msgspec.Struct, frozen=True):
    """Why a fix seems to be at fault, and whether it is certain that no other is."""

    reason: str
    is_certain: bool


def with_fixes(
    outcome: Outcome,
    project: Project,
    tried: Tried | None = None,
    proposals: Proposals | None = None,
    *,
    jobs: int = 1,
    cache: Memory | None = None,
    sparing: bool = False,
) -> Outcome:
    """The outcome with each finding's fix, where there is one that has not been tried in vain.

    For `jobs`, `cache` and `sparing` see `Proposals`.
    """
    catalogue = Catalogue.of(rulebook(project).rules)
    fixable = catalogue.preferred(project.config.fixable, project.config.unfixable)
    asked = [finding for finding in outcome.report.findings if finding.repairs]
    in_vain = [(tried or {}).get(_key(finding), set()) for finding in asked]
    repairs = [
        tuple(
            repair
            for repair in finding.repairs
            if type(repair) not in vain and (finding.code in fixable or isinstance(repair, Advise))
        )
        for finding, vain in zip(asked, in_vain, strict=True)
    ]
    texts = {path: source.text for path, source in outcome.sources.items()}
    proposals = proposals or Proposals(project.config, jobs, cache, sparing=sparing)
    fixes, failures = proposals.of([finding.place.path for finding in asked], repairs, texts)
    found = {id(finding): fix for finding, fix in zip(asked, fixes, strict=True)}
    safer = catalogue.preferred(project.config.extend_safe_fixes, project.config.extend_unsafe_fixes)
    riskier = _codes(project.config.extend_unsafe_fixes, catalogue) - safer
    findings = [
        msgspec.structs.replace(finding, fix=_judged(finding.code, found.get(id(finding)), safer, riskier))
        for finding in outcome.report.findings
    ]
    report = msgspec.structs.replace(
        outcome.report, findings=tuple(findings), failures=(*outcome.report.failures, *failures)
    )
    return msgspec.structs.replace(outcome, report=report)


def fix(project: Project, options: Options, *, unsafe: bool) -> Fixed:
    """Make all fixes that may be made, until none is left; nothing is written."""
    if options.cache is None:
        options = msgspec.structs.replace(options, cache=Memory())
    work = _Work(project, options, unsafe=unsafe)
    for _ in range(_TURNS):
        chosen = work.chosen()
        if not chosen:
            break
        work.make(chosen)
    work.taken_back += work.refused()
    before = {path: work.first.sources[path].text for path in work.texts}
    return Fixed(work.outcome, work.texts, before, tuple(work.made), tuple(work.taken_back))


class _Work:
    """The state between two turns."""

    def __init__(self, project: Project, options: Options, *, unsafe: bool) -> None:
        self._project = project
        self._options = options
        self._allowed: frozenset[Applicability] = frozenset({"safe", "unsafe"} if unsafe else {"safe"})
        self._proposals = Proposals(project.config, options.jobs)
        self._tried: Tried = {}
        self._suspected: set[tuple[Key, type[Repair] | None]] = set()
        self._turn = 0
        self.texts: dict[str, str] = {}
        self.made: list[Made] = []
        self.taken_back: list[TakenBack] = []
        self._checked = self._check({})
        self.first = self.outcome = self._with_fixes()

    def chosen(self) -> list[Made]:
        """Fixes that may be made at once: allowed, wanted, and none in the way of another."""
        from lockcheck.fixes.edits import overlap

        found: list[Made] = []
        for finding in self.outcome.report.findings:
            fix = finding.fix
            if fix is None or fix.applicability not in self._allowed or self._refusal(finding, fix) is not None:
                continue
            if not any(overlap(fix.edits, other.fix.edits) for other in found):
                found.append(Made(finding, fix, self._turn))
        return found

    def make(self, chosen: Sequence[Made]) -> None:
        """Make some fixes and look again; where that is not as it should be, make fewer."""
        texts = self._edited(chosen)
        checked = self._check(texts)
        blamed = self._blamed(chosen, checked)
        if not blamed:
            self.texts.update(texts)
            self.made += chosen
            self._turn += 1
            self._checked = checked
            self.outcome = self._with_fixes()
            return
        suspects: list[Made] = []
        for index, blame in blamed.items():
            if blame.is_certain or len(chosen) == 1:
                self._refuse(chosen[index], blame.reason)
            else:
                suspects.append(chosen[index])
        rest = [made for index, made in enumerate(chosen) if index not in blamed]
        if rest:
            self.make(rest)
            self._again(suspects)
        elif suspects:
            half = (len(suspects) + 1) // 2 if len(suspects) == len(chosen) else len(suspects)
            self._again(suspects[:half])
            self._again(suspects[half:])

    def _again(self, suspects: Sequence[Made]) -> None:
        """Make once more what may have been blamed for another's fault, as it is now that others have been made."""
        keys = {_key(made.finding) for made in suspects}
        again = [made for made in self.chosen() if _key(made.finding) in keys][: len(suspects)]
        if again:
            self.make(again)

    def _blamed(self, chosen: Sequence[Made], after: Outcome) -> dict[int, _Blame]:
        """The fixes that did not help, or that stand where something new was found; all if unclear.

        It is certain where only one was to take the finding away, and where one is blamed alone for something new once
        more, among others than the first time.
        """
        before = self._counted(self.outcome.report.findings)
        now = self._counted(after.report.findings)
        wanted = Counter(_key(made.finding) for made in chosen)
        blamed = {
            index: _Blame("the finding was still there", wanted[key] == 1)
            for index, key in enumerate(_key(made.finding) for made in chosen)
            if now[key] > before[key] - wanted[key]
        }
        kinds_before = Counter(map(_kind, self.outcome.report.findings))
        kinds_now = Counter(map(_kind, after.report.findings))
        new = [finding for finding in after.report.findings if kinds_now[_kind(finding)] > kinds_before[_kind(finding)]]
        for finding in new:
            near = [i for i, made in enumerate(chosen) if finding.place.path in _paths(made.fix)]
            reason = f"it brought {finding.code}: {finding.message}"
            for index in near or range(len(chosen)):
                again = self._is_suspected(chosen[index]) and len(near) == 1
                blamed[index] = _Blame(reason, blamed[index].is_certain if index in blamed else again)
        if len(after.report.failures) > len(self._checked.report.failures):
            blame = _Blame(after.report.failures[-1].message, is_certain=False)
            blamed.update(dict.fromkeys(range(len(chosen)), blame))
        self._suspected |= {self._suspicion(chosen[index]) for index in blamed}
        return blamed

    def _is_suspected(self, made: Made) -> bool:
        return self._suspicion(made) in self._suspected

    def _suspicion(self, made: Made) -> tuple[Key, type[Repair] | None]:
        return _key(made.finding), type(made.fix.repair) if made.fix.repair is not None else None

    def _check(self, texts: Mapping[str, str]) -> Outcome:
        changed = {**self.texts, **texts}
        given = [each for each in self._options.replacements if each.path not in changed]
        replaced = (*given, *(Replacement(path, text) for path, text in sorted(changed.items())))
        return check(self._project, msgspec.structs.replace(self._options, replacements=replaced))

    def _with_fixes(self) -> Outcome:
        return with_fixes(self._checked, self._project, self._tried, self._proposals)

    def _edited(self, chosen: Iterable[Made]) -> dict[str, str]:
        from lockcheck.fixes.edits import apply

        edits = [edit for made in chosen for edit in made.fix.edits]
        return {
            path: apply(self.outcome.sources[path].text, [edit for edit in edits if edit.place.path == path])
            for path in sorted({edit.place.path for edit in edits})
        }

    def refused(self) -> Iterator[TakenBack]:
        """The fixes that were asked for and are not to be made, or not yet, with the reason."""
        for finding in self.outcome.report.findings:
            if finding.fix is not None and finding.fix.applicability in self._allowed:
                reason = self._refusal(finding, finding.fix)
                yield TakenBack(finding, reason or "it takes too many turns; run lockcheck again")

    def _refusal(self, finding: Finding, fix: Fix) -> str | None:
        apart = [path for path in _paths(fix) if not self._project.covers(path)]
        if apart:
            return f"it would change `{self._project.display(apart[0])}`, which was not asked about"
        if self._is_suppressed(finding, fix):
            return "a line that it would change has a `noqa` for this rule"
        return None

    def _is_suppressed(self, finding: Finding, fix: Fix) -> bool:
        """Whether a line that would change has a comment that keeps this rule off it."""
        for path in _paths(fix):
            facts = self.outcome.facts[path]
            for one in suppressions(facts.comments, facts.lines):
                spans = [edit.place.span for edit in fix.edits if edit.place.path == path]
                rows = {row for span in spans for row in range(span.row, span.end_row + 1)}
                if any(one.covers(row, finding.code, finding.name) for row in rows):
                    return True
        return False

    def _refuse(self, made: Made, reason: str) -> None:
        self.taken_back.append(TakenBack(made.finding, reason))
        if made.fix.repair is not None:
            self._tried.setdefault(_key(made.finding), set()).add(type(made.fix.repair))
        self.outcome = self._with_fixes()

    def _counted(self, findings: Iterable[Finding]) -> Counter[Key]:
        return Counter(_key(finding) for finding in findings)


def _key(finding: Finding) -> Key:
    return finding.code, finding.place.path, finding.symbol, finding.subject


def _kind(finding: Finding) -> tuple[str, str, str]:
    """What a finding is about, wherever it stands: a hazard that another function reaches too comes to light there."""
    return finding.code, finding.place.path, finding.subject


def _paths(fix: Fix) -> list[str]:
    return sorted({edit.place.path for edit in fix.edits})


def _codes(selectors: Iterable[str], catalogue: Catalogue) -> frozenset[str]:
    return frozenset(code for selector in selectors for code in catalogue.expand(selector))


def _judged(code: str, fix: Fix | None, safer: Collection[str], riskier: Collection[str]) -> Fix | None:
    """A fix with the applicability that the configuration wants it to have."""
    if fix is None or fix.applicability == "display":
        return fix
    if code in riskier:
        return msgspec.structs.replace(fix, applicability="unsafe")
    return msgspec.structs.replace(fix, applicability="safe") if code in safer else fix
