"""The configuration: where it is found, what it may say, and how it complains."""

from __future__ import annotations

import pytest

from lockcheck.app.selection import Catalogue, Entry, Selection
from tests.conftest import HAZARD, Lockcheck, Write


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lockcheck.toml", 'ignore = ["LCK101"]'),
        (".lockcheck.toml", 'ignore = ["thread-lock-across-await"]'),
        ("pyproject.toml", '[tool.lockcheck]\nignore = ["LCK1"]'),
    ],
)
def test_configuration_is_read_from_each_of_its_files(write: Write, lockcheck: Lockcheck, name: str, text: str) -> None:
    write({"a.py": HAZARD, name: text})
    assert lockcheck(".").status == 0
    assert lockcheck("--isolated", ".").status == 1


def test_nearest_configuration_holds_and_others_do_not(write: Write, lockcheck: Lockcheck) -> None:
    write(
        {
            "lockcheck.toml": 'select = ["no-such-rule"]',
            "inner/pyproject.toml": "[tool.lockcheck]\n[project]\nname = 'x'\n",
            "inner/deep/a.py": HAZARD,
        }
    )
    assert lockcheck("inner/deep").status == 1


def test_pyproject_without_our_table_is_passed_over(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": 'ignore = ["ALL"]', "inner/pyproject.toml": "[tool.other]", "inner/a.py": HAZARD})
    assert lockcheck("inner").status == 0


def test_configuration_named_on_the_command_line_replaces_the_nearest(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": 'ignore = ["ALL"]', "other.toml": "", "a.py": HAZARD})
    assert lockcheck("--config", "other.toml", ".").status == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("selct = []", "unknown key `selct`; did you mean `select`?"),
        ("min_confidence = 'low'", "unknown key `min_confidence`; did you mean `min-confidence`?"),
        ("select = 'LCK101'", "select: expected `array | null`"),
        ("src = [1]", "src[0]: expected `str`"),
        ("default-timeout = 0", "default-timeout: expected `float` > 0.0"),
        ("select = ['LCK1O1']", "select: unknown rule `LCK1O1`; did you mean `LCK101`?"),
        ("ignore = ['thread_lock_across_await']", "did you mean `thread-lock-across-await`?"),
        ("per-file-ignores = { 'tests/*' = ['XYZ1'] }", 'per-file-ignores."tests/*": unknown rule `XYZ1`'),
        ("output-format = 'jsn'", "output-format: unknown format `jsn`; did you mean `json`?"),
        ("output-format = 'x'", "there are full, concise, json"),
        ("min-confidence = 'hihg'", "did you mean `high`?"),
        ("exclude = ['[z-a]']", "exclude: `[z-a]` is not a pattern"),
        ("select = [", "not valid TOML"),
        ("lock-order = [['a.A']]", "lock-order[0]: expected `array` of length >= 2"),
        ("lock-order = [['a.A', 'LOCK']]", "lock-order[0][1]: expected `str` matching regex"),
        ("lock-order = [['a.A', 'a.B'], ['a.B', 'a.A']]", "lock-order: `a.A` would have to be taken before itself"),
    ],
)
def test_mistake_is_one_line_that_names_the_file(write: Write, lockcheck: Lockcheck, text: str, complaint: str) -> None:
    root = write({"lockcheck.toml": text, "a.py": HAZARD})
    run = lockcheck(".")
    assert run.status == 2
    assert run.out == ""
    assert run.err.startswith(f"lockcheck: {root / 'lockcheck.toml'}: ")
    assert run.err.count("\n") == 1
    assert complaint in run.err


def test_missing_configuration_file_is_a_mistake(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    run = lockcheck("--config", "nowhere.toml", ".")
    assert (run.status, run.out) == (2, "")
    assert "nowhere.toml" in run.err


CATALOGUE = Catalogue(
    (
        Entry("LCK101", "one-one", default=True),
        Entry("LCK102", "one-two", default=True),
        Entry("LCK201", "two-one", default=False),
        Entry("LCK900", "syntax-error", default=True),
    )
)


@pytest.mark.parametrize(
    ("selections", "enabled"),
    [
        ((), {"LCK101", "LCK102", "LCK900"}),
        ((Selection(select=("ALL",)),), {"LCK101", "LCK102", "LCK201", "LCK900"}),
        ((Selection(select=("LCK2",)),), {"LCK201", "LCK900"}),
        ((Selection(extend_select=("two-one",)),), {"LCK101", "LCK102", "LCK201", "LCK900"}),
        ((Selection(select=("LCK101",), ignore=("LCK1",)),), {"LCK101", "LCK900"}),
        ((Selection(select=("LCK1",), ignore=("LCK101",)),), {"LCK102", "LCK900"}),
        ((Selection(select=("LCK101",), ignore=("LCK101",)),), {"LCK900"}),
        ((Selection(ignore=("one-two",)), Selection(extend_select=("LCK1",))), {"LCK101", "LCK102", "LCK900"}),
        ((Selection(ignore=("ALL",)), Selection(select=("LCK102",))), {"LCK102", "LCK900"}),
        ((Selection(select=("LCK1",)), Selection(ignore=("LCK",))), set[str]()),
        ((Selection(select=("ALL",), ignore=("LCK9",)),), {"LCK101", "LCK102", "LCK201"}),
    ],
)
def test_more_specific_selector_wins_and_the_command_line_comes_last(
    selections: tuple[Selection, ...], enabled: set[str]
) -> None:
    assert CATALOGUE.enabled(selections) == enabled
