"""Ctrl-C at any moment, streams that nobody reads, a full disk under fixes, and clocks that are wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lockcheck as package
from lockcheck.app.table import OUTPUT_FORMATS
from tests.conftest import HAZARD, Lockcheck, Write

if sys.platform == "win32":
    pytest.skip("there are no such signals, streams and limits", allow_module_level=True)

WRONG = """\
import asyncio

LOCK = asyncio.Lock()


async def send():
    with LOCK:
        await asyncio.sleep(1)
"""
RIGHT = WRONG.replace("    with LOCK", "    async with LOCK")
LARGE = f'X = {"(" * 60}1{")" * 60}\n"""' + "A long text.\n" * 3_000 + '"""\n'
"""What is read by a worker process."""

STARTED = """\
import os, sys
try:
    os.write(int(sys.argv[1]), b"x")
    del sys.argv[1]
    import runpy
    runpy.run_module("lockcheck", run_name="__main__", alter_sys=True)
except KeyboardInterrupt:
    sys.exit(130)
"""
"""Tells that Python has started, for what it does before that is none of ours."""

MARK = "LOCKCHECK_TEST_MARK"


class Process:
    """A lockcheck in a folder, in a group of processes of its own."""

    def __init__(self, root: Path, cache: Path, *words: str) -> None:
        self.mark = f"{root}-{time.monotonic_ns()}"
        ready, told = os.pipe()
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(package.__file__).parent.parent),
            "LOCKCHECK_CACHE_DIR": str(cache),
            MARK: self.mark,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", STARTED, str(told), *words],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=(told,),
        )
        os.close(told)
        os.read(ready, 1)
        os.close(ready)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends, to the whole group."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        out, err = self._process.communicate(timeout=120)
        return self._process.returncode, out, err

    def left(self) -> list[int]:
        """Processes that it has started and that are still there after a while."""
        until = time.monotonic() + 20
        while (found := list(self._alive())) and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def _alive(self) -> Iterator[int]:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile, or is somebody else's
                if self.mark.encode() in (folder / "environ").read_bytes():
                    yield int(folder.name)


@pytest.mark.once
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by their environment")
@pytest.mark.parametrize("words", [("--fix", "--select", "LCK602"), ("--output-format", "json")], ids=["fix", "check"])
def test_ctrl_c_at_any_moment_ends_everything_and_leaves_files_whole(
    write: Write, tmp_path: Path, words: tuple[str, ...]
) -> None:
    names = [f"m{number}.py" for number in range(4)]

    def fresh(turn: int) -> tuple[Path, Path]:
        root = write(dict.fromkeys(names, LARGE + WRONG))
        return root, tmp_path / f"cache {turn}"

    begun = time.monotonic()
    whole = Process(*fresh(0), *words, ".")
    status, right, _ = whole.end()
    needed = time.monotonic() - begun
    statuses = set()
    for turn in range(1, 7):
        root, cache = fresh(turn)
        process = Process(root, cache, *words, ".")
        time.sleep(needed * turn / 7)
        process.interrupt()
        done, out, err = process.end()
        statuses.add(done)
        assert done in (130, -signal.SIGINT, status), (turn, err)  # a signal at Python's own end is 130 to a shell
        assert "Traceback" not in err, (turn, err)
        assert out in ("", right)
        assert process.left() == []
        assert sorted(file.name for file in root.iterdir()) == names
        assert {file.read_text() for file in root.iterdir()} <= {LARGE + WRONG, LARGE + RIGHT}
    assert 130 in statuses


def gone() -> int:
    """A pipe whose reader has left."""
    ready, told = os.pipe()
    os.close(ready)
    return told


def full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}


def streamed(*words: str, stdout: int | None = None, stderr: int | None = None) -> tuple[int, str]:
    """The status of a run with these streams, and what it said where that could be read."""
    command = [sys.executable, "-m", "lockcheck", *words]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE if stderr is None else stderr,
            env=ENVIRONMENT,
            check=False,
            timeout=120,
        )
    finally:
        for stream in {stdout, stderr} - {None}:
            os.close(stream or 0)
    return done.returncode, (done.stderr or b"").decode()


@pytest.mark.once
@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_a_reader_that_has_left_has_seen_enough_in_every_format(write: Write, form: str) -> None:
    write({"a.py": HAZARD})
    assert streamed("--output-format", form, ".", stdout=gone()) == (1, "")


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "status"),
    [(("a.py",), 1), (("clean.py",), 0), (("bad.py",), 2), (("nowhere.py",), 2), (("--select", "LCK1O1"), 2), (("graph",), 2)],
)  # fmt: skip
@pytest.mark.parametrize("stream", [gone, full] if Path("/dev/full").exists() else [gone])
def test_a_standard_error_that_cannot_be_written_changes_no_status(
    write: Write, words: tuple[str, ...], status: int, stream: Callable[[], int]
) -> None:
    write({".git/HEAD": "", "a.py": HAZARD, "clean.py": "x = 1\n", "bad.py": b"\xff"})
    assert streamed(*words, stderr=stream())[0] == status


LIMITED = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
from lockcheck.ui.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""lockcheck where no file can grow beyond 512 bytes."""


@pytest.mark.once
def test_a_disk_that_is_full_leaves_sources_as_they_were(write: Write) -> None:
    root = write({"a.py": WRONG, "b.py": WRONG + "# long\n" * 100})
    command = [sys.executable, "-c", LIMITED, "--no-cache", "--select", "LCK602", "--fix", "."]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "lockcheck: b.py: not fixed: File too large" in done.stderr
    assert {file.name: file.read_text() for file in root.iterdir()} == {"a.py": RIGHT, "b.py": WRONG + "# long\n" * 100}
    report = [*command[:3], "--no-cache", "--output-format", "sarif", "--output-file", "report.sarif", "."]
    done = subprocess.run(report, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (2, "lockcheck: report.sarif: cannot be written: File too large\n")
    assert sorted(file.name for file in root.iterdir()) == ["a.py", "b.py"]


@pytest.mark.parametrize("years", [-60, 60])
def test_a_file_of_another_age_is_seen_to_change(write: Write, lockcheck: Lockcheck, years: int) -> None:
    root = write({"a.py": HAZARD})
    stamp = max(0, time.time_ns() + years * 31_557_600 * 10**9)
    quiet = HAZARD.replace("with LOCK:", "if   LOCK:")
    for text, status in ((HAZARD, 1), (quiet, 0), (HAZARD, 1)):
        (root / "a.py").write_text(text)
        os.utime(root / "a.py", ns=(stamp, stamp))
        assert [lockcheck(".").status for _ in range(2)] == [status, status]
