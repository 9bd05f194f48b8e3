"""The report of the last run, given again: never when anything has changed that it depends on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockcheck.app.pipeline import check
from tests.conftest import HAZARD, Lockcheck, Write


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the program was analysed."""
    made: list[int] = []

    def counted(*arguments: object) -> object:
        made.append(1)
        return check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("lockcheck.app.replay.check", counted)
    return made


FORMATS = ("full", "concise", "json", "sarif", "junit")


def test_unchanged_program_is_reported_as_before_without_an_analysis(
    write: Write, lockcheck: Lockcheck, builds: list[int]
) -> None:
    write({"a.py": HAZARD, "b.py": ""})
    for form in FORMATS:
        first = lockcheck("--output-format", form)
        assert lockcheck("--output-format", form) == first == lockcheck("--output-format", form, "--no-cache")
        assert first.status == 1
    assert len(builds) == 2 * len(FORMATS)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a.py").write_text(HAZARD.replace("LOCK:", "LOCK :")),
        lambda root: (root / "b.py").write_text("x = 1\n"),
        lambda root: (root / "c.py").write_text(""),
        lambda root: (root / "b.py").unlink(),
        lambda root: (root / "b.py").rename(root / "d.py"),
        lambda root: (root / "lockcheck.toml").write_text("min-confidence = 'low'"),
        lambda root: (root / ".gitignore").write_text("b.py"),
    ],
    ids=["text", "other text", "new file", "file gone", "file renamed", "configuration", "what is left out"],
)
def test_what_has_changed_is_looked_at(write: Write, lockcheck: Lockcheck, builds: list[int], change: object) -> None:
    root = write({"a.py": HAZARD, "b.py": "", "lockcheck.toml": ""})
    lockcheck(".")
    assert callable(change)
    change(root)
    after = lockcheck(".")
    assert len(builds) == 2
    assert after == lockcheck(".", "--no-cache")


def test_change_that_keeps_size_and_time_is_seen(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    before = (root / "a.py").stat()
    assert lockcheck(".").status == 1
    (root / "a.py").write_text(HAZARD.replace("with LOCK:", "if   LOCK:"))
    os.utime(root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert lockcheck(".").status == 0


@pytest.mark.parametrize("words", [["--select", "LCK2"], ["--min-confidence", "low"], ["b.py"], ["--isolated"]])
def test_other_wishes_have_a_report_of_their_own(write: Write, lockcheck: Lockcheck, words: list[str]) -> None:
    write({"a.py": HAZARD, "b.py": "", "lockcheck.toml": "ignore = ['LCK101']"})
    lockcheck(".")
    assert lockcheck(*words) == lockcheck(*words, "--no-cache")


def test_damaged_or_foreign_report_is_made_anew(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    folder = tmp_path / "kept"
    right = lockcheck("--cache-dir", str(folder))
    (kept,) = folder.glob("*.report")
    whole = kept.read_bytes()
    for content in (b"", b"\xc1", whole[: len(whole) // 2], whole[::-1], b"\x93" * 100_000):
        kept.write_bytes(content)
        assert lockcheck("--cache-dir", str(folder)) == right


def test_facts_outlast_a_report_that_was_given_again(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    folder = tmp_path / "kept"
    lockcheck("--cache-dir", str(folder))
    (facts,) = folder.glob("*.facts")
    before = facts.read_bytes()
    lockcheck("--cache-dir", str(folder))
    assert facts.read_bytes() == before
    assert len(before) > 200


def test_report_with_failures_is_not_kept(write: Write, lockcheck: Lockcheck, builds: list[int]) -> None:
    write({"a.py": HAZARD, "latin.py": b"x = '\xe9'\n"})
    assert lockcheck(".").status == lockcheck(".").status == 2
    assert len(builds) == 2
