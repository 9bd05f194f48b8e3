"""Fixes on request: what would repair each finding, and as many of them made as can be, in turns.

What a turn has changed is analysed again as a whole: a fix whose finding is still there, or that brings a new one, is
taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from lockcheck.app.cache import Memory
from lockcheck.app.discovery import Replacement
from lockcheck.app.pipeline import Options, Outcome, check
from lockcheck.app.project import Project
from lockcheck.app.proposing import propose_all
from lockcheck.app.rulebook import rulebook
from lockcheck.app.selection import Catalogue
from lockcheck.app.suppression import suppressions
from lockcheck.app.triage import fingerprint
from lockcheck.model.findings import Applicability, Finding, Fix
from lockcheck.model.repairs import Repair

_TURNS = 20
"""More than fixes ever followed one another; a bound, should two undo each other."""


Key: TypeAlias = "tuple[str, str]"
"""What a finding is known by in all turns: its code and fingerprint."""

Tried: TypeAlias = "dict[Key, set[type[Repair]]]"
"""The sorts of repair that did not help."""


class Made(msgspec.Struct, frozen=True):
    """A fix that was made, and the finding that it repairs as it stood before its turn."""

    finding: Finding
    fix: Fix


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


def with_fixes(outcome: Outcome, project: Project, tried: Tried | None = None) -> Outcome:
    """The outcome with each finding's fix, where there is one that has not been tried in vain."""
    catalogue = Catalogue.of(rulebook(project).rules)
    fixable = _codes(project.config.fixable, catalogue) - _codes(project.config.unfixable, catalogue)
    asked = [finding for finding in outcome.report.findings if finding.code in fixable and finding.repairs]
    in_vain = [(tried or {}).get(_key(finding, project), set()) for finding in asked]
    repairs = [
        tuple(repair for repair in finding.repairs if type(repair) not in vain)
        for finding, vain in zip(asked, in_vain, strict=True)
    ]
    texts = {path: source.text for path, source in outcome.sources.items()}
    fixes, failures = propose_all(
        [finding.place.path for finding in asked], repairs, texts, project.config.default_timeout
    )
    found = {id(finding): fix for finding, fix in zip(asked, fixes, strict=True)}
    safer = _codes(project.config.extend_safe_fixes, catalogue)
    riskier = _codes(project.config.extend_unsafe_fixes, catalogue)
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
    before = {path: work.first.sources[path].text for path in work.texts}
    return Fixed(work.outcome, work.texts, before, tuple(work.made), tuple(work.taken_back))


class _Work:
    """The state between two turns."""

    def __init__(self, project: Project, options: Options, *, unsafe: bool) -> None:
        self._project = project
        self._options = options
        self._allowed: frozenset[Applicability] = frozenset({"safe", "unsafe"} if unsafe else {"safe"})
        self._tried: Tried = {}
        self.texts: dict[str, str] = {}
        self.made: list[Made] = []
        self.taken_back: list[TakenBack] = []
        self.first = self.outcome = self._check({})

    def chosen(self) -> list[Made]:
        """Fixes that may be made at once: allowed, wanted, and none in the way of another."""
        from lockcheck.fixes.edits import overlap

        found: list[Made] = []
        for finding in self.outcome.report.findings:
            fix = finding.fix
            if fix is None or fix.applicability not in self._allowed or self._is_refused(finding, fix):
                continue
            if not any(overlap(fix.edits, other.fix.edits) for other in found):
                found.append(Made(finding, fix))
        return found

    def make(self, chosen: Sequence[Made]) -> None:
        """Make some fixes and look again; where that is not as it should be, make fewer."""
        texts = self._edited(chosen)
        outcome = self._check(texts)
        wrong = self._wrong(chosen, outcome)
        if not wrong:
            self.texts.update(texts)
            self.outcome = outcome
            self.made += chosen
            return
        if len(chosen) == 1:
            [(only, reason)] = wrong.items()
            self._refuse(chosen[only], reason)
            return
        rest = [made for index, made in enumerate(chosen) if index not in wrong]
        if rest:
            self.make(rest)
        for index in wrong:
            again = [made for made in self.chosen() if self._key(made.finding) == self._key(chosen[index].finding)]
            if again:
                self.make(again[:1])

    def _wrong(self, chosen: Sequence[Made], after: Outcome) -> dict[int, str]:
        """The fixes that did not help, or that stand where something new was found, with the reason; all if unclear."""
        before = self._counted(self.outcome.report.findings)
        now = self._counted(after.report.findings)
        wanted = Counter(self._key(made.finding) for made in chosen)
        wrong = {
            index: "the finding was still there"
            for index, made in enumerate(chosen)
            if now[self._key(made.finding)] > before[self._key(made.finding)] - wanted[self._key(made.finding)]
        }
        kinds_before = Counter(map(_kind, self.outcome.report.findings))
        kinds_now = Counter(map(_kind, after.report.findings))
        new = [finding for finding in after.report.findings if kinds_now[_kind(finding)] > kinds_before[_kind(finding)]]
        for finding in new:
            near = [i for i, made in enumerate(chosen) if finding.place.path in _paths(made.fix)] or range(len(chosen))
            wrong.update(dict.fromkeys(near, f"it brought {finding.code}: {finding.message}"))
        if len(after.report.failures) > len(self.outcome.report.failures):
            wrong.update(dict.fromkeys(range(len(chosen)), after.report.failures[-1].message))
        return wrong

    def _check(self, texts: Mapping[str, str]) -> Outcome:
        changed = {**self.texts, **texts}
        given = [each for each in self._options.replacements if each.path not in changed]
        replaced = (*given, *(Replacement(path, text) for path, text in sorted(changed.items())))
        options = msgspec.structs.replace(self._options, replacements=replaced)
        return with_fixes(check(self._project, options), self._project, self._tried)

    def _edited(self, chosen: Iterable[Made]) -> dict[str, str]:
        from lockcheck.fixes.edits import apply

        edits = [edit for made in chosen for edit in made.fix.edits]
        return {
            path: apply(self.outcome.sources[path].text, [edit for edit in edits if edit.place.path == path])
            for path in sorted({edit.place.path for edit in edits})
        }

    def _is_refused(self, finding: Finding, fix: Fix) -> bool:
        return any(not self._project.covers(path) for path in _paths(fix)) or self._is_suppressed(finding, fix)

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
            self._tried.setdefault(self._key(made.finding), set()).add(type(made.fix.repair))
        self.outcome = with_fixes(self.outcome, self._project, self._tried)

    def _key(self, finding: Finding) -> Key:
        return _key(finding, self._project)

    def _counted(self, findings: Iterable[Finding]) -> Counter[Key]:
        return Counter(self._key(finding) for finding in findings)


def _key(finding: Finding, project: Project) -> Key:
    return finding.code, fingerprint(finding, project.root)


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
