"""`lockcheck explain`: what is told of a place, with a finding there and without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import HAZARD, Lockcheck, Write
from tests.programs import BANK

WORKER = """\
import threading
import time

import requests


class Worker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = threading.RLock()
        self._busy = False

    def start(self) -> None:
        threading.Thread(target=self._run).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._fetch()  # noqa: LCK201
            with self._state:
                self._busy = False

    def _fetch(self) -> None:
        requests.get("http://localhost")
        count = 1
        print(count)

    def stop(self) -> None:
        if self._busy:
            self._lock.acquire()
        # a comment

        print("done")
"""


def explain(lockcheck: Lockcheck, place: str, *options: str) -> dict[str, Any]:
    run = lockcheck("explain", place, "--output-format", "json", *options)
    assert (run.status, run.err) == (0, "")
    found: dict[str, Any] = json.loads(run.out)
    return found


def held(told: dict[str, Any]) -> list[tuple[str, bool, int]]:
    return [(each["name"], each["on_every_path"], each["steps"][0]["location"]["row"]) for each in told["held"]]


def verdict(told: dict[str, Any], code: str) -> tuple[bool, str]:
    (found,) = [each for each in told["findings"] if each["code"] == code]
    return found["reported"], "; ".join(found["reasons"])


def test_a_finding_is_told_with_both_sides_and_what_its_locks_are(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    run = lockcheck("explain", "bank.py:11")
    assert (run.status, run.err) == (0, "")
    for line in (
        "bank.py:11:18 LCK301 [high]",
        "  one side:",
        "  the other side:",
        "`_zero` is called in `Bank.replay`",
        "  Bank._audit_lock: threading.RLock, re-entrant",
        "    made at bank.py:7: self._audit_lock = threading.RLock()",
        "    Who holds it keeps other threads waiting; its holder may take it again.",
        "    taken at bank.py:19 in bank.Bank._zero, run by whoever calls bank.Bank.replay",
    ):
        assert line in run.out


def test_a_step_of_a_finding_elsewhere_is_told_too(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    (found,) = [each for each in explain(lockcheck, "bank.py:16")["findings"] if each["code"] == "LCK301"]
    assert (found["stands_here"], found["reported"], found["location"]["row"]) == (False, True, 11)
    assert "The line is a step of this finding." in lockcheck("explain", "bank.py:16").out


def test_a_whole_file_and_a_column(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "bank.py": BANK})
    assert {each["code"] for each in explain(lockcheck, "a.py")["findings"] if each["reported"]} == {"LCK101"}
    assert "LCK101" in {each["code"] for each in explain(lockcheck, "a.py:9:9")["findings"]}
    assert explain(lockcheck, "a.py:9:1")["findings"] == []


def test_locks_held_at_a_line_without_finding(write: Write, lockcheck: Lockcheck) -> None:
    write({"work.py": WORKER})
    assert held(explain(lockcheck, "work.py:21")) == [("Worker._state", True, 20)]
    assert held(explain(lockcheck, "work.py:20")) == []
    told = lockcheck("explain", "work.py:21").out
    assert "Held at this line\n  Worker._state\n    work.py:20 takes `Worker._state`: with self._state:\n" in told


def test_of_functions_of_one_name_that_is_told_which_stands_there(write: Write, lockcheck: Lockcheck) -> None:
    once = "def work():\n    with {}:\n        print()\n"
    text = "import threading\n\nA = threading.Lock()\nB = threading.Lock()\n\n\n"
    write({"work.py": f"{text}{once.format('A')}\n\n{once.format('B')}"})
    assert held(explain(lockcheck, "work.py:9")) == [("A", True, 8)]
    assert held(explain(lockcheck, "work.py:14")) == [("B", True, 13)]


def test_a_lock_that_is_held_on_some_paths_is_said_to_be_so(write: Write, lockcheck: Lockcheck) -> None:
    write({"work.py": WORKER})
    expected = [("Worker._lock", False, 30)]
    for row in (31, 32, 33):  # a comment and a blank line stand for what comes after them
        assert sorted(held(explain(lockcheck, f"work.py:{row}"))) == expected


def test_locks_that_callers_hold_and_who_runs_the_function(write: Write, lockcheck: Lockcheck) -> None:
    write({"work.py": WORKER})
    told = explain(lockcheck, "work.py:25")
    assert told["held"] == []
    (outer,) = told["held_by_callers"]
    assert (outer["caller"], outer["locks"], outer["always"]) == ("work.Worker._run", ["Worker._lock"], True)
    assert outer["location"]["row"] == 19
    (runner,) = told["runs_in"]
    assert (runner["kind"], runner["started_by"], runner["started"]["location"]["row"]) == (
        "thread",
        "work.Worker.start",
        14,
    )


def test_what_a_line_comes_to_through_calls(write: Write, lockcheck: Lockcheck) -> None:
    write({"work.py": WORKER})
    (reached,) = explain(lockcheck, "work.py:19")["reaches"]
    assert (reached["what"], reached["name"]) == ("waits for the network", "requests.get")
    assert [step["location"]["row"] for step in reached["steps"]] == [19, 24]
    assert (
        "  waits for the network `requests.get`\n    work.py:19 calls `_fetch`:"
        in lockcheck("explain", "work.py:19").out
    )


def test_why_a_finding_is_not_reported(write: Write, lockcheck: Lockcheck) -> None:
    write({"work.py": WORKER})
    told = explain(lockcheck, "work.py:19")
    assert verdict(told, "LCK201") == (False, "a comment suppresses it: `# noqa: LCK201` in row 19")
    assert (
        "  not in the report: a comment suppresses it: `# noqa: LCK201` in row 19"
        in lockcheck("explain", "work.py:19").out
    )
    reported, reason = verdict(explain(lockcheck, "work.py:24"), "LCK610")
    assert (reported, reason) == (False, "the rule is off by default: `--extend-select LCK610` turns it on")


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ('ignore = ["LCK101"]', "the rule is not selected here: `--extend-select LCK101` turns it on"),
        ('per-file-ignores = {"a.py" = ["LCK1"]}', "`per-file-ignores` leaves the rule out in this file"),
        ("", ""),
    ],
)
def test_configuration_is_a_reason(write: Write, lockcheck: Lockcheck, configuration: str, reason: str) -> None:
    write({"lockcheck.toml": configuration, "a.py": HAZARD})
    assert verdict(explain(lockcheck, "a.py:9"), "LCK101") == (not reason, reason)


def test_every_reason_is_given(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": 'ignore = ["LCK101"]', "a.py": HAZARD.replace("sleep(1)", "sleep(1)  # noqa")})
    reported, reasons = verdict(explain(lockcheck, "a.py:9"), "LCK101")
    assert not reported
    assert "not selected here" in reasons
    assert "`# noqa` in row 9" in reasons


GUESS = """\
import asyncio


class Room:
    def __init__(self, pool) -> None:
        self._lock = pool.get_lock()

    async def send(self) -> None:
        with self._lock:
            await asyncio.sleep(1)
"""


def test_low_confidence_is_a_reason(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": GUESS})
    reported, reason = verdict(explain(lockcheck, "a.py:10"), "LCK101")
    assert not reported
    assert reason == "its confidence is low, which is less than is shown here: `--min-confidence low` shows it"


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("nowhere.py:3", "lockcheck: nowhere.py: no such file"),
        ("a.py:99", "lockcheck: a.py has no line 99: it has 10"),
        ("a.py:0", "lockcheck: a.py has no line 0: it has 10"),
        ("", "no such file"),
        (".", "lockcheck: .: is a folder; name a file in it"),
    ],
)
def test_a_place_that_is_not_there(write: Write, lockcheck: Lockcheck, place: str, complaint: str) -> None:
    write({"a.py": HAZARD})
    run = lockcheck("explain", place)
    assert (run.status, run.out) == (2, "")
    assert complaint in run.err


def test_a_file_that_is_not_python_is_told_to_be_none(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": "def f(:\n"})
    told = explain(lockcheck, "a.py:1")
    assert [each["code"] for each in told["findings"]] == ["LCK900"]
    assert told["function"] is None


def test_module_level_and_coroutines_have_their_runners(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    assert [r["kind"] for r in explain(lockcheck, "a.py:4")["runs_in"]] == ["import"]
    assert [r["kind"] for r in explain(lockcheck, "a.py:9")["runs_in"]] == ["loop"]
