"""`--add-noqa`: comments are written once, where they can stand, beside what stands there."""

from __future__ import annotations

import textwrap

import pytest

from tests.conftest import HAZARD, Lockcheck, Write

HEAD = """\
import asyncio
import threading
import time

LOCK = threading.Lock()


async def send(peer):
    with LOCK:
"""


def body(text: str) -> str:
    return HEAD + textwrap.indent(textwrap.dedent(text).lstrip("\n"), " " * 8)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("await peer.a()\n", "await peer.a()  # noqa: LCK101\n"),
        ("await peer.a()   \n", "await peer.a()  # noqa: LCK101\n"),
        ("await peer.a()  # a word\n", "await peer.a()  # a word  # noqa: LCK101\n"),
        ("await peer.a()  # noqa: E501\n", "await peer.a()  # noqa: E501, LCK101\n"),
        ("await peer.a()  # noqa:E501,W291 (long)\n", "await peer.a()  # noqa:E501,W291, LCK101 (long)\n"),
        (
            "await peer.a()  # lockcheck: ignore[LCK202] why\n",
            "await peer.a()  # lockcheck: ignore[LCK202] why  # noqa: LCK101\n",
        ),
        ("await peer.a(\n    1,\n)\n", "await peer.a(  # noqa: LCK101\n    1,\n)\n"),
        ("await peer.a(1, \\\n    2)\n", "await peer.a(1, \\\n    2)  # noqa: LCK101\n"),
        ('await peer.a("""\n# text\n""", 1)\n', 'await peer.a("""\n# text\n""", 1)  # noqa: LCK101\n'),
        ('await peer.a(f"""\n{1}\n""", 1)  # why\n', 'await peer.a(f"""\n{1}\n""", 1)  # why  # noqa: LCK101\n'),
        (
            'await peer.a("""\n""", """\n""")  # noqa: E501\n',
            'await peer.a("""\n""", """\n""")  # noqa: E501, LCK101\n',
        ),
    ],
)
def test_where_and_how(before: str, after: str, write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": body(before)})
    run = lockcheck("--select", "LCK101", "--add-noqa", "a.py")
    assert (run.status, run.out, run.err) == (0, "", "1 noqa comment added\n")
    assert (root / "a.py").read_text() == body(after)
    assert lockcheck("--select", "LCK101", "a.py").status == 0
    run = lockcheck("--select", "LCK101", "--add-noqa", "a.py")
    assert (run.status, run.err) == (0, "0 noqa comments added\n")
    assert (root / "a.py").read_text() == body(after)


def test_several_codes_of_a_line_share_a_comment(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": body("await peer.a(); time.sleep(1)\n")})
    codes = {one["code"] for one in lockcheck("--output-format", "json", "a.py").findings}
    assert len(codes) > 1
    assert lockcheck("--add-noqa=for now", "a.py").err == "1 noqa comment added\n"
    assert f"# noqa: {', '.join(sorted(codes))} for now\n" in (root / "a.py").read_text()
    assert lockcheck("a.py").status == 0


def test_reason_needs_the_sign_and_is_one_line(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    run = lockcheck("--add-noqa=a\nb", "a.py")
    assert (run.status, run.err) == (2, "lockcheck: --add-noqa: the reason must be one line of text\n")
    assert (root / "a.py").read_text() == HAZARD
    assert lockcheck("--add-noqa", "a.py").err == "1 noqa comment added\n"


def test_files_keep_their_line_ends_and_only_those_asked_about_change(write: Write, lockcheck: Lockcheck) -> None:
    windows = HAZARD.replace("\n", "\r\n").encode()
    root = write({"lockcheck.toml": "", "a.py": b"\xef\xbb\xbf" + windows, "b.py": HAZARD})
    lockcheck("--add-noqa", "a.py")
    expected = windows.replace(b"sleep(1)", b"sleep(1)  # noqa: LCK101")
    assert (root / "a.py").read_bytes() == b"\xef\xbb\xbf" + expected
    assert (root / "b.py").read_text() == HAZARD


def test_other_end_is_marked_where_the_finding_stands_in_a_file_nobody_asked_about(
    write: Write, lockcheck: Lockcheck
) -> None:
    one = "import threading\n\nA = threading.Lock()\nB = threading.Lock()\n\n\ndef f():\n    with A:\n        with B:\n            pass\n"
    two = "from one import A, B\n\n\ndef g():\n    with B:\n        with A:\n            pass\n"
    root = write({"lockcheck.toml": "", "one.py": one, "two.py": two})
    assert lockcheck("--add-noqa", "two.py").status == 0
    assert (root / "one.py").read_text() == one
    assert (root / "two.py").read_text() == two.replace("with A:", "with A:  # noqa: LCK301")
    assert lockcheck(".").status == 0


def test_what_no_comment_can_silence_is_still_reported(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "b.py": "def f(:\n"})
    run = lockcheck("--add-noqa", "--output-format", "concise", ".")
    assert run.status == 1
    assert run.out.startswith("b.py:1:7: LCK900 ")
    assert run.err == "1 noqa comment added, 1 finding left\n"


def test_known_findings_get_no_comment(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    lockcheck("--write-baseline", "known.json", ".")
    write({"b.py": HAZARD.replace("send", "post")})
    lockcheck("--baseline", "known.json", "--add-noqa", ".")
    assert (root / "a.py").read_text() == HAZARD
    assert "# noqa: LCK101" in (root / "b.py").read_text()


def test_file_that_cannot_be_written_is_a_failure_and_the_others_are_written(
    write: Write, lockcheck: Lockcheck
) -> None:
    root = write({"b.py": HAZARD})
    target = root.parent / "a.txt"
    target.write_text(HAZARD)
    (root / "a.py").symlink_to(target)
    run = lockcheck("--add-noqa", ".")
    assert run.status == 2
    assert "a.py: " in run.err
    assert target.read_text() == HAZARD
    assert "# noqa: LCK101" in (root / "b.py").read_text()


def test_standard_input_is_refused(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    assert lockcheck("--add-noqa", "--stdin-filename", "a.py").status == 2
