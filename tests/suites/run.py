"""A suite in a virtual environment of its own, on copies of its release that were fixed in different ways."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree as ET

from tests.suites.record import Suite

WAYS: Mapping[str, tuple[str, ...]] = {
    "fix": ("--fix",),
    "unsafe-fixes": ("--fix", "--unsafe-fixes"),
    "low": ("--fix", "--unsafe-fixes", "--min-confidence", "low"),
    "everything": ("--fix", "--unsafe-fixes", "--select", "LCK", "--min-confidence", "low"),
}
"""How a copy is fixed; nobody would ask for `low` and for `everything`: they have the fixes work hard.

`low` is of its own, because a lock that `everything` takes by a timed attempt has no `with` left to be made smaller.
"""

Outcomes: TypeAlias = Mapping[str, str]
"""By the name of a test: passed, failed, error or skipped."""

_LONGEST = 1200
_EACH = 60
"""Seconds for a suite, and for one test of it: twice the limit that a fix gives to a wait."""


class SuiteError(Exception):
    """A suite could not be run; the message says which step of it, and what was said there."""


@dataclass(frozen=True, slots=True)
class After:
    """A suite after one way of fixing: what was fixed, which tests fail since, and which did so only once."""

    fixed: str
    failures: tuple[str, ...]
    unsteady: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests of a release said before fixing, twice, and after each way that changed anything."""

    suite: Suite
    passed: int
    failed: int
    unsteady: int
    after: Mapping[str, After | None]


def measure(suite: Suite, cache: Path, ways: Sequence[str]) -> Result:
    """Run the suite of a release twice as it was released, and on each fixed copy."""
    archive = _archive(suite, cache / "archives" / suite.label)
    python = _environment(suite, archive, cache / "venvs" / suite.label)
    copies = cache / "copies" / suite.label
    pristine = _copy(archive, copies / "released")
    first, second = (_tests(suite, python, _copy(archive, copies / "released")) for _ in range(2))
    steady = {name for name, outcome in first.items() if outcome == second.get(name) == "passed"}
    if not steady:
        raise SuiteError(f"{suite.label}: no test passes")
    after: dict[str, After | None] = {}
    for way in ways:
        copy = _copy(archive, copies / way)
        fixed = _fix(suite, copy, WAYS[way])
        if _sources(copy / suite.sources) == _sources(pristine / suite.sources):
            after[way] = None
            continue
        failures = _failures(steady, _tests(suite, python, copy))
        again = _failures(steady, _tests(suite, python, copy)) if failures else set[str]()
        after[way] = After(fixed, tuple(sorted(failures & again)), tuple(sorted(failures ^ again)))
    failed = sum(outcome in {"failed", "error"} for outcome in first.values())
    unsteady = sum(outcome != second.get(name) for name, outcome in first.items())
    return Result(suite, len(steady), failed, unsteady, after)


def _failures(steady: set[str], outcomes: Outcomes) -> set[str]:
    return {name for name in steady if outcomes.get(name, "missing") != "passed"}


def _archive(suite: Suite, folder: Path) -> Path:
    """The source archive, by pip: which asks its build for metadata, so it runs code of the release, as its tests do."""
    if not list(folder.glob("*.tar.gz")):
        words = ["pip", "download", "--quiet", "--no-deps", "--no-binary", suite.package, "--dest", str(folder)]
        _run(suite, [sys.executable, "-m", *words, f"{suite.package}=={suite.version}"], cwd=Path.cwd())
    return next(folder.glob("*.tar.gz"))


def _environment(suite: Suite, archive: Path, folder: Path) -> Path:
    """A virtual environment with the release, what it needs and what its tests need."""
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(suite, [sys.executable, "-m", "venv", str(folder)], cwd=Path.cwd())
        wanted = [f"{archive}{suite.extras}", "pytest", "pytest-timeout", *suite.needs]
        _run(suite, [str(python), "-m", "pip", "install", "--quiet", *wanted], cwd=Path.cwd())
        done.touch()
    return python


def _copy(archive: Path, folder: Path) -> Path:
    """Unpack the release anew, as a project of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as container:
        container.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    (inner / ".git").mkdir(exist_ok=True)
    return inner


def _sources(folder: Path) -> dict[Path, bytes]:
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    return {file.relative_to(folder): file.read_bytes() for file in files}


def _fix(suite: Suite, copy: Path, words: Sequence[str]) -> str:
    """Fix the sources of a copy, and give what lockcheck says that it did."""
    command = [sys.executable, "-m", "lockcheck", "--isolated", *words, "--show-fixes", suite.sources]
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    (copy.parent / "lockcheck.txt").write_text(f"{run.stdout}{run.stderr}", "utf-8")
    if run.returncode not in (0, 1):
        raise SuiteError(f"{suite.label}: lockcheck {' '.join(words)}: {run.stderr.strip()[-300:]}")
    said = re.search(r"^(\d+) fixed \(", f"{run.stdout}{run.stderr}", re.MULTILINE)
    return said.group(1) if said else "?"


def _tests(suite: Suite, python: Path, copy: Path) -> Outcomes:
    """Run the tests on a copy, which lies before the installed release."""
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        f"--timeout={_EACH}",
        f"--junitxml={report}",
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy / suite.root),
        "PYTHONDONTWRITEBYTECODE": "1",
        **suite.environment,
    }
    with (copy.parent / "tests.txt").open("w", encoding="utf-8") as output:
        try:
            subprocess.run(
                [str(python), "-m", "pytest", *options, *suite.tests],
                cwd=copy,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=_LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise SuiteError(f"{suite.label}: its tests take more than {_LONGEST} seconds") from None
    if not report.exists():
        raise SuiteError(f"{suite.label}: no report of the tests, see {copy.parent / 'tests.txt'}")
    return outcomes(report)


def outcomes(report: Path) -> Outcomes:
    """Read a report in the format of JUnit; a test that is there more than once has passed if it did so each time."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        kind = next(iter(sorted(kinds)), "passed")
        word = {"failure": "failed"}.get(kind, kind)
        found[name] = word if found.get(name, "passed") == "passed" else found[name]
    return found


def _run(suite: Suite, command: Sequence[str], cwd: Path) -> None:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if run.returncode != 0:
        raise SuiteError(f"{suite.label}: {' '.join(command[:4])}: {run.stderr.strip()[-300:]}")
