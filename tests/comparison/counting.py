"""When a report of any tool counts for a known bug or for a marked row. The same for every tool, lockcheck included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from lockcheck.rules.document import Mark
from tests.realbugs.judge import NEAR, spans
from tests.realbugs.measure import Report
from tests.realbugs.record import Bug


class Sight(msgspec.Struct, frozen=True):
    """The codes that a tool reports at a place of interest, and those in the function around it.

    `left` are the codes of `place` that the repaired release still draws in the functions; None: there is no such release.
    """

    place: tuple[str, ...] = ()
    function: tuple[str, ...] = ()
    left: tuple[str, ...] | None = None

    @property
    def tells_apart(self) -> bool:
        """Whether the bug is reported at its place and the repair is not."""
        return bool(self.place) and self.left == ()


def sight(bug: Bug, folder: Path, before: Iterable[Report], after: tuple[Path, Iterable[Report]] | None) -> Sight:
    """Look for any report at most three rows from a row of the record, and for any in its functions."""
    here = [report for report in before if any(place.file == bug.file for place in (report.at, *report.related))]
    near = [report for report in here if _is_near(bug, report)]
    place = _codes(near)
    left = None
    if after is not None:
        still = _within(bug, *after)
        left = tuple(code for code in _codes(still) if code in place)
    return Sight(place, _codes(_within(bug, folder, here)), left)


def marked(mark: Mark, reports: Iterable[Report], folder: Path) -> Sight:
    """Look for any report of the marked row, and for any in the innermost function around it."""
    here = [report for report in reports if report.at.file == mark.file]
    path = folder / mark.file
    inside = _innermost(mark.row, path)
    around = [report for report in here if inside is not None and _innermost(report.at.row, path) == inside]
    return Sight(_codes(report for report in here if report.at.row == mark.row), _codes(around))


def _is_near(bug: Bug, report: Report) -> bool:
    places = [place for place in (report.at, *report.related) if place.file == bug.file]
    return any(abs(place.row - line) <= NEAR for place in places for line in bug.lines)


def _within(bug: Bug, folder: Path, reports: Iterable[Report]) -> list[Report]:
    path = folder / bug.file
    known = spans(path) if path.is_file() else {}
    ranges = [span for function in bug.functions for span in known.get(function, ())]
    here = [report for report in reports if report.at.file == bug.file]
    return [report for report in here if any(first <= report.at.row <= last for first, last in ranges)]


def _innermost(row: int, path: Path) -> tuple[int, int] | None:
    known = [span for found in spans(path).values() for span in found]
    return max((span for span in known if span[0] <= row <= span[1]), default=None)


def _codes(reports: Iterable[Report]) -> tuple[str, ...]:
    return tuple(sorted({report.code for report in reports}))
