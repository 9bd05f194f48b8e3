"""Known findings: a file of them, and a commit that had them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import HAZARD, Lockcheck, Write

CURED = HAZARD.replace("    with LOCK:\n        await", "    await")


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "m", "--allow-empty")


# The file


def test_baseline_leaves_out_what_is_known(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"b.py": HAZARD, "a.py": HAZARD})
    run = lockcheck("--write-baseline", "known.json", ".")
    assert (run.status, run.out, run.err) == (0, "", "2 findings written to known.json\n")
    run = lockcheck("--baseline", "known.json", "--output-format", "concise", ".")
    assert (run.status, run.out) == (0, "")
    assert run.err == "2 of the findings known in known.json are still there\n"
    assert lockcheck("-q", "--baseline", "known.json", "--output-format", "concise", ".") == (0, "", "")
    write({"c.py": HAZARD, "a.py": CURED})
    (root / "b.py").rename(root / "bb.py")
    run = lockcheck("--baseline", "known.json", "--output-format", "concise", ".")
    assert (run.status, run.out) == (0, "")  # a.py is cured and c.py is its equal: moved, for all that can be known
    write({"d.py": HAZARD})
    run = lockcheck("--baseline", "known.json", "--output-format", "concise", ".")
    assert (run.status, len(run.out.splitlines())) == (1, 1)


def test_one_more_of_equal_hazards_is_the_new_one(write: Write, lockcheck: Lockcheck) -> None:
    write({"m.py": HAZARD, "n.py": HAZARD})
    assert lockcheck("--write-baseline", "known.json", ".").status == 0
    write({"a.py": HAZARD})
    run = lockcheck("--baseline", "known.json", "--output-format", "concise", ".")
    assert run.out.startswith("a.py:9:9: LCK101 ")
    assert run.out.count("\n") == 1


def test_what_is_known_of_a_file_nobody_asks_about_is_not_taken_for_moved(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"lockcheck.toml": "", "a.py": HAZARD})
    lockcheck("--write-baseline", "known.json", ".")
    write({"b.py": HAZARD})
    assert lockcheck("--baseline", "known.json", "b.py").status == 1
    (root / "a.py").unlink()
    assert lockcheck("--baseline", "known.json", "b.py").status == 0


def test_what_is_gone_is_counted_among_the_files_asked_about(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "b.py": HAZARD.replace("send", "post"), "c.py": HAZARD.replace("send", "read")})
    lockcheck("--write-baseline", "known.json", ".")
    write({"a.py": CURED, "b.py": CURED})
    assert "1 of the findings known in known.json is still there, 2 are gone" in lockcheck("--baseline=known.json").err
    assert (
        "0 of the findings known in known.json are still there, 1 is gone"
        in lockcheck("--baseline=known.json", "a.py").err
    )


def test_baseline_is_sorted_and_changes_little(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"b.py": HAZARD, "a.py": HAZARD.replace("send", "post")})
    lockcheck("--write-baseline", "one.json", ".")
    write({"b.py": f"\n\n{HAZARD}"})
    lockcheck("--write-baseline", "deep/two.json", "b.py", "a.py")
    assert (root / "one.json").read_bytes() == (root / "deep" / "two.json").read_bytes()
    document = json.loads((root / "one.json").read_text())
    assert [(one["file"], one["symbol"]) for one in document["findings"]] == [("a.py", "a.post"), ("b.py", "b.send")]
    assert (root / "one.json").read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 1, "findings": [{"file": 3}]}', "is damaged"),
        ('{"version": 7, "findings": []}', "has version 7, not 1"),
        ("\x00", "is damaged"),
    ],
)
def test_damaged_baseline_is_named(content: str, reason: str, write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "known.json": content})
    run = lockcheck("--baseline", "known.json", "a.py")
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith(f"lockcheck: known.json: the baseline {reason}")
    assert "--write-baseline" in run.err


def test_baseline_that_is_no_text_or_not_there_is_named(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "known.json": b'{"version": 1, "findings": "\xff"}'})
    assert "known.json: the baseline is damaged" in lockcheck("--baseline", "known.json", "a.py").err
    run = lockcheck("--baseline", "nowhere.json", "a.py")
    assert (run.status, run.err.startswith("lockcheck: nowhere.json: the baseline cannot be read: ")) == (2, True)


def test_baseline_that_cannot_be_written_is_a_failure(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    (root / "folder").mkdir()
    run = lockcheck("--write-baseline", "folder", "a.py")
    assert run.status == 2
    assert "folder: the baseline cannot be written: " in run.err


def test_documents_for_programs_stay_whole(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    assert lockcheck("--output-format", "json", "--write-baseline", "known.json", "a.py").findings == []
    assert lockcheck("--output-format", "json", "--baseline", "known.json", "a.py").findings == []


@pytest.mark.parametrize(
    "options",
    [
        ("--write-baseline=a", "--baseline=b"),
        ("--write-baseline=a", "--new-since=HEAD"),
        ("--write-baseline=a", "--fix"),
        ("--add-noqa", "--diff"),
        ("--add-noqa", "--write-baseline=a"),
    ],
)
def test_what_cannot_go_together_is_refused(options: tuple[str, ...], write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    run = lockcheck(*options, "a.py")
    assert (run.status, run.out) == (2, "")
    assert "--" in run.err
    assert [each.name for each in root.iterdir()] == ["a.py"]


# The commit


def test_new_since_a_commit(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"app/__init__.py": "", "app/a.py": HAZARD, "app/b.py": HAZARD.replace("send", "post")})
    commit(root)
    run = lockcheck("--new-since", "HEAD", "--output-format", "concise", ".")
    assert (run.status, run.out, run.err) == (0, "", "2 of the findings known at HEAD are still there\n")
    write({"app/a.py": f"import os\n\n{HAZARD}", "app/c.py": HAZARD.replace("send", "read"), "app/b.py": CURED})
    (root / "app" / "a.py").rename(root / "app" / "renamed.py")
    run = lockcheck("--new-since", "HEAD", "--output-format", "concise", ".")
    assert run.status == 1
    assert [line.split(":")[0] for line in run.out.splitlines()] == ["app/c.py"]
    assert run.err == "1 of the findings known at HEAD is still there, 1 is gone\n"


def test_finding_that_another_file_makes_is_new(write: Write, lockcheck: Lockcheck) -> None:
    callee = "import time\n\n\ndef pause() -> None:\n    {}\n"
    caller = "import threading\n\nimport b\n\nLOCK = threading.Lock()\n\n\ndef f() -> None:\n    with LOCK:\n        b.pause()\n"
    root = write({"a.py": caller, "b.py": callee.format("pass")})
    commit(root)
    write({"b.py": callee.format("time.sleep(5)")})
    run = lockcheck("--new-since", "HEAD", "--output-format", "concise", ".")
    assert run.out.startswith("a.py:10:9: LCK202 ")


def test_work_tree_and_index_are_left_alone(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    commit(root)
    write({"a.py": CURED, "new.py": HAZARD.replace("send", "post")})
    git(root, "add", "new.py")
    before = {each: each.stat().st_mtime_ns for each in root.rglob("*") if each.is_file()}
    assert lockcheck("--new-since", "HEAD", ".").status == 1
    assert {each: each.stat().st_mtime_ns for each in root.rglob("*") if each.is_file()} == before


def test_what_was_suppressed_or_left_out_then_is_new_now(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD.replace("sleep(1)", "sleep(1)  # noqa"), "b.py": HAZARD.replace("send", "post")})
    write({".gitignore": "b.py\n"})
    commit(root)
    write({"a.py": HAZARD, ".gitignore": ""})
    run = lockcheck("--new-since", "HEAD", "--output-format", "concise", ".")
    assert [line.split(":")[0] for line in run.out.splitlines()] == ["a.py", "b.py"]


def test_project_below_the_root_of_the_repository(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"service/lockcheck.toml": "", "service/a.py": HAZARD, "other/a.py": HAZARD})
    commit(root)
    write({"service/b.py": HAZARD.replace("send", "post")})
    run = lockcheck("--new-since", "HEAD", "--output-format", "concise", "service")
    assert [line.split(":")[0] for line in run.out.splitlines()] == ["service/b.py"]


def test_hook_of_another_repository_does_not_confuse(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"a.py": HAZARD})
    commit(root)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert lockcheck("--new-since", "HEAD", ".").status == 0


@pytest.mark.parametrize("ref", ["nowhere", "--help", "HEAD:a.py", ""])
def test_ref_that_is_no_commit_is_named(ref: str, write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    commit(root)
    run = lockcheck(f"--new-since={ref}", "a.py")
    assert (run.status, run.out) == (2, "")
    assert f"there is no commit `{ref}`" in run.err


def test_outside_of_a_repository_it_is_said(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    run = lockcheck("--new-since", "HEAD", "a.py")
    assert (run.status, run.out) == (2, "")
    assert "not a git repository" in run.err


def test_without_git_it_is_said(write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"a.py": HAZARD})
    monkeypatch.setenv("PATH", "")
    run = lockcheck("--new-since", "HEAD", "a.py")
    assert run.status == 2
    assert "git cannot be run: " in run.err
