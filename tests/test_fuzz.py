"""Some damaged programs through the whole of lockcheck; `python -m tests.fuzz` tries as many as there is time for."""

from __future__ import annotations

import contextlib
import io

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.inputs import corpus, made_input
from tests.fuzz.shrink import shrunk
from tests.fuzz.trial import complaints


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


def test_what_fails_is_made_smaller() -> None:
    files = {"a.py": b"one = 1\ntwo = 2\nthree = (two + one)\n", "b.py": b"pass\n"}
    assert shrunk(files, lambda program: b"two +" in program.get("a.py", b""), 10.0) == {"a.py": b"two +"}
