"""Comments that keep findings back: which findings they are about, which of them are of no use, which are wrong."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from lockcheck.app.directives import Directive, directives
from lockcheck.app.selection import UNUSED, Catalogue
from lockcheck.model.facts import Comment, Unit
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.source import Place, Span

_MANY = 50
"""Rows that few statements have, and files have more of."""


class Suppression(msgspec.Struct, frozen=True):
    """Rows of a file, from first to last, on which some rules (None: all) are not reported.

    `names_lockcheck` is whether that is said to lockcheck, not to every tool that reads the line.
    """

    first_row: int
    last_row: int
    entries: tuple[str, ...] | None
    names_lockcheck: bool = True

    def covers(self, row: int, code: str, name: str) -> bool:
        """Whether a report in this row is suppressed. An entry is a name, a code, the beginning of codes, or `ALL`.

        What is about everything is not about itself: that it is of no use can be said of it.
        """
        if not self.first_row <= row <= self.last_row:
            return False
        if self.entries is None or "ALL" in self.entries:
            return code != UNUSED
        return any(code.startswith(entry.upper()) or name == entry.lower() for entry in self.entries)


class Suppressed:
    """The findings of a program that comments keep back."""

    def __init__(self, units: Iterable[Unit]) -> None:
        """Take in the files; a comment is read when its file is asked about."""
        self._units = {unit.path: unit for unit in units}
        self._read: dict[str, _Rows] = {}

    def has(self, finding: Finding) -> bool:
        """Whether a comment keeps this one back, where it stands or at another end of the hazard.

        At another end only what is said to lockcheck counts: a bare `noqa` is about what its own line is told of.
        """
        return any(
            one.covers(place.span.row, finding.code, finding.name) and (at_home or one.names_lockcheck)
            for place, at_home in _ends(finding)
            for one in self._in(place.path).at(place.span.row)
        )

    def _in(self, path: str) -> _Rows:
        if path not in self._read:
            unit = self._units.get(path)
            self._read[path] = _Rows(suppressions(unit.facts.comments, unit.facts.lines) if unit is not None else ())
        return self._read[path]


class _Rows:
    """The suppressions of a file by the rows that they are about; those of many rows apart, for there are few."""

    def __init__(self, found: Iterable[Suppression]) -> None:
        self._long: list[Suppression] = []
        self._of_row: dict[int, list[Suppression]] = {}
        for one in dict.fromkeys(found):
            if one.last_row - one.first_row > _MANY:
                self._long.append(one)
                continue
            for row in range(one.first_row, one.last_row + 1):
                self._of_row.setdefault(row, []).append(one)

    def at(self, row: int) -> Iterator[Suppression]:
        """Give those that may be about a row."""
        yield from self._of_row.get(row, ())
        yield from self._long


def _ends(finding: Finding) -> Iterator[tuple[Place, bool]]:
    """The places at which a finding can be put up with, and whether it stands there."""
    yield finding.place, True
    for related in finding.related:
        if related.end:
            yield related.place, False


def suppressions(comments: Sequence[Comment], lines: int) -> tuple[Suppression, ...]:
    """Read the comments of a file that has so many lines."""
    return tuple(
        _suppression(comment, directive, lines)
        for comment in comments
        for directive in directives(comment.text)
        if not _fault(comment, directive)
    )


def _suppression(comment: Comment, directive: Directive, lines: int) -> Suppression:
    rows = (1, max(lines, 1)) if directive.whole_file else (comment.first_row, comment.last_row)
    return Suppression(*rows, directive.entries, directive.names_lockcheck)


def _fault(comment: Comment, directive: Directive) -> str:
    """What is wrong with a directive where it stands."""
    if directive.own and comment.alone and not directive.whole_file and not directive.fault:
        return "on a line of its own it is about no code: put it behind the code, or write `ignore-file`"
    return directive.fault


class Unused(msgspec.Struct, frozen=True):
    """Entries of a directive that suppress nothing: all of ours that it has, or some. None stands for a bare one."""

    comment: Comment
    directive: Directive
    entries: tuple[str, ...]

    def remaining(self) -> str:
        """The comment without them."""
        return self.directive.without(self.entries, self.comment.text)


Spots = Mapping[str, Sequence[tuple[int, str]]]
"""The rows and codes at which something is raised, in order, by path, other ends of a hazard included."""


def spots(findings: Iterable[Finding]) -> Spots:
    """Where comments have something to keep back."""
    found: dict[str, list[tuple[int, str]]] = {}
    for finding in findings:
        for place, _ in _ends(finding):
            found.setdefault(place.path, []).append((place.span.row, finding.code))
    return {path: sorted(raised) for path, raised in found.items()}


def unused(unit: Unit, raised: Spots, enabled: Collection[str], catalogue: Catalogue) -> Iterator[Unused]:
    """Directives of a file that name rules of ours which are all on and report nothing that they would suppress."""
    here = raised.get(unit.path, ())
    for comment in unit.facts.comments:
        for directive in directives(comment.text):
            if _fault(comment, directive):
                continue
            one = _suppression(comment, directive, unit.facts.lines)
            bare = ("ALL",) if directive.own else ()
            within = here[bisect_left(here, (one.first_row, "")) : bisect_left(here, (one.last_row + 1, ""))]
            useless = tuple(
                entry
                for entry in (directive.entries if directive.entries is not None else bare)
                if (codes := _meant(entry, catalogue) - {UNUSED})
                and codes <= frozenset(enabled)
                and not any(code in codes for _, code in within)
            )
            if useless:
                yield Unused(comment, directive, useless)


def invalid(units: Iterable[Unit], catalogue: Catalogue) -> Iterator[Finding]:
    """Report suppressions that are malformed, or of rules of ours that there are not; others' codes are theirs."""
    for unit in units:
        for comment in unit.facts.comments:
            for directive in directives(comment.text):
                fault = _fault(comment, directive)
                if fault:
                    yield _invalid(unit, comment, f"this comment has no effect: {fault}", comment.text)
                    continue
                for entry in directive.entries or ():
                    if (directive.own or entry.upper().startswith("LCK")) and not _meant(entry, catalogue):
                        yield _invalid(unit, comment, _unknown(entry, catalogue), entry)


def _meant(entry: str, catalogue: Catalogue) -> frozenset[str]:
    return catalogue.expand(entry.upper()) | catalogue.expand(entry.lower())


def _unknown(entry: str, catalogue: Catalogue) -> str:
    near = catalogue.nearest(entry)
    hint = f"; did you mean `{near}`?" if near is not None else ""
    return f"there is no rule `{entry}`, so this suppresses nothing by it{hint}"


def _invalid(unit: Unit, comment: Comment, message: str, subject: str) -> Finding:
    return Finding(
        "LCK902",
        "invalid-suppression",
        message,
        Confidence.HIGH,
        Place(unit.path, Span(comment.row, comment.column, comment.row, comment.column + len(comment.text))),
        symbol=unit.module,
        subject=subject,
    )
