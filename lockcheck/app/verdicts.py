"""Why a finding is not in the report: what would have to be otherwise for it to be there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from lockcheck.app.pipeline import Analysed, Found, report_on
from lockcheck.app.project import Project
from lockcheck.app.selection import Catalogue, Selection
from lockcheck.app.suppression import suppressions
from lockcheck.model.facts import Comment, Unit
from lockcheck.model.findings import Confidence, Finding

_Cause: TypeAlias = Literal["selection", "confidence", "files", "comments"]
_CAUSES: tuple[_Cause, ...] = ("selection", "confidence", "files", "comments")


class Verdicts:
    """Asks triage anew under other settings: what it says is what it does, whatever it goes by."""

    def __init__(self, program: Analysed, found: Found, project: Project, catalogue: Catalogue) -> None:
        """Take all that was found, by rules that are off too."""
        self._program = program
        self._found = found
        self._project = project
        self._catalogue = catalogue
        self._reports: dict[frozenset[_Cause], dict[object, Finding]] = {}

    def reported(self, finding: Finding) -> Finding | None:
        """The finding as the report has it, if it is there."""
        return self._report(frozenset()).get(_key(finding))

    def all(self) -> list[Finding]:
        """Everything that was found, with the notes of the report where it is in that."""
        everything = self._report(frozenset(_CAUSES)) | {_key(f): f for f in self._found.findings}
        return list((everything | self._report(frozenset())).values())

    def reasons(self, finding: Finding) -> tuple[str, ...]:
        """Why a finding is not in the report, in words; none where it is."""
        key = _key(finding)
        if self.reported(finding) is not None:
            return ()
        return tuple(self._words(cause, finding) for cause in self._causes(key)) or (self._superseded(finding),)

    def _causes(self, key: object) -> Iterator[_Cause]:
        """What alone keeps a finding out when all else is allowed."""
        whole = frozenset(_CAUSES)
        if key in self._report(whole):
            for cause in _CAUSES:
                if key not in self._report(whole - {cause}):
                    yield cause
            return
        for cause in _CAUSES:  # another rule tells of the place; it may be one that is off
            if key in self._report(frozenset((cause,))):
                yield cause
                return

    def _report(self, without: frozenset[_Cause]) -> dict[object, Finding]:
        """What would be reported if some causes were not there."""
        if without not in self._reports:
            config = self._project.config
            if "selection" in without:
                config = msgspec.structs.replace(config, selections=(Selection(("ALL",)),))
            if "confidence" in without:
                config = msgspec.structs.replace(config, min_confidence=Confidence.LOW)
            if "files" in without:
                config = msgspec.structs.replace(config, per_file_ignores=())
            program = _without_comments(self._program) if "comments" in without else self._program
            project = msgspec.structs.replace(self._project, config=config)
            report = report_on(program, self._found, project, self._catalogue)
            self._reports[without] = {_key(f): f for f in report.findings}
        return self._reports[without]

    def _words(self, cause: _Cause, finding: Finding) -> str:
        match cause:
            case "selection":
                default = any(e.code == finding.code and e.default for e in self._catalogue.entries)
                off = "is not selected here" if default else "is off by default"
                return f"the rule {off}: `--extend-select {finding.code}` turns it on"
            case "confidence":
                word = finding.confidence.word
                return f"its confidence is {word}, which is less than is shown here: `--min-confidence {word}` shows it"
            case "files":
                return "`per-file-ignores` leaves the rule out in this file"
            case "comments":
                place = ", ".join(f"`{c.text}` in row {c.row}" for c in self._comments(finding)) or "in the sources"
                return f"a comment suppresses it: {place}"

    def _comments(self, finding: Finding) -> Iterator[Comment]:
        units = {unit.path: unit for unit in self._program.extraction.units}
        places = dict.fromkeys((finding.place, *(related.place for related in finding.related)))
        seen: set[tuple[str, int]] = set()
        for place in places:
            for comment in _covering(units.get(place.path), place.span.row, finding):
                if (place.path, comment.row) not in seen:
                    seen.add((place.path, comment.row))
                    yield comment

    def _superseded(self, finding: Finding) -> str:
        here = [f.code for f in self._report(frozenset()).values() if f.place.span.row == finding.place.span.row]
        by = ", ".join(dict.fromkeys(here))
        return f"another finding of the same place tells it{f': {by}' if by else ''}"


def _key(finding: Finding) -> object:
    return finding.code, finding.place, finding.message, finding.symbol, finding.subject


def _without_comments(program: Analysed) -> Analysed:
    units = [
        msgspec.structs.replace(unit, facts=msgspec.structs.replace(unit.facts, comments=()))
        for unit in program.extraction.units
    ]
    return msgspec.structs.replace(program, extraction=msgspec.structs.replace(program.extraction, units=tuple(units)))


def _covering(unit: Unit | None, row: int, finding: Finding) -> Sequence[Comment]:
    if unit is None:
        return ()
    return [
        comment
        for comment in unit.facts.comments
        if any(s.covers(row, finding.code, finding.name) for s in suppressions((comment,), unit.facts.lines))
    ]
