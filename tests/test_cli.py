"""The command line, as a user meets it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lockcheck as package
from lockcheck import __version__
from lockcheck.app.timing import Timing
from lockcheck.ui.render.stages import render_stages
from tests.conftest import HAZARD, Lockcheck, Write

CLEAN = "x = 1\n"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}


def test_status_tells_clean_from_found_from_failed(write: Write, lockcheck: Lockcheck) -> None:
    write({"clean/a.py": CLEAN, "found/a.py": HAZARD, "failed/a.py": HAZARD, "failed/b.py": b"\xff"})
    assert [lockcheck(folder).status for folder in ("clean", "found", "failed")] == [0, 1, 2]
    assert [lockcheck("--exit-zero", folder).status for folder in ("clean", "found", "failed")] == [0, 0, 2]


def test_check_is_the_default_command_and_here_the_default_path(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    assert lockcheck() == lockcheck("check") == lockcheck("check", ".") == lockcheck(".")


def test_two_runs_print_the_same(write: Write, lockcheck: Lockcheck) -> None:
    write({f"m{number}.py": HAZARD for number in range(5)})
    runs = [lockcheck("--no-cache", *extra) for extra in ((), ("--jobs", 1), ("--jobs", 2))]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--select", "LCK101"], 1),
        (["--select", "LCK2,LCK101"], 1),
        (["--select", "LCK2", "--select", "thread-lock-across-await"], 1),
        (["--select", "LCK2"], 0),
        (["--ignore", "LCK1"], 0),
        (["--select", "LCK2", "--extend-select", "LCK1"], 1),
    ],
)
def test_selection(write: Write, lockcheck: Lockcheck, arguments: list[str], status: int) -> None:
    write({"a.py": HAZARD})
    assert lockcheck(*arguments, ".").status == status


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--select", "LCK1O1"], "lockcheck: --select: unknown rule `LCK1O1`; did you mean `LCK101`?"),
        (["--ignore", "E501"], "lockcheck: --ignore: unknown rule `E501`"),
        (["--output-format", "xml"], "invalid choice: 'xml'"),
        (["--min-confidence", "sure"], "invalid choice: 'sure'"),
        (["--jobs", "0"], "`0` is no number of processes: write 1 or more"),
        (["--jobs", "x"], "`x` is no number of processes: write 1 or more"),
        (["-"], "-: the standard input has no name: say by --stdin-filename which file of the program it is"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["rule", "LCK1O1"], "lockcheck: rule: unknown rule `LCK1O1`; did you mean `LCK101`?"),
        (["rule", "lck5"], "lockcheck: rule: `lck5` is no one rule; with it begin LCK501, LCK502, LCK503, LCK504\n"),
        (["rule", ""], "lockcheck: rule: unknown rule ``\n"),
        (["rule", "LCK1012"], "lockcheck: rule: unknown rule `LCK1012`"),
        (["rule", "thread-lock-across-awai"], "did you mean `thread-lock-across-await`?"),
    ],
)
def test_wrong_usage(write: Write, lockcheck: Lockcheck, arguments: list[str], complaint: str) -> None:
    write({"a.py": HAZARD})
    run = lockcheck(*arguments)
    assert (run.status, run.out) == (2, "")
    assert complaint in run.err


def test_page_of_a_rule_by_code_and_by_name(lockcheck: Lockcheck) -> None:
    run = lockcheck("rule", "lck101")
    assert run.status == 0
    assert "## Bad" in run.out
    assert run == lockcheck("rule", "thread-lock-across-await")


def test_standard_input_stands_for_a_file(write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"pkg/__init__.py": "", "pkg/a.py": CLEAN, "pkg/b.py": HAZARD})
    for arguments in (["--stdin-filename", "pkg/a.py"], ["--stdin-filename", "pkg/a.py", "-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HAZARD.encode())))
        run = lockcheck("--output-format", "concise", *arguments)
        assert run.status == 1
        assert [line.partition(":")[0] for line in run.out.splitlines()] == ["pkg/a.py"]
    assert Path("pkg/a.py").read_text() == CLEAN


def test_standard_input_that_is_no_text(write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch) -> None:
    write({})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    run = lockcheck("--stdin-filename", "a.py")
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("lockcheck: a.py: the standard input cannot be decoded")


def test_statistics_in_place_of_findings(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "b.py": HAZARD, "c.py": "def f(:"})
    run = lockcheck("--statistics", ".")
    assert (run.status, run.out) == (1, "2\tLCK101\tthread-lock-across-await\n1\tLCK900\tsyntax-error\n")
    counted = lockcheck("--statistics", "--output-format", "json", ".").findings
    assert [(one["code"], one["count"]) for one in counted] == [("LCK101", 2), ("LCK900", 1)]


def test_quiet_leaves_the_findings(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": CLEAN, "b/a.py": HAZARD})
    assert lockcheck("-q", "a.py").out == ""
    assert "LCK101" in lockcheck("-q", "b").out


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True, env=ENVIRONMENT)


def test_version_comes_without_the_parsers() -> None:
    heavy = "'libcst', 'rich', 'astroid', 'pathspec'"
    script = f"import sys; from lockcheck.ui.cli import main; main(['--version']); print([n for n in ({heavy}) if n in sys.modules])"
    assert python("-c", script).stdout.splitlines() == [f"lockcheck {__version__}", "[]"]


def test_module_can_be_run(write: Write) -> None:
    write({"a.py": HAZARD})
    run = python("-m", "lockcheck", "--output-format", "concise", "--color", "never", "a.py")
    assert run.returncode == 1
    assert run.stdout.startswith("a.py:9:9: LCK101 ")
    assert run.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's pipe")
def test_reader_that_leaves_early_is_no_trouble(write: Write) -> None:
    write({f"m{number}.py": HAZARD for number in range(300)})
    command = f'"{sys.executable}" -m lockcheck . | head -n 1'
    run = subprocess.run(command, shell=True, text=True, capture_output=True, env=ENVIRONMENT)
    assert "LCK101" in run.stdout
    assert run.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_terminal_gets_colour(write: Write) -> None:
    import pty

    write({"a.py": HAZARD})
    leader, follower = pty.openpty()
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "lockcheck", "a.py"], stdout=follower, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        assert process.wait() == 1
    os.close(leader)
    assert b"\x1b[" in shown
    assert b"LCK101" in shown


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device on this system")
@pytest.mark.parametrize("words", [["check", "."], ["rule", "--all"], ["config"]])
def test_full_disk_is_no_bug_of_ours(write: Write, words: list[str]) -> None:
    write({"a.py": HAZARD})
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "lockcheck", *words]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT, timeout=120
        )
    assert done.returncode == 2
    assert done.stderr.startswith("lockcheck: the standard output cannot be written: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a folder that is somebody's current one cannot be removed there")
@pytest.mark.parametrize("words", [["."], ["rule", "LCK101"], ["config"], ["explain", "a.py:1"], ["graph"]])
def test_folder_that_is_gone_is_no_bug_of_ours(write: Write, lockcheck: Lockcheck, words: list[str]) -> None:
    root = write({"gone/a.py": HAZARD})
    os.chdir(root / "gone")
    (root / "gone" / "a.py").unlink()
    (root / "gone").rmdir()
    try:
        run = lockcheck(*words)
    finally:
        os.chdir(root)
    assert run == (2, "", "lockcheck: the current folder is there no more: change to another one\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes streams")
@pytest.mark.parametrize(("words", "status"), [("found.py", 1), ("clean.py", 0), ("nowhere.py", 2)])
@pytest.mark.parametrize("stream", [1, 2])
def test_closed_stream_changes_no_status(write: Write, words: str, status: int, stream: int) -> None:
    write({"found.py": HAZARD, "clean.py": CLEAN})
    command = ["sh", "-c", f'exec "$0" -m lockcheck {words} {stream}>&-', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120)
    assert done.returncode == status
    assert "internal error" not in done.stderr


def timed(err: str) -> dict[str, str]:
    """The lines of `--timing`, without seconds and shares, by what they tell of."""
    lines = [line for line in err.splitlines() if " s " in line]
    return {line[:18].strip(): line.partition("%")[2].strip() for line in lines}


def test_timing_tells_stages_and_counts_beside_the_findings(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD, "b.py": CLEAN})
    plain = lockcheck("--no-cache", ".")
    first = lockcheck("--timing", ".")
    assert first[:2] == plain[:2]
    assert timed(first.err)["reading"] == "2 files"
    assert timed(first.err)["extracting"] == "0 from the cache, 2 extracted"
    assert timed(first.err)["linking"] == "3 functions"  # a module's body is one
    assert timed(first.err)["triage"] == "1 findings shown"
    assert {"summarising", "checking", "presenting", "all"} <= set(timed(first.err))
    again = lockcheck("--timing", ".")
    assert again[:2] == plain[:2]
    assert timed(again.err)["replaying"] == "1 findings of the last run"
    assert "extracting" not in timed(again.err)
    (root / "b.py").write_text("x = 2\n")
    assert timed(lockcheck("--timing", ".").err)["extracting"] == "1 from the cache, 1 extracted"


def test_timing_names_the_slow_rules_the_slowest_first() -> None:
    ticks = iter([0.0, 0.0, 1.0, 1.5, 2.0, 4.0, 5.0, 5.001, 6.0])
    timing = Timing(lambda: next(ticks))
    with timing.stage("checking"):
        for code in ("LCK1", "LCK2", "LCK3"):
            with timing.stage(code, within="checking"):
                pass
    timing.count("checking", "rules", 3)
    assert render_stages(timing.stages(), 8.0).splitlines() == [
        "checking           6.000 s   75%  3 rules",
        "  LCK2             2.000 s   25%",
        "  LCK1             0.500 s    6%",
        "everything else    2.000 s   25%",
        "all                8.000 s  100%",
    ]
