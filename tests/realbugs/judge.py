"""What a measurement says of an entry of the record: is the bug found, and is its repair left in peace."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from tests.realbugs.measure import Measurement, Place, Report
from tests.realbugs.record import Bug

NEAR = 3
"""A statement may be reported some lines from the one that a person would name."""


class Sighting(msgspec.Struct, frozen=True):
    """A report that counts, the row of the bug's file that makes it count, and its message."""

    code: str
    row: int
    message: str = ""


class Judged(msgspec.Struct, frozen=True):
    """An entry that was measured: the report that names the bug, and those that its repair still draws."""

    bug: Bug
    found: Sighting | None
    loud: tuple[Sighting, ...]
    seconds: float


class Unmeasured(msgspec.Struct, frozen=True):
    """An entry that could not be measured."""

    bug: Bug
    reason: str


Verdict: TypeAlias = Judged | Unmeasured


def judge(bug: Bug, before: Measurement, after: Measurement | None) -> Verdict:
    """Compare an entry with what lockcheck says of the affected release and, where it has to be quiet, of the repaired one."""
    wrong = _misfit(bug, before.folder)
    if wrong:
        return Unmeasured(bug, wrong)
    loud = tuple(_still(bug, after)) if after else ()
    seconds = before.seconds + (after.seconds if after else 0.0)
    return Judged(bug, _found(bug, before.reports), loud, seconds)


def spans(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Give the first and last line of every function of a file, by its name with those of what it stands in."""
    found: dict[str, list[tuple[int, int]]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the release's own authors wrote is not our concern
        tree = ast.parse(path.read_bytes())
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, prefix = stack.pop()
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}.{child.name}" if prefix else child.name
                if not isinstance(child, ast.ClassDef):
                    found.setdefault(name, []).append((child.lineno, child.end_lineno or child.lineno))
            stack.append((child, name))
    return found


def _found(bug: Bug, reports: tuple[Report, ...]) -> Sighting | None:
    """Give what names the bug best: by its own location before a related one, then the nearest to the record."""
    sightings: list[tuple[tuple[bool, int, int], Sighting]] = []
    for report in reports:
        for place in (report.at, *report.related):
            distance = min(abs(place.row - line) for line in bug.lines)
            if report.code in bug.rules and place.file == bug.file and distance <= NEAR:
                sightings.append(
                    ((place is not report.at, distance, place.row), Sighting(report.code, place.row, report.message))
                )
    return min(sightings, key=lambda pair: pair[0])[1] if sightings else None


def _still(bug: Bug, after: Measurement) -> Iterator[Sighting]:
    ranges = _ranges(bug, after.folder)
    for report in after.reports:
        if report.code in bug.rules and report.at.file == bug.file and _is_within(report.at, ranges):
            yield Sighting(report.code, report.at.row, report.message)


def _is_within(place: Place, ranges: list[tuple[int, int]]) -> bool:
    return any(first <= place.row <= last for first, last in ranges)


def _ranges(bug: Bug, folder: Path) -> list[tuple[int, int]]:
    path = folder / bug.file
    known = spans(path) if path.is_file() else {}
    return [span for function in bug.functions for span in known.get(function, ())]


def _misfit(bug: Bug, folder: Path) -> str:
    """Say what the record claims of the affected release that is not so."""
    path = folder / bug.file
    if not path.is_file():
        return f"{bug.before} has no {bug.file}"
    rows = len(path.read_bytes().splitlines())
    if max(bug.lines) > rows:
        return f"{bug.file} of {bug.before} has {rows} lines only"
    known = spans(path)
    missing = [function for function in bug.functions if function not in known]
    return f"{bug.file} of {bug.before} has no function {missing[0]}" if missing else ""
