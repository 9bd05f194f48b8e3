"""What a finding is known by: the same from run to run, and no other's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import HAZARD, Lockcheck, Run, Write

TWICE = f"""{HAZARD}

async def again():
    with LOCK:
        await asyncio.sleep(1)
    with LOCK:
        await asyncio.sleep(1)
"""
"""Three LCK101, of which two are equal."""


def marks(run: Run) -> list[str]:
    return [one["fingerprint"] for one in run.findings]


@pytest.fixture
def found(lockcheck: Lockcheck) -> Lockcheck:
    def run(*arguments: object) -> Run:
        return lockcheck("--output-format", "json", *arguments)

    return run


def test_equal_hazards_are_told_apart(write: Write, found: Lockcheck) -> None:
    write({"a.py": TWICE, "b.py": TWICE})
    seen = marks(found("."))
    assert len(seen) == len(set(seen)) == 6


def test_moved_lines_change_nothing(write: Write, found: Lockcheck) -> None:
    write({"a.py": TWICE})
    before = marks(found("a.py"))
    write({"a.py": "# One more line.\nimport os\n" + TWICE.replace("    with", "\n    with")})
    assert marks(found("a.py")) == before


def test_lambdas_and_functions_of_one_name_may_move_too(write: Write, found: Lockcheck) -> None:
    name = "def twice():\n    LOCK.acquire()\n"
    text = f"import threading\n\nLOCK = threading.Lock()\ntop = lambda: LOCK.acquire()\n\n\n{name}\n\n{name}"
    text += "\n\nclass Room:\n    go = lambda self: LOCK.acquire()\n"
    write({"a.py": text})
    before = marks(found("--select", "LCK609", "a.py"))
    assert len(set(before)) == 4
    write({"a.py": text.replace("top =", "\n\ntop =").replace("class Room:\n", "class Room:\n    x = 1\n\n")})
    assert marks(found("--select", "LCK609", "a.py")) == before


def test_renamed_files_and_folders_change_nothing(write: Write, found: Lockcheck) -> None:
    root = write({"app/__init__.py": "", "app/rooms.py": TWICE})
    before = marks(found("."))
    (root / "app" / "rooms.py").rename(root / "app" / "halls.py")
    assert marks(found(".")) == before
    (root / "app").rename(root / "house")
    assert marks(found(".")) == before
    (root / "house" / "halls.py").rename(root / "script.py")
    assert marks(found(".")) == before


def test_renamed_file_may_be_reported_at_the_other_side(write: Write, found: Lockcheck, lockcheck: Lockcheck) -> None:
    locks = "import threading\n\nA = threading.Lock()\nB = threading.Lock()\n"
    side = "from locks import A, B\n\n\ndef {}():\n    with {}:\n        with {}:\n            pass\n"
    root = write({"locks.py": locks, "a.py": side.format("one", "A", "B"), "b.py": side.format("two", "B", "A")})
    before = marks(found("."))
    lockcheck("--write-baseline", "known.json", ".")
    (root / "a.py").rename(root / "z.py")
    after = found(".")
    assert [Path(one["filename"]).name for one in after.findings] == ["b.py"]
    assert marks(after) == before
    assert lockcheck("--baseline", "known.json", ".").status == 0
    write({"z.py": side.format("three", "A", "B")})
    assert lockcheck("--baseline", "known.json", ".").status == 1


def test_renamed_function_and_other_lock_are_other_hazards(write: Write, found: Lockcheck) -> None:
    write({"a.py": HAZARD})
    before = marks(found("a.py"))
    for text in (HAZARD.replace("send", "post"), HAZARD.replace("LOCK", "GATE")):
        write({"a.py": text})
        assert marks(found("a.py")) != before


def test_what_is_shown_changes_no_number(write: Write, found: Lockcheck) -> None:
    write({"lockcheck.toml": "", "a.py": HAZARD, "b.py": HAZARD, "c.py": HAZARD})
    everything = marks(found("."))
    assert marks(found("b.py")) == everything[1:2]
    write({"a.py": HAZARD.replace("sleep(1)", "sleep(1)  # noqa")})
    assert marks(found(".")) == everything[1:]


def test_same_in_every_form_that_has_it(write: Write, found: Lockcheck, lockcheck: Lockcheck) -> None:
    write({"a.py": TWICE})
    known = marks(found("a.py"))
    gitlab = json.loads(lockcheck("--output-format", "gitlab", "a.py").out)
    assert [one["fingerprint"] for one in gitlab] == known
    (run,) = json.loads(lockcheck("--output-format", "sarif", "a.py").out)["runs"]
    assert [one["partialFingerprints"]["lockcheck/v1"] for one in run["results"]] == known
