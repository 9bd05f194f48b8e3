"""Extraction on a Dask cluster: what it finds is what this machine finds alone, whatever becomes of the cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lockcheck as package
from tests.conftest import HAZARD, Lockcheck, Write

pytestmark = pytest.mark.once

ROOT = Path(package.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
FORM = ("--output-format", "concise")
LONG = '"""' + "A long text.\n" * 5_000 + '"""\n'
PROGRAM = {f"m{number}.py": LONG + HAZARD for number in range(8)}
NEEDS_WORKERS = f"X = {'(' * 60}1{')' * 60}\n"


@contextmanager
def cluster(workers: int, mark: Path | str = "-") -> Iterator[str]:
    """Start a cluster, and give what asks for it."""
    command = [sys.executable, "-m", "tests.cluster", str(workers), str(mark)]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("tcp://")
        yield address.replace("tcp://", "dask://")
        process.communicate("", timeout=120)


def run(*words: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "lockcheck", *FORM, *map(str, words)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


def test_cluster_finds_what_is_found_without_one_though_a_worker_is_killed(write: Write, tmp_path: Path) -> None:
    write({**PROGRAM, "m3.py": PROGRAM["m3.py"] + "# fatal\n", "nested.py": HAZARD + NEEDS_WORKERS})
    status, out, _ = run("--no-cache", ".")
    assert (status, out.count("LCK101")) == (1, 9)
    mark = tmp_path / "killed"
    with cluster(3, mark) as address:
        assert run("--no-cache", "--executor", address, ".") == (status, out, "")
        assert mark.exists()
        assert run("--cache-dir", tmp_path / "cache", "--executor", address, ".") == (status, out, "")
    # The cluster is gone, and nothing is left to be extracted.
    assert run("--cache-dir", tmp_path / "cache", "--executor", address, "--select", "LCK101", ".")[:2] == (status, out)


def test_scheduler_that_is_not_there_is_said_and_nothing_is_reported(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PROGRAM)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"dask://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setattr("lockcheck.app.cluster._REACH", 1)
        done = lockcheck("--no-cache", "--executor", address, *FORM, ".")
    assert (done.status, done.out) == (2, "")
    assert f"lockcheck: --executor {address}: cannot be used: " in done.err


@pytest.mark.parametrize("address", ["dask://", "dask://host", "tcp://host:1", "host:8786", "dask://host:port"])
def test_what_is_no_cluster_is_wrong_usage(write: Write, lockcheck: Lockcheck, address: str) -> None:
    write(PROGRAM)
    done = lockcheck("--executor", address, ".")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"lockcheck: --executor {address}: is no cluster: write dask://HOST:PORT\n"


def test_without_dask_it_is_said_what_to_install(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PROGRAM)
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = lockcheck("--executor", "dask://host:8786", ".")
    assert (done.status, done.out) == (2, "")
    assert 'pip install "lockcheck[dask]"' in done.err


class Scripted:
    """A client whose cluster answers as a test wants."""

    def __init__(self, answers: list[object]) -> None:
        self.answers = answers
        self.closed = False

    def __call__(self, *_: object, **__: object) -> Scripted:
        return self

    def wait_for_workers(self, *_: object, **__: object) -> None:
        pass

    def map(self, func: object, requests: list[bytes], **_: object) -> list[Scripted]:
        assert callable(func)
        self.asked = [func(request) for request in requests]
        return [Scripted([answer]) for answer in (self.answers * len(requests))[: len(requests)]]

    def result(self, **_: object) -> object:
        (answer,) = self.answers
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (TimeoutError(), "TimeoutError"),
        (ConnectionError("the scheduler is gone\nfar away"), "the scheduler is gone"),
        (b"\xc1 no reply of ours", "MessagePack data is malformed"),
        (None, "its workers have another lockcheck, another Python or other libraries than this machine"),
    ],
)
def test_what_the_cluster_does_not_do_is_done_here(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch, answer: object, said: str
) -> None:
    write(PROGRAM)
    right = lockcheck("--no-cache", *FORM, ".")
    client = Scripted([answer])
    monkeypatch.setattr("distributed.Client", client)
    done = lockcheck("--no-cache", "--executor", "dask://host:8786", *FORM, ".")
    assert done[:2] == right[:2]
    assert done.err.count("\n") == 1
    assert done.err.startswith("lockcheck: cluster: dask://host:8786: the rest is extracted here: ")
    assert said in done.err
    assert client.closed
    assert all(isinstance(reply, bytes) for reply in client.asked)
