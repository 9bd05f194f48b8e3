"""The record of test suites, and how their reports are read; running them takes too long for the checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suites.__main__ import main
from tests.suites.record import read
from tests.suites.run import outcomes

pytestmark = pytest.mark.once


def test_each_release_is_there_once_and_its_folders_are_relative() -> None:
    suites = read()
    assert len({suite.package for suite in suites}) == len(suites)
    assert not [suite for suite in suites if Path(suite.sources).is_absolute() or Path(suite.root).is_absolute()]


def test_a_test_has_passed_if_it_did_so_each_time(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="t.a" name="one"/>
        <testcase classname="t.a" name="two"><failure message="no"/></testcase>
        <testcase classname="t.a" name="two"/>
        <testcase classname="t.a" name="three"/>
        <testcase classname="t.a" name="three"><error message="no"/></testcase>
        <testcase classname="t.b" name="one"><skipped/></testcase>
        </testsuite></testsuites>"""
    )
    assert outcomes(report) == {
        "t.a::one": "passed",
        "t.a::two": "failed",
        "t.a::three": "error",
        "t.b::one": "skipped",
    }


@pytest.mark.parametrize("name", ["nobody", "kombu-5"])
def test_a_package_that_the_record_does_not_have_is_wrong_usage(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["--only", name]) == 2
    assert name in capsys.readouterr().err
