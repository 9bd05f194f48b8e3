"""Some damaged programs through the whole of lockcheck; `python -m tests.fuzz` tries as many as there is time for."""

from __future__ import annotations

import argparse
import contextlib
import io

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.inputs import corpus, made_input
from tests.fuzz.shrink import shrunk
from tests.fuzz.trial import complaints
from tests.fuzz.watch import Tally


@pytest.mark.once
def test_a_damaged_program_is_no_trouble(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "480", "--batch", "32", "--seed", "2026"]) == 0
    assert capfd.readouterr().out.startswith("480 inputs, each tried twice, seed 2026: 0 failed")


def test_an_input_is_made_again_by_its_seed_and_number() -> None:
    assert [made_input(corpus([]), 7, number) for number in range(50)] == [
        made_input(corpus([]), 7, number) for number in range(50)
    ]


def test_what_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockcheck.analysis.extract.extract", lambda _text: 1 // 0)
    with contextlib.redirect_stdout(io.StringIO()):
        found = complaints([{"a.py": b"x = 1\n"}])
    assert "internal error" in found[0]


def test_what_comes_out_otherwise_the_second_time_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(argparse.Namespace(seed=3, batch=64, count=100))
    for batch, sign in ((0, "a"), (1, "b"), (1, "c"), (0, "a")):
        tally.add(batch, 50, sign, 0.1)
    assert (tally.inputs, tally.failed) == (100, 1)
    assert capsys.readouterr().out == "DIFFERS between two runs: an input of 64 to 99, seed 3\n"


def test_what_fails_is_made_smaller() -> None:
    files = {"a.py": b"one = 1\ntwo = 2\nthree = (two + one)\n", "b.py": b"pass\n"}
    assert shrunk(files, lambda program: b"two +" in program.get("a.py", b""), 10.0) == {"a.py": b"two +"}
