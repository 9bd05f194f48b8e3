"""The comparison with other tools: what they print is understood, and the same report counts for every one of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lockcheck.rules.document import Mark
from tests.comparison.__main__ import main
from tests.comparison.counting import marked, sight
from tests.comparison.tools import TOOLS, Form, Tool, ToolError, ask, columns, parse
from tests.realbugs.measure import Place, Report
from tests.test_realbugs import LOCKED, REPAIRED, a_release, an_entry

pytestmark = pytest.mark.once

ROOT = Path("/program")
PRINTED = {
    Form.RUFF: json.dumps(
        [
            {"code": "RUF006", "filename": "/program/app/post.py", "location": {"row": 9, "column": 5}},
            {"code": None, "filename": "/program/app/post.py", "location": {"row": 1, "column": 1}},
        ]
    ),
    Form.LINES: "/program/app/post.py:9:5: RUF006 Keep it.\nnot a report\n",
    Form.PYLINT: json.dumps(
        {
            "messages": [
                {"messageId": "RUF006", "absolutePath": "/program/app/post.py", "line": 9},
                {"messageId": "E0001", "absolutePath": "/program/app/post.py", "line": 1},
            ]
        }
    ),
    Form.CODEHOUND: json.dumps([{"code": "RUF006", "path": "/program/app/post.py", "line": 9}]),
    Form.THREAD_SAFETY: json.dumps(
        {"findings": [{"rule_id": "RUF006", "location": {"file": "/program/app/post.py", "line": 9}}]}
    ),
}


@pytest.mark.parametrize("form", Form)
def test_what_a_tool_prints_is_understood(form: Form) -> None:
    tool = Tool("post", (), form)
    assert list(parse(tool, PRINTED[form], ROOT)) == [Report("RUF006", Place("app/post.py", 9))]


def test_other_places_that_thread_safety_tells_of_count_as_well() -> None:
    spots = [{"file": "/program/post.py", "line": row} for row in (3, 8)]
    text = json.dumps({"findings": [{"rule_id": "TS020", "location": spots[0], "related_locations": spots[1:]}]})
    tool = next(tool for tool in TOOLS if tool.form is Form.THREAD_SAFETY)
    assert list(parse(tool, text, ROOT)) == [Report("TS020", Place("post.py", 3), (Place("post.py", 8),))]


def test_a_tool_that_gives_no_answer_is_not_counted_as_silent(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nowhere"):
        ask(Tool("nowhere", ("nowhere",), Form.LINES), tmp_path, tmp_path, [])
    programs = Path(sys.executable).parent
    fails = Tool("fails", (Path(sys.executable).name, "-c", "raise SystemExit(3)"), Form.LINES)
    with pytest.raises(ToolError, match="status 3"):
        ask(fails, programs, tmp_path, [])
    says_nothing = Tool("says nothing", (Path(sys.executable).name, "-c", ""), Form.RUFF)
    with pytest.raises(ToolError, match="says nothing"):
        ask(says_nothing, programs, tmp_path, [])


def test_rules_that_are_off_have_a_column_of_their_own() -> None:
    tool = next(tool for tool in TOOLS if tool.optional)
    usual, off = Report("ASYNC102", Place("post.py", 1)), Report("ASYNC910", Place("post.py", 2))
    assert columns(tool, [usual, off]) == {tool.name: (usual,), f"{tool.name} (all)": (usual, off)}


def test_a_report_counts_at_the_place_of_a_bug_or_in_its_functions_whatever_its_code(tmp_path: Path) -> None:
    before, after = a_release(tmp_path / "before"), a_release(tmp_path / "after", REPAIRED)
    bug = an_entry(lines=(11,), functions=("Post.__init__", "Post.send"))
    near, far = Report("TS032", Place("post.py", 9)), Report("TS034", Place("post.py", 7))
    elsewhere = Report("TS020", Place("other.py", 11))
    seen = sight(bug, before, [near, far, elsewhere], (after, []))
    assert (seen.place, seen.function, seen.tells_apart) == (("TS032",), ("TS032", "TS034"), True)
    related = Report("TS020", Place("other.py", 1), (Place("post.py", 12),))
    assert sight(bug, before, [related], None).place == ("TS020",)


def test_a_report_that_the_repair_draws_too_does_not_tell_them_apart(tmp_path: Path) -> None:
    before, after = a_release(tmp_path / "before"), a_release(tmp_path / "after", REPAIRED)
    same = Report("TS032", Place("post.py", 10))
    for left, expected in ([same], False), ([Report("TS034", same.at)], True):
        assert sight(an_entry(), before, [same], (after, left)).tells_apart is expected
    assert not sight(an_entry(), before, [same], None).tells_apart


def test_a_marked_row_is_told_from_the_function_around_it(tmp_path: Path) -> None:
    (tmp_path / "post.py").write_text(LOCKED, "utf-8")
    mark = Mark("post.py", 11, "LCK101")
    row, around, outside = (
        Report(f"TS03{digit}", Place("post.py", line)) for digit, line in ((0, 11), (2, 10), (4, 7))
    )
    seen = marked(mark, [row, around, outside], tmp_path)
    assert (seen.place, seen.function) == (("TS030",), ("TS030", "TS032"))


def test_folders_are_for_packages(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["bin", "packages"], ["bin", "bugs", "folder"]):
        with pytest.raises(SystemExit):
            main(words)
        assert "folders are for `packages`" in capsys.readouterr().err
