"""Triage: selection, suppression, precedence, order."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from lockcheck.app.config import Config
from lockcheck.app.project import Given, Project
from lockcheck.app.selection import Catalogue, Entry
from lockcheck.app.triage import triage
from lockcheck.model.facts import Comment, ModuleFacts, Unit
from lockcheck.model.findings import Confidence, Failure, Finding, Related, Report
from lockcheck.model.source import Place, Span
from tests.conftest import HAZARD, Lockcheck, Write

ROOT = str(Path.cwd() / "nowhere")
CATALOGUE = Catalogue(
    (
        Entry("LCK101", "one-one", supersedes=("LCK102",)),
        Entry("LCK102", "one-two", supersedes=("LCK201",)),
        Entry("LCK201", "two-one"),
        Entry("LCK900", "syntax-error"),
    )
)


def at(path: str, row: int = 1, column: int = 1) -> Place:
    return Place(str(Path(ROOT) / path), Span(row, column, row, column + 5))


def finding(code: str = "LCK101", path: str = "a.py", row: int = 1, column: int = 1, message: str = "m") -> Finding:
    name = next(entry.name for entry in CATALOGUE.entries if entry.code == code)
    return Finding(code, name, message, Confidence.HIGH, at(path, row, column), symbol="f", subject="x")


def unit(path: str, *comments: Comment) -> Unit:
    return Unit(str(Path(ROOT) / path), path, path, False, ModuleFacts(comments=comments, lines=20))


def report(
    *findings: Finding,
    units: tuple[Unit, ...] = (),
    config: Config | None = None,
    given: str = ROOT,
    failures: tuple[Failure, ...] = (),
) -> Report:
    project = Project(ROOT, ROOT, (Given(given, given),), (ROOT,), (), (), ROOT, config or Config())
    return triage(findings, failures, units=units, project=project, catalogue=CATALOGUE)


def codes(
    *findings: Finding, units: tuple[Unit, ...] = (), config: Config | None = None, given: str = ROOT
) -> list[str]:
    return [one.code for one in report(*findings, units=units, config=config, given=given).findings]


def test_order_is_stable_and_duplicates_are_dropped() -> None:
    findings = [finding(row=2), finding(), finding("LCK201", row=2, column=3), finding(path="A.py"), finding()]
    expected = report(*findings).findings
    assert [(Path(one.place.path).name, one.place.span.row) for one in expected] == [
        ("A.py", 1),
        ("a.py", 1),
        ("a.py", 2),
        ("a.py", 2),
    ]
    assert all(report(*order).findings == expected for order in itertools.permutations(findings))


def test_superseded_report_of_a_place_becomes_a_note() -> None:
    (standing,) = report(finding("LCK102", message="lesser"), finding("LCK201", message="least"), finding()).findings
    assert standing.code == "LCK101"
    assert standing.notes == ("LCK102: lesser", "LCK201: least")


def test_reports_of_other_places_and_unrelated_rules_stand() -> None:
    assert codes(finding(), finding("LCK102", row=2)) == ["LCK101", "LCK102"]
    assert codes(finding(), finding("LCK201")) == ["LCK101", "LCK201"]


def test_what_is_not_shown_supersedes_nothing() -> None:
    guess = msgspec.structs.replace(finding(), confidence=Confidence.LOW)
    assert codes(guess, finding("LCK102")) == ["LCK102"]
    ignored = Config(folder=ROOT, per_file_ignores=(("a.py", ("LCK101",)),))
    assert codes(finding(), finding("LCK102"), config=ignored) == ["LCK102"]


@pytest.mark.parametrize(
    ("level", "shown"),
    [(Confidence.LOW, [1, 2, 3]), (Confidence.MEDIUM, [2, 3]), (Confidence.HIGH, [3])],
)
def test_confidence(level: Confidence, shown: list[int]) -> None:
    findings = [msgspec.structs.replace(finding(row=each), confidence=each) for each in Confidence]
    kept = report(*findings, config=Config(min_confidence=level)).findings
    assert [one.confidence for one in kept] == shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("# noqa", []),
        ("# NOQA: LCK101", ["LCK201"]),
        ("#noqa:LCK1", ["LCK201"]),
        ("# noqa: E501, LCK201 LCK101", []),
        ("# noqa: E501,one-one", ["LCK201"]),
        ("# noqa: E501", ["LCK101", "LCK201"]),
        ("# type: ignore # noqa: LCK2  because", ["LCK101"]),
        ("# noqa : anything", []),
        ("# noqable", ["LCK101", "LCK201"]),
        ("# flake8: noqa", []),
        ("# lockcheck: noqa: LCK101", ["LCK201"]),
    ],
)
def test_noqa(text: str, kept: list[str]) -> None:
    found = (finding(row=4), finding("LCK201", row=4))
    assert codes(*found, units=(unit("a.py", Comment(text, 5, 10, 3, 5)),)) == kept
    assert codes(*found, units=(unit("b.py", Comment(text, 5, 10, 3, 5)),)) == ["LCK101", "LCK201"]


def test_noqa_holds_for_the_rows_of_its_line_and_for_the_file_where_it_says_so() -> None:
    found = [finding(row=row) for row in (2, 3, 5, 6)]
    line = report(*found, units=(unit("a.py", Comment("# noqa", 5, 10, 3, 5)),))
    assert [one.place.span.row for one in line.findings] == [2, 6]
    whole = report(*found, units=(unit("a.py", Comment("# flake8: noqa: LCK101", 5, 1, 5, 5)),))
    assert whole.findings == ()


def test_noqa_of_the_standing_report_covers_what_it_supersedes() -> None:
    comment = Comment("# noqa: LCK101", 1, 10, 1, 1)
    assert codes(finding(), finding("LCK102"), units=(unit("a.py", comment),)) == []


@pytest.mark.parametrize(
    ("pattern", "ignored"),
    [
        ("tests/*", {"tests/x.py", "tests/deep/y.py"}),
        ("test*.py", {"test_z.py"}),
        ("tests/**/y.py", {"tests/deep/y.py"}),
        ("!tests/", {"a.py", "test_z.py"}),
    ],
)
def test_per_file_ignores(pattern: str, ignored: set[str]) -> None:
    paths = {"a.py", "test_z.py", "tests/x.py", "tests/deep/y.py"}
    config = Config(folder=ROOT, per_file_ignores=((pattern, ("one-one",)),))
    kept = report(*(finding(path=path) for path in paths), config=config).findings
    assert {Path(one.place.path).relative_to(ROOT).as_posix() for one in kept} == paths - ignored


def test_finding_is_reported_where_any_of_its_places_was_asked_about() -> None:
    elsewhere = finding(path="b.py")
    reaching = msgspec.structs.replace(elsewhere, related=(Related(at("a.py"), "here"),))
    assert codes(elsewhere, given=str(Path(ROOT) / "a.py")) == []
    assert codes(reaching, given=str(Path(ROOT) / "a.py")) == ["LCK101"]


def test_failures_of_files_nobody_asked_about_are_not_told() -> None:
    failures = (Failure(at("a.py").path, "m"), Failure(at("b.py").path, "m"), Failure("rule LCK101", "m"))
    told = report(given=at("a.py").path, failures=failures).failures
    assert [failure.what for failure in told] == [at("a.py").path, "rule LCK101"]


def test_syntax_error_is_a_finding_and_the_rest_goes_on(write: Write, lockcheck: Lockcheck) -> None:
    write({"bad.py": "def f(:\n", "good.py": HAZARD})
    run = lockcheck("--output-format", "concise", ".")
    assert run.status == 1
    assert [line.split()[1] for line in run.out.splitlines()] == ["LCK900", "LCK101"]
    assert lockcheck("--ignore", "syntax-error", "bad.py").status == 0
    assert lockcheck("--select", "LCK101", "bad.py").status == 1


@pytest.mark.parametrize("path", ["tests/a.py", "pkg/test/a.py", "test_a.py", "pkg/conftest.py", "pkg/a_test.py"])
def test_tests_have_a_profile_of_their_own(path: str) -> None:
    sure, likely = finding(path=path), msgspec.structs.replace(finding(path=path, row=2), confidence=Confidence.MEDIUM)

    def rows(config: Config | None = None) -> list[int]:
        return [one.place.span.row for one in report(sure, likely, config=config).findings]

    assert rows() == [1]
    assert rows(Config(test_confidence=Confidence.MEDIUM)) == [1, 2]
    assert rows(Config(test_files=())) == [1, 2]
    assert rows(Config(min_confidence=Confidence.LOW)) == [1, 2]


def test_other_files_are_no_tests() -> None:
    likely = msgspec.structs.replace(finding(path="pkg/testing.py"), confidence=Confidence.MEDIUM)
    assert codes(likely) == ["LCK101"]
