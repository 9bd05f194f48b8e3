"""Comments that keep findings back: their forms, the lines they are about, and the other end of a pair."""

from __future__ import annotations

import pytest

from tests.conftest import HAZARD, Lockcheck, Write

AWAIT = "        await asyncio.sleep(1)"
FIRST_SIDE = """\
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def forward() -> None:
    with FIRST:
        with SECOND:  {}
            print("both")
"""
OTHER_SIDE = """\
from one import FIRST, SECOND


def take() -> None:
    with FIRST:  {}
        print("one")


def backward() -> None:
    with SECOND:  {}
        take()  {}
"""


def rows(run_out: str) -> list[tuple[str, str]]:
    return [(line.split(":")[0] + ":" + line.split(":")[1], line.split()[1]) for line in run_out.splitlines()]


def hazard(comment: str) -> str:
    return HAZARD.replace(AWAIT, f"{AWAIT}  {comment}")


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: LCK101",
        "# noqa: thread-lock-across-await",
        "# lockcheck: ignore",
        "# lockcheck: ignore[LCK101]",
        "# lockcheck: ignore[LCK101] since nobody waits",
        "# lockcheck: ignore[thread-lock-across-await, LCK202]",
        "# lockcheck: ignore[lck1]",
        "#lockcheck:ignore[ LCK101 ]",
        "# LOCKCHECK: IGNORE[ALL]",
        "# type: ignore  # lockcheck: ignore[LCK101] because  # noqa: E501",
    ],
)
def test_forms_that_suppress_on_their_line(comment: str, write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": hazard(comment)})
    assert lockcheck("--output-format", "concise", "a.py") == (0, "", "")


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# lockcheck: ignore[LCK202]", {"LCK101"}),
        ("# lockcheck: ignore[]", {"LCK101", "LCK902"}),
        ("# lockcheck: ignore[LCK101", {"LCK101", "LCK902"}),
        ("# lockcheck: ignore LCK101", {"LCK101", "LCK902"}),
        ("# lockcheck: ignore[LCK10l]", {"LCK101", "LCK902"}),
        ("# lockcheck: ignore[E501]", {"LCK101", "LCK902"}),
        ("# lockcheck: ignored", {"LCK101", "LCK902"}),
        ("# see lockcheck, which one may ignore", {"LCK101"}),
    ],
)
def test_what_does_not_suppress_is_said_to_be_wrong(
    comment: str, codes: set[str], write: Write, lockcheck: Lockcheck
) -> None:
    write({"a.py": hazard(comment)})
    assert {one["code"] for one in lockcheck("--output-format", "json", "a.py").findings} == codes


@pytest.mark.parametrize(
    ("comment", "status"),
    [
        ("# lockcheck: ignore-file", 0),
        ("# lockcheck: ignore-file[LCK101] a script", 0),
        ("# lockcheck: ignore-file[thread-lock-across-await]", 0),
        ("# lockcheck: noqa", 0),
        ("# lockcheck: noqa: LCK101 a script", 0),
        ("# flake8: noqa: LCK101", 0),
        ("# lockcheck: ignore-file[LCK202]", 1),
        ("# flake8: noqa: E501", 1),
    ],
)
def test_forms_that_are_about_the_whole_file(comment: str, status: int, write: Write, lockcheck: Lockcheck) -> None:
    write({"top.py": f"{comment}\n{HAZARD}", "bottom.py": f"{HAZARD}{comment}\n"})
    assert lockcheck("top.py").status == status
    assert lockcheck("bottom.py").status == status


def test_unknown_rule_has_the_nearest_named(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": "x = 1  # lockcheck: ignore[thread-lock-accross-await]\n# lockcheck: ignore-file[LCK1O1]\n"})
    told = [one["message"] for one in lockcheck("--output-format", "json", "a.py").findings]
    assert ["did you mean `thread-lock-across-await`" in told[0], "did you mean `LCK101`" in told[1]] == [True, True]


def test_comment_on_a_line_of_its_own_is_about_no_code_and_says_so(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD.replace(AWAIT, f"        # lockcheck: ignore[LCK101]\n{AWAIT}")})
    found = lockcheck("--output-format", "json", "a.py").findings
    assert [(one["code"], one["location"]["row"]) for one in found] == [("LCK902", 9), ("LCK101", 10)]


def test_comment_is_about_its_logical_line(write: Write, lockcheck: Lockcheck) -> None:
    head = HAZARD.replace(f"{AWAIT}\n", "")
    tails = {
        "brackets.py": "        await asyncio.sleep(\n            1,\n        )  # noqa: LCK101\n",
        "inside.py": "        await asyncio.sleep(\n            1,  # lockcheck: ignore[LCK101]\n        )\n",
        "alone.py": "        await asyncio.sleep(\n            # noqa: LCK101\n            1,\n        )\n",
        "string.py": '        await asyncio.sleep(len("""\n# not me\n"""))  # noqa: LCK101\n',
        "after.py": "        await asyncio.sleep(1)\n        print()  # noqa: LCK101\n",
        "header.py": "        await asyncio.sleep(1)\n",
        "quoted.py": '        await asyncio.sleep(len("""\n# noqa: LCK101\n"""))\n',
    }
    write({name: head + tail for name, tail in tails.items()})
    head_noqa = HAZARD.replace("with LOCK:", "with LOCK:  # noqa: LCK101")
    write({"header.py": head_noqa})
    shown = rows(lockcheck("--output-format", "concise", ".").out)
    assert shown == [("after.py:9", "LCK101"), ("header.py:9", "LCK101"), ("quoted.py:9", "LCK101")]


def test_decorators_are_lines_of_their_own(write: Write, lockcheck: Lockcheck) -> None:
    program = "import functools\n\n\n@functools.cache  {}\ndef f() -> None:  # lockcheck: holds nothing.here, ???  {}\n    pass\n"
    write({"on_def.py": program.format("", "# noqa: LCK902"), "above.py": program.format("# noqa: LCK902", "")})
    assert rows(lockcheck("--output-format", "concise", ".").out) == [("above.py:5", "LCK902")]


# Either end of a pair


def test_inversion_is_one_finding(write: Write, lockcheck: Lockcheck) -> None:
    write({"one.py": FIRST_SIDE.format(""), "two.py": OTHER_SIDE.format("", "", "")})
    assert rows(lockcheck("--output-format", "concise", ".").out) == [("one.py:9", "LCK301")]


@pytest.mark.parametrize("comment", ["# noqa: LCK301", "# lockcheck: ignore[inconsistent-lock-order] why not"])
@pytest.mark.parametrize("where", ["its own place", "the call of the other side", "where that takes the lock"])
def test_inversion_is_put_up_with_at_either_end(comment: str, where: str, write: Write, lockcheck: Lockcheck) -> None:
    places = ["its own place", "where that takes the lock", "the outer lock", "the call of the other side"]
    said = [comment if place == where else "" for place in places]
    write({"one.py": FIRST_SIDE.format(said[0]), "two.py": OTHER_SIDE.format(*said[1:])})
    assert lockcheck("--select", "LCK301,LCK901,LCK902", "--output-format", "concise", ".") == (0, "", "")


def test_place_where_the_first_lock_is_taken_is_no_end(write: Write, lockcheck: Lockcheck) -> None:
    write({"one.py": FIRST_SIDE.format(""), "two.py": OTHER_SIDE.format("", "# noqa: LCK301", "")})
    shown = rows(lockcheck("--select", "LCK301,LCK901", "--output-format", "concise", ".").out)
    assert shown == [("one.py:9", "LCK301"), ("two.py:10", "LCK901")]


def test_bare_noqa_at_the_other_end_is_about_its_own_line(write: Write, lockcheck: Lockcheck) -> None:
    write({"one.py": FIRST_SIDE.format(""), "two.py": OTHER_SIDE.format("# noqa", "# noqa", "# noqa")})
    assert lockcheck(".").status == 1
    write({"two.py": OTHER_SIDE.format("", "", "# lockcheck: ignore")})
    assert lockcheck(".").status == 0


@pytest.mark.parametrize(
    ("comment", "status"),
    [
        ("# lockcheck: ignore-file[LCK301]", 0),
        ("# lockcheck: noqa: LCK301", 0),
        ("# flake8: noqa: LCK301", 0),
        ("# lockcheck: ignore-file[LCK302]", 1),
        ("# flake8: noqa", 1),
    ],
)
def test_other_end_lies_in_a_file_that_puts_up_with_it(
    comment: str, status: int, write: Write, lockcheck: Lockcheck
) -> None:
    write({"one.py": FIRST_SIDE.format(""), "two.py": f"{comment}\n{OTHER_SIDE.format('', '', '')}"})
    assert lockcheck("--select", "LCK301,LCK901", ".").status == status


def test_join_is_put_up_with_where_the_joined_thread_takes_the_lock(write: Write, lockcheck: Lockcheck) -> None:
    program = """\
import threading

LOCK = threading.Lock()


def work() -> None:
    with LOCK:  {}
        print("work")


def stop() -> None:
    thread = threading.Thread(target=work)
    thread.start()
    with LOCK:
        thread.join()
"""
    write({"a.py": program.format("")})
    assert rows(lockcheck("--output-format", "concise", "a.py").out) == [("a.py:15", "LCK203")]
    write({"a.py": program.format("# lockcheck: ignore[join-under-lock] it is daemonic")})
    assert lockcheck("--extend-select", "LCK901", "a.py").status == 0


# LCK901 and its fix


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1  # lockcheck: ignore[LCK101] why\n", "x = 1\n"),
        ("x = 1  # lockcheck: ignore[LCK101] why  # noqa: E501\n", "x = 1  # noqa: E501\n"),
        ("x = 1  # noqa: E501  # lockcheck: ignore[LCK101] why\n", "x = 1  # noqa: E501\n"),
        ("x = 1  # lockcheck: ignore[LCK101] a  # noqa: LCK101\n", "x = 1\n"),
        ("# lockcheck: noqa: LCK101 why\nx = 1\n", "x = 1\n"),
        ("# flake8: noqa: LCK101\nx = 1\n", "x = 1\n"),
        ("# flake8: noqa: E501, LCK101\nx = 1\n", "# flake8: noqa: E501\nx = 1\n"),
    ],
)
def test_fix_of_every_form(before: str, after: str, write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": before})
    assert lockcheck("--select", "LCK101,LCK901", "--fix", "a.py").status == 0
    assert (root / "a.py").read_text().lstrip("\n") == after


def test_fix_leaves_the_entries_that_are_of_use(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": hazard("# lockcheck: ignore[LCK202, LCK101] why")})
    assert lockcheck("--select", "LCK101,LCK202,LCK901", "--fix", "a.py").status == 0
    assert (root / "a.py").read_text() == hazard("# lockcheck: ignore[LCK101] why")


def test_bare_ignore_is_of_no_use_only_when_every_rule_was_asked(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": "x = 1  # lockcheck: ignore\n"})
    assert lockcheck("--select", "LCK101,LCK901", "a.py").status == 0
    assert lockcheck("--select", "ALL", "--fix", "a.py").status == 0
    assert (root / "a.py").read_text() == "x = 1\n"
