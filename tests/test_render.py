"""The forms of a report."""

from __future__ import annotations

import json
from pathlib import Path

from lockcheck.app.config import Config
from lockcheck.app.project import Given, Project
from lockcheck.model.findings import (
    Confidence,
    Edit,
    Failure,
    Finding,
    Fix,
    LockNote,
    Related,
    Report,
)
from lockcheck.model.source import Place, SourceFile, Span
from lockcheck.ui.render import render
from lockcheck.ui.render.view import View
from tests.conftest import HAZARD, Lockcheck, Write

HERE = str(Path.cwd())
ROOM = """\
class Room:
    def join(self):
        with self._members:
            self._log()

    def _log(self):
        \twith self._out:
            pass
"""


def path(name: str) -> str:
    return str(Path(HERE) / name)


def place(name: str, row: int, column: int, width: int = 4) -> Place:
    return Place(path(name), Span(row, column, row, column + width))


def shown(finding: Finding, form: str = "full", colour: bool = False, width: int = 120, **texts: str) -> str:
    sources = {
        path(f"{name}.py"): SourceFile(path(f"{name}.py"), "", name, False, text) for name, text in texts.items()
    }
    project = Project(HERE, HERE, (Given(".", HERE),), (HERE,), (), (), HERE, Config())
    view = View(project, sources, colour=colour, width=width, closing=False)
    return render(Report((finding,), (), 1), view, form)  # type: ignore[arg-type]


def finding(*related: Related, at: Place | None = None, message: str = "a hazard", **more: object) -> Finding:
    where = at or place("room.py", 4, 13, 11)
    return Finding("LCK301", "some-rule", message, Confidence.HIGH, where, related, **more)  # type: ignore[arg-type]


def test_full_shows_the_span_and_the_steps_in_one_frame_where_they_are_near() -> None:
    steps = (
        Related(place("room.py", 3, 14, 13), "`Room._members` is taken here"),
        Related(place("room.py", 4, 13, 11), "this is called"),
        Related(place("room.py", 7, 15, 9), "`Room._out` is taken here"),
    )
    assert shown(finding(*steps), room=ROOM) == (
        "room.py:4:13 LCK301 [high] a hazard\n"
        "  3 │         with self._members:\n"
        "    │              ~~~~~~~~~~~~~ 1: `Room._members` is taken here\n"
        "  4 │             self._log()\n"
        "    │             ^^^^^^^^^^^ 2: this is called\n"
        "  5 │ \n"
        "  6 │     def _log(self):\n"
        "  7 │             with self._out:\n"
        "    │                  ~~~~~~~~~ 3: `Room._out` is taken here\n"
        "\n"
    )


def test_full_heads_the_frames_of_other_files_and_leaves_gaps() -> None:
    far = "".join(f"row {number}\n" for number in range(1, 40))
    steps = (
        Related(place("far.py", 2, 1), "first"),
        Related(place("far.py", 30, 1), "second"),
        Related(place("absent.py", 9, 1), "third"),
    )
    text = shown(finding(*steps), room=ROOM, far=far)
    assert text.endswith(
        "  far.py\n"
        "   2 │ row 2\n"
        "     │ ~~~~ 1: first\n"
        "     ┆\n"
        "  30 │ row 30\n"
        "     │ ~~~~ 2: second\n"
        "  absent.py\n"
        "  line 9: 3: third\n"
        "\n"
    )


def test_full_puts_the_sides_of_an_inversion_apart() -> None:
    steps = (
        Related(place("room.py", 3, 14, 13), "takes members", group=1),
        Related(place("room.py", 4, 13, 11), "then out", group=1),
        Related(place("other.py", 1, 1), "takes out", group=2),
        Related(place("other.py", 2, 1), "then members", group=2),
    )
    text = shown(finding(*steps), room=ROOM, other="with out:\n    with members: ...\n")
    one, other = text.index("  one side:\n  room.py\n"), text.index("  the other side:\n  other.py\n")
    assert text.index("1: takes members") < text.index("2: then out") < other < text.index("3: takes out")
    assert one < text.index("1: takes members")


def test_full_shows_notes_and_the_fix() -> None:
    text = shown(finding(notes=("LCK205: lesser",), fix=Fix("unsafe", "swap them")), room=ROOM)
    assert "  also: LCK205: lesser\n" in text
    assert "  fix (unsafe): swap them\n" in text


def test_full_aligns_wide_characters_and_tabs() -> None:
    text = shown(finding(at=place("room.py", 1, 8)), room="\tx('漢')call\n")
    row, underline = text.splitlines()[1:3]
    assert row == "  1 │     x('漢')call"
    assert underline == "    │            ^^^^"


def test_full_keeps_the_span_of_a_long_line_in_sight() -> None:
    line = "a" * 500 + "MARK" + "b" * 500 + "\n"
    text = shown(finding(at=place("room.py", 1, 501)), width=80, room=line)
    row, underline = text.splitlines()[1:3]
    assert len(row) <= 80
    assert row[6] == row[-1] == "…"
    assert row[underline.index("^") :].startswith("MARK")
    assert underline.count("^") == 4


def test_full_marks_the_first_line_of_what_has_several() -> None:
    several = Place(path("room.py"), Span(3, 9, 4, 24))
    assert "    │         ^^^^^^^^^^^^^^^^^^^\n" in shown(finding(at=several), room=ROOM)


def test_nothing_in_sources_or_names_commands_the_terminal() -> None:
    evil = "x = '\x1b[2J\u202e\x07'\n"
    at = Place(path("e\x1b[31mvil.py"), Span(1, 1, 1, 2))
    sources = {at.path: SourceFile(at.path, "", "evil", False, evil)}
    project = Project(HERE, HERE, (Given(".", HERE),), (HERE,), (), (), HERE, Config())
    report = Report((finding(at=at, message="\x1b]0;title\x07"),), (), 1)
    for form in ("full", "concise"):
        text = render(report, View(project, sources), form)
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "\\x1b" in text


def test_colour_is_added_and_changes_no_character() -> None:
    import re

    plain, coloured = (shown(finding(), colour=colour, room=ROOM) for colour in (False, True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_concise_is_one_line_for_each_finding() -> None:
    assert shown(finding(), form="concise") == "room.py:4:13: LCK301 a hazard\n"


def test_json_has_the_promised_shape() -> None:
    full = finding(
        Related(place("far.py", 2, 1), "first"),
        locks=(LockNote("Room._lock", "threading.Lock", place("room.py", 1, 1)),),
        fix=Fix("unsafe", "swap", (Edit(place("room.py", 3, 1), "new"),)),
        fingerprint="f00",
    )
    (one,) = json.loads(shown(full, form="json"))
    assert one.pop("fingerprint") == "f00"
    assert one == {
        "code": "LCK301",
        "name": "some-rule",
        "message": "a hazard",
        "severity": "error",
        "confidence": "high",
        "filename": path("room.py"),
        "location": {"row": 4, "column": 13},
        "end_location": {"row": 4, "column": 24},
        "fix": {
            "applicability": "unsafe",
            "message": "swap",
            "edits": [
                {
                    "filename": path("room.py"),
                    "content": "new",
                    "location": {"row": 3, "column": 1},
                    "end_location": {"row": 3, "column": 5},
                }
            ],
        },
        "related": [{"filename": path("far.py"), "location": {"row": 2, "column": 1}, "message": "first"}],
        "locks": [
            {
                "name": "Room._lock",
                "kind": "threading.Lock",
                "filename": path("room.py"),
                "location": {"row": 1, "column": 1},
            }
        ],
        "url": "https://lockcheck.readthedocs.io/rules/LCK301",
    }


def test_formats_of_a_clean_run(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": "x = 1\n"})
    forms = ("json", "concise", "full")
    assert [lockcheck("--output-format", form, ".").out for form in forms] == ["[]\n", "", "Nothing found in 1 file.\n"]


def test_closing_line_counts(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD, "b.py": "x = 1\n"})
    assert lockcheck(".").out.endswith("\n1 finding in 2 files.\n1 fixable with `--fix --unsafe-fixes`.\n")


def test_closing_line_admits_what_was_not_looked_at() -> None:
    project = Project(HERE, HERE, (Given(".", HERE),), (HERE,), (), (), HERE, Config())
    text = render(Report((), (Failure("a.py", "m"),), 1), View(project, {}), "full")
    assert text == "0 findings in 1 file. Not everything could be looked at: see the messages.\n"
