"""Running lockcheck on a release, as a user would, and reading what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.cases import TESTDATA

_CHECKOUT = TESTDATA.parent
_LIMIT = 900
"""Seconds: a release that takes longer is not measured."""


class MeasurementError(Exception):
    """lockcheck gave no answer; the message names the release's folder."""


class _Position(msgspec.Struct, frozen=True):
    row: int


class _Step(msgspec.Struct, frozen=True):
    filename: str
    location: _Position


class _Finding(msgspec.Struct, frozen=True):
    code: str
    message: str
    filename: str
    location: _Position
    related: tuple[_Step, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """A line of a file of the release."""

    file: str
    row: int


class Report(msgspec.Struct, frozen=True):
    """A finding: its code, where it stands, the places that it tells of beside, and its message."""

    code: str
    at: Place
    related: tuple[Place, ...] = ()
    message: str = ""


class Measurement(msgspec.Struct, frozen=True):
    """What lockcheck says of a release, how long it took, and what it could not do."""

    folder: Path
    reports: tuple[Report, ...]
    seconds: float
    complaints: tuple[str, ...] = ()


def measure(folder: Path, rules: Sequence[str]) -> Measurement:
    """Run lockcheck of this checkout on a folder, with the default rules and the given ones."""
    command = [sys.executable, "-m", "lockcheck", "check", "--isolated", "--no-cache", "--output-format", "json"]
    command += [word for rule in rules for word in ("--extend-select", rule)]
    # Not started in the folder itself, from which Python would then import what lockcheck asks for.
    surroundings = {**os.environ, "PYTHONPATH": str(_CHECKOUT)}
    begin = time.perf_counter()
    try:
        run = subprocess.run(
            [*command, str(folder)], cwd=_CHECKOUT, env=surroundings, capture_output=True, text=True, timeout=_LIMIT
        )
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"{folder.name}: no answer in {_LIMIT} seconds") from None
    seconds = time.perf_counter() - begin
    complaints = tuple(f"{folder.name}: {line}" for line in run.stderr.splitlines()) if run.returncode > 1 else ()
    return Measurement(folder, parse(run.stdout, folder, run.stderr), seconds, complaints)


def parse(text: str, folder: Path, complaint: str = "") -> tuple[Report, ...]:
    """Read lockcheck's JSON; paths become relative to the folder of the release."""
    try:
        findings = msgspec.json.decode(text, type=tuple[_Finding, ...])
    except msgspec.DecodeError as error:
        last = (complaint.strip().splitlines() or [str(error)])[-1]
        raise MeasurementError(f"{folder.name}: no findings in JSON: {last}") from None
    return tuple(
        Report(
            finding.code,
            Place(_relative(finding.filename, folder), finding.location.row),
            tuple(Place(_relative(step.filename, folder), step.location.row) for step in finding.related),
            finding.message,
        )
        for finding in findings
    )


def _relative(filename: str, folder: Path) -> str:
    path = Path(filename)
    for root in (folder, folder.resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.as_posix()
