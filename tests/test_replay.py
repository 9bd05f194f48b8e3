"""The report of the last run, given again: never when anything has changed that it depends on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import libcst as cst
import pytest
from libcst import parse_module

import lockcheck as package
import lockcheck.app.discovery
import lockcheck.app.stamps
from lockcheck.app.decoding import decode
from lockcheck.app.pipeline import check
from lockcheck.app.stamps import Index, Seen, Stamp, confirmed
from tests.conftest import HAZARD, Lockcheck, Write


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the program was analysed."""
    made: list[int] = []

    def counted(*arguments: object) -> object:
        made.append(1)
        return check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("lockcheck.app.pipeline.check", counted)
    return made


pytestmark = pytest.mark.once

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


HOUR = 3_600_000_000_000
CLOCKS = {"right": 0, "ahead": HOUR, "behind": -HOUR}
"""What our clock may be off by, in nanoseconds, from the one that stamps files."""

QUIET = HAZARD.replace("with LOCK:", "if   LOCK:")
"""As long as the hazard, and none."""

Change = Callable[[Path], object]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Put our clock forward or back by some nanoseconds."""

    def put(by: int) -> None:
        monkeypatch.setattr(lockcheck.app.stamps, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + by))

    return put


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents that were read, while nothing else changes what lies on the import path."""
    contents: list[bytes] = []

    def noted(content: bytes) -> str:
        contents.append(content)
        return decode(content)

    monkeypatch.setattr(lockcheck.app.discovery, "decode", noted)
    root = Path(package.__file__).parent.parent
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder and Path(folder) != root])
    return contents


def test_tree_that_nobody_touched_is_not_read(
    write: Write, lockcheck: Lockcheck, builds: list[int], decoded: list[bytes], clock: Callable[[int], None]
) -> None:
    clock(HOUR)  # as if all of it had been written an hour ago
    write({"a.py": HAZARD, "b.py": QUIET, "pkg/__init__.py": "", ".gitignore": "build\n", "build/c.py": HAZARD})
    first = lockcheck(".")
    assert len(decoded) == 3
    decoded.clear()
    assert lockcheck(".") == first
    assert decoded == [HAZARD.encode()]  # of which the report shows lines
    assert len(builds) == 1


def test_young_stamps_prove_nothing_until_the_next_run(
    write: Write, lockcheck: Lockcheck, builds: list[int], decoded: list[bytes], clock: Callable[[int], None]
) -> None:
    write({"a.py": HAZARD, "b.py": QUIET})
    first = lockcheck(".")
    decoded.clear()
    clock(HOUR)
    assert lockcheck(".") == first
    assert len(decoded) == 2  # everything was young when it was seen
    decoded.clear()
    assert lockcheck(".") == first
    assert len(decoded) == 1
    assert len(builds) == 1


def _restored(root: Path, content: str) -> None:
    before = (root / "a.py").stat()
    (root / "a.py").write_text(content)
    os.utime(root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))


def _renamed_over(root: Path, content: str) -> None:
    before = (root / "a.py").stat()
    (root / "new").write_text(content)
    os.utime(root / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "new").replace(root / "a.py")


def _linked(root: Path, target: str) -> None:
    (root / "linked.py").unlink()
    (root / "linked.py").symlink_to(root.parent / target)


CHANGES: dict[str, Change] = {
    "same size and time": lambda root: _restored(root, QUIET),
    "another file of the same size and time": lambda root: _renamed_over(root, QUIET),
    "added": lambda root: (root / "pkg" / "c.py").write_text(HAZARD),
    "added to what was left out": lambda root: (root / "build" / "__init__.py").write_text(""),
    "deleted": lambda root: (root / "a.py").unlink(),
    "renamed": lambda root: (root / "a.py").rename(root / "d.py"),
    "folder renamed": lambda root: (root / "pkg").rename(root / "package"),
    "link to another file": lambda root: _linked(root, "quiet.py"),
    "behind a link": lambda root: (root.parent / "outside.py").write_text(QUIET),
    "where a link led to nothing": lambda root: (root.parent / "nowhere.py").write_text(HAZARD),
    "what is left out": lambda root: (root / ".gitignore").write_text("pkg/\n"),
    "what is left out above": lambda root: (root.parent / ".gitignore").write_text("a.py\n"),
    "new configuration": lambda root: (root / "lockcheck.toml").write_text("ignore = ['LCK101']"),
    "configuration": lambda root: (root / "pyproject.toml").write_text("[tool.lockcheck]\nexclude = ['pkg/']\n"),
    "environment": lambda root: (root / "env" / "pyvenv.cfg").unlink(),
}


@pytest.mark.parametrize("offset", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_seen_whatever_the_clock_says(
    write: Write, lockcheck: Lockcheck, clock: Callable[[int], None], change: Change, offset: int
) -> None:
    clock(offset)
    root = write({"a.py": HAZARD, "pkg/__init__.py": "", "pkg/b.py": HAZARD, "build/x.py": HAZARD})
    write({"pyproject.toml": "[tool.lockcheck]\n", "env/x.py": HAZARD, "env/pyvenv.cfg": ""})
    (root.parent / ".git").mkdir()
    (root.parent / "outside.py").write_text(HAZARD)
    (root.parent / "quiet.py").write_text(QUIET)
    (root / "linked.py").symlink_to(root.parent / "outside.py")
    (root / "dangling.py").symlink_to(root.parent / "nowhere.py")
    before = lockcheck("--output-format", "concise", ".")
    assert lockcheck("--output-format", "concise", ".") == before
    change(root)
    clock(0)
    after = lockcheck("--output-format", "concise", ".")
    assert after == lockcheck("--output-format", "concise", "--no-cache", ".")
    assert after != before


@pytest.mark.parametrize("offset", CLOCKS.values(), ids=CLOCKS)
def test_mode_alone_changes_nothing(
    write: Write, lockcheck: Lockcheck, clock: Callable[[int], None], builds: list[int], offset: int
) -> None:
    clock(offset)
    root = write({"a.py": HAZARD})
    first = lockcheck(".")
    (root / "a.py").chmod(0o755)
    assert lockcheck(".") == first
    assert len(builds) == 1


def test_edits_within_one_tick_of_a_coarse_clock_are_seen(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Stamp.of

    def coarse(path: str) -> Stamp | None:
        stamp = real(path)
        if stamp is None:
            return None
        times = {"changed": stamp.changed // 10**9 * 10**9, "written": stamp.written // 10**9 * 10**9}
        return Stamp(stamp.device, stamp.inode, stamp.mode, stamp.size, **times)

    monkeypatch.setattr(Stamp, "of", coarse)
    root = write({"a.py": HAZARD})
    for _ in range(3):
        (root / "a.py").write_text(HAZARD)
        assert lockcheck(".").status == 1
        assert lockcheck(".").status == 1
        (root / "a.py").write_text(QUIET)
        assert lockcheck(".").status == 0


def test_file_that_is_written_while_it_is_read_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(HAZARD)
    stamp = Stamp.of(str(file))
    assert stamp is not None
    seen = Seen(str(file), stamp, b"of what was there before")
    young = max(stamp.changed, stamp.written)
    assert confirmed(Index(young, (seen,))) is None
    assert confirmed(Index(young + HOUR, (seen,))) is not None
    assert confirmed(Index(young + HOUR, (), (Seen.at(str(tmp_path / "nothing")),))) is not None
    file.unlink()
    assert confirmed(Index(young + HOUR, (seen,))) is None


RUN = """\
import sys, time, types
from lockcheck.ui.cli import main
import lockcheck.app.stamps
lockcheck.app.stamps.time = types.SimpleNamespace(time_ns=lambda: time.time_ns() + 3_600_000_000_000)
site, *words = sys.argv[1:]
sys.path.remove(site)
main(words)
heavy = ("libcst", "astroid", "pathspec", "rich", "multiprocessing", "lockcheck.rules", "lockcheck.analysis", "lockcheck.knowledge.load")
print([name for name in heavy if name in sys.modules])
"""


def _run(site: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", RUN, str(site), "--output-format", "concise", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert done.stderr == ""
    return done.stdout


def test_what_is_given_again_needs_neither_rules_nor_parsers_nor_tables(write: Write) -> None:
    write({"a.py": HAZARD, ".gitignore": "x\n", "lockcheck.toml": "exclude = ['y']"})
    site = Path(package.__file__).parent.parent
    first, second = _run(site, "."), _run(site, ".")
    assert "lockcheck.rules" in first.splitlines()[-1]
    assert second.splitlines()[-1] == "[]"
    assert second.splitlines()[:-1] == first.splitlines()[:-1]


def test_change_of_lockcheck_itself_is_seen(write: Write, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    site = tmp_path / "site"
    shutil.copytree(Path(package.__file__).parent, site / "lockcheck", ignore=shutil.ignore_patterns("__pycache__"))
    first = _run(site, ".")
    assert _run(site, ".").splitlines()[:-1] == first.splitlines()[:-1]
    rule = site / "lockcheck" / "rules" / "thread_lock_across_await.py"
    text = rule.read_text("utf-8")
    rule.write_text(text.replace("LCK101", "LCK199") + "\n", "utf-8")  # longer: Python tells by size, too
    assert "LCK199" in _run(site, ".")


def test_fixes_of_files_that_stay_are_not_worked_out_again(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def counted(text: str) -> cst.Module:
        parsed.append(text)
        return parse_module(text)

    monkeypatch.setattr("libcst.parse_module", counted)
    other = HAZARD.replace("send", "post")
    root = write({"a.py": HAZARD, "b.py": other})
    first = lockcheck("--output-format", "json")
    assert all(one["fix"] for one in first.findings)
    assert set(parsed) >= {HAZARD, other}
    parsed.clear()
    changed = other + "\n\nprint(1)\n"
    (root / "b.py").write_text(changed)
    second = lockcheck("--output-format", "json")
    assert set(parsed).isdisjoint({HAZARD})
    assert changed in parsed
    assert second == lockcheck("--output-format", "json", "--no-cache")
    assert len(second.findings) == len(first.findings) == 2
