"""The measurement on released bugs: its record is complete, its judgement fair, and nothing that it fetches can do harm."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.realbugs.__main__ import BELOW, DONE, FAILED, PAGE, main
from tests.realbugs.archive import ArchiveError, unpack
from tests.realbugs.judge import Judged, Sighting, Unmeasured, judge, spans
from tests.realbugs.measure import Measurement, MeasurementError, Place, Report, parse
from tests.realbugs.record import Bug, Kind, RecordError, Release, read
from tests.realbugs.releases import UnavailableError, fetch
from tests.realbugs.table import BEGIN, END, PageError, insert, summary, table

pytestmark = pytest.mark.once

ENTRY = """\
[[bug]]
id = "post-1"
package = "post"
affected = "1.0"
fixed = "1.1"
kind = "plain"
rules = ["LCK101"]
file = "post.py"
functions = ["Post.send"]
lines = [10, 11]
involved = ["`Post.lock`"]
story = "A coroutine awaits with a thread lock held."
repair = "The lock became one of asyncio."
"""
WITHOUT = ["id", "package", "affected", "kind", "rules", "file", "functions", "lines", "involved", "story", "repair"]
LOCKED = """\
import asyncio
import threading


class Post:
    def __init__(self):
        self.lock = threading.Lock()

    async def send(self):
        with self.lock:
            await asyncio.sleep(1)
"""
REPAIRED = (
    LOCKED.replace("threading.Lock", "asyncio.Lock")
    .replace("with self", "async with self")
    .replace("await asyncio.sleep(1)", "self.sent = True")
)


def an_entry(**changes: object) -> Bug:
    given = {
        "id": "post-1",
        "package": "post",
        "affected": "1.0",
        "fixed": "1.1",
        "kind": Kind.PLAIN,
        "rules": ("LCK101",),
    }
    given |= {"file": "post.py", "functions": ("Post.send",), "lines": (10, 11), "involved": ("`Post.lock`",)}
    return Bug(**{**given, "story": "It waits.", "repair": "It does not.", **changes})  # type: ignore[arg-type]


def a_release(folder: Path, text: str = LOCKED) -> Path:
    folder.mkdir()
    (folder / "post.py").write_text(text, "utf-8")
    return folder


def a_measurement(folder: Path, *reports: Report) -> Measurement:
    return Measurement(folder, reports, 1.0)


def a_wheel(path: Path, members: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    return path


def an_sdist(path: Path, members: dict[str, str | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz") as sdist:
        for name, content in members.items():
            if isinstance(content, str):
                info = tarfile.TarInfo(name)
                info.size = len(content.encode())
                sdist.addfile(info, io.BytesIO(content.encode()))
            else:
                sdist.addfile(content)
    return path


def download(release: Release, folder: Path) -> str:
    if release.package != "post":
        return "no such package"
    a_wheel(folder / "post.whl", {"post.py": LOCKED if release.version == "1.0" else REPAIRED})
    return ""


def no_download(release: Release, folder: Path) -> str:
    raise AssertionError(f"{release} was asked for, {folder}")


# The record and the page


def test_every_entry_of_the_record_has_what_a_measurement_and_a_reader_need() -> None:
    bugs = read()
    assert len(bugs) >= 43
    assert [bug.id for bug in bugs] == sorted(bug.id for bug in bugs)
    for bug in bugs:
        assert list(bug.lines) == sorted(set(bug.lines)), bug.id
        assert len(re.findall(r"[.;:](?:\s|$)", bug.story)) >= 2, f"{bug.id}: how it freezes, in two sentences"
        assert bug.repair.endswith("."), bug.id
        assert bug.reference or bug.fixed is None, f"{bug.id}: where is the repair spoken of?"


@pytest.mark.parametrize("key", WITHOUT)
def test_an_entry_that_lacks_something_is_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "record.toml").write_text(re.sub(rf"^{key} = .*\n", "", ENTRY, flags=re.MULTILINE), "utf-8")
    with pytest.raises(RecordError, match=rf"(post-1|entry 1).*`{key}`"):
        read(tmp_path / "record.toml")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (ENTRY.replace("LCK101", "LCK199"), "post-1: there is no rule LCK199"),
        (ENTRY.replace("[10, 11]", "[]"), "post-1: `lines` is empty"),
        (ENTRY.replace("[10, 11]", "[0]"), "post-1: line 0 is none"),
        (ENTRY.replace("1.1", "1.0"), "post-1: the repaired release is the affected one"),
        (ENTRY.replace('fixed = "1.1"', 'kept = "All of it."'), "post-1: `kept` speaks of a repaired release"),
        (ENTRY.replace('"post.py"', '"../post.py"'), "post-1: `file` leads out of the release"),
        (ENTRY + 'reference = "post#1"\n', "post-1: `reference` is no address"),
        (ENTRY + 'refrence = "https://example.org"\n', "post-1: .*refrence"),
        (ENTRY.replace('"plain"', '"easy"'), "post-1: .*easy"),
        (ENTRY + ENTRY, "post-1 is there twice"),
        ("", r"no \[\[bug\]\] in it"),
        ("[[bug", "record.toml: "),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, wrong: str, complaint: str) -> None:
    (tmp_path / "record.toml").write_text(wrong, "utf-8")
    with pytest.raises(RecordError, match=complaint):
        read(tmp_path / "record.toml")


def test_the_page_shows_every_entry_and_explains_each_that_is_missed_or_loud() -> None:
    page = PAGE.read_text("utf-8")
    shown, rest = page.split(BEGIN)[1].split(END)
    for bug in read():
        rows = [row for row in shown.splitlines() if re.match(rf"\| \[?{re.escape(bug.id)}\b[]| ]", row)]
        assert len(rows) == 1, bug.id
        if "**no**" in rows[0]:
            assert f"### {bug.id}\n" in rest, f"{bug.id}: what would it take?"


# Archives


def test_a_wheel_gives_its_python_sources_and_nothing_else(tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path / "post-1.0.whl", {"post/a.py": "A = 1\n", "post/py.typed": "", "post/core.so": "x"})
    unpack(wheel, tmp_path / "sources" / "post")
    found = [path.relative_to(tmp_path / "sources") for path in (tmp_path / "sources").rglob("*") if path.is_file()]
    assert sorted(path.as_posix() for path in found) == ["post/post/a.py", "post/post/py.typed"]


def test_a_source_archive_gives_the_paths_of_a_wheel(tmp_path: Path) -> None:
    sdist = an_sdist(
        tmp_path / "post-1.0.tar.gz", {"post-1.0/src/post/a.py": "A = 1\n", "post-1.0/setup.py": "raise\n"}
    )
    unpack(sdist, tmp_path / "post")
    assert (tmp_path / "post" / "post" / "a.py").read_text("utf-8") == "A = 1\n"
    assert (tmp_path / "post" / "setup.py").is_file()


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "post/../../evil.py", "C:/evil.py", "..\\evil.py"])
@pytest.mark.parametrize("make", [a_wheel, an_sdist])
def test_no_archive_writes_outside_its_folder(tmp_path: Path, make: object, name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = (
        a_wheel(inner / "post.whl", {"post/a.py": "", name: "EVIL = 1\n"})
        if make is a_wheel
        else an_sdist(inner / "post.tar.gz", {"post-1.0/a.py": "", name: "EVIL = 1\n"})
    )
    with pytest.raises(ArchiveError, match="leads out of the archive"):
        unpack(archive, inner / "sources" / "post")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [archive.name]
    assert list((inner / "sources").iterdir()) == []


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    link = tarfile.TarInfo("post-1.0/post")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    hard = tarfile.TarInfo("post-1.0/hard.py")
    hard.type, hard.linkname = tarfile.LNKTYPE, "../../secret.py"
    (tmp_path / "secret.py").write_text("SECRET = 1\n", "utf-8")
    members: dict[str, str | tarfile.TarInfo] = {link.name: link, hard.name: hard, "post-1.0/post/a.py": "A = 1\n"}
    unpack(an_sdist(tmp_path / "post.tar.gz", members), tmp_path / "out")
    assert not (tmp_path / "out" / "post").is_symlink()
    assert not (tmp_path / "out" / "hard.py").exists()
    assert not (tmp_path / "a.py").exists()


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "post.whl").write_bytes(b"not a wheel")
    with pytest.raises(ArchiveError, match=r"post\.whl"):
        unpack(tmp_path / "post.whl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_release_is_fetched_once(tmp_path: Path) -> None:
    first = fetch(Release("post", "1.0"), tmp_path, download)
    assert (first / "post.py").read_text("utf-8") == LOCKED
    assert fetch(Release("post", "1.0"), tmp_path, no_download) == first


def test_an_archive_that_lies_in_the_cache_is_taken(tmp_path: Path) -> None:
    archives = tmp_path / "archives" / "post-1.0"
    archives.mkdir(parents=True)
    an_sdist(archives / "post-1.0.tar.gz", {"post-1.0/post.py": LOCKED})
    assert (fetch(Release("post", "1.0"), tmp_path, no_download) / "post.py").is_file()


def test_a_release_without_a_wheel_is_named_with_what_pip_says(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"letter 2\.0: .*no such package"):
        fetch(Release("letter", "2.0"), tmp_path, download)


# Judging

AT = Report("LCK101", Place("post.py", 11))


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (AT, Sighting("LCK101", 11)),
        (Report("LCK101", Place("post.py", 14)), Sighting("LCK101", 14)),
        (Report("LCK101", Place("post.py", 15)), None),
        (Report("LCK102", Place("post.py", 11)), None),
        (Report("LCK101", Place("other.py", 11)), None),
        (Report("LCK101", Place("other.py", 90), (Place("post.py", 10),)), Sighting("LCK101", 10)),
    ],
)
def test_a_bug_is_found_by_a_report_of_its_rule_at_its_place(
    tmp_path: Path, report: Report, found: Sighting | None
) -> None:
    verdict = judge(an_entry(), a_measurement(a_release(tmp_path / "post"), report), None)
    assert isinstance(verdict, Judged)
    assert verdict.found == found


def test_of_several_reports_the_nearest_one_is_shown(tmp_path: Path) -> None:
    reports = (Report("LCK101", Place("a.py", 1), (Place("post.py", 10),)), Report("LCK101", Place("post.py", 13)), AT)
    verdict = judge(an_entry(), a_measurement(a_release(tmp_path / "post"), *reports), None)
    assert isinstance(verdict, Judged)
    assert verdict.found == Sighting("LCK101", 11)


@pytest.mark.parametrize(
    ("report", "loud"),
    [
        (AT, (Sighting("LCK101", 11),)),
        (Report("LCK101", Place("post.py", 7)), ()),
        (Report("LCK102", Place("post.py", 11)), ()),
        (Report("LCK101", Place("other.py", 90), (Place("post.py", 11),)), ()),
    ],
)
def test_a_repair_is_left_in_peace_within_its_functions(
    tmp_path: Path, report: Report, loud: tuple[Sighting, ...]
) -> None:
    before, after = a_release(tmp_path / "before"), a_release(tmp_path / "after")
    verdict = judge(an_entry(), a_measurement(before, AT), a_measurement(after, report))
    assert isinstance(verdict, Judged)
    assert verdict.loud == loud


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"file": "letter.py"}, r"post 1\.0 has no letter\.py"),
        ({"lines": (10, 99)}, "has 11 lines only"),
        ({"functions": ("Post.send", "Post.receive")}, r"has no function Post\.receive"),
    ],
)
def test_a_record_that_does_not_fit_the_release_is_not_measured(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    verdict = judge(an_entry(**changes), a_measurement(a_release(tmp_path / "post"), AT), None)
    assert isinstance(verdict, Unmeasured)
    assert re.search(reason, verdict.reason)


def test_functions_are_told_apart_by_what_they_stand_in(tmp_path: Path) -> None:
    text = "def f():\n    def g(): ...\n\nif f:\n    class A:\n        async def f(self): ...\n"
    (tmp_path / "a.py").write_text(text, "utf-8")
    assert spans(tmp_path / "a.py") == {"f": [(1, 2)], "f.g": [(2, 2)], "A.f": [(6, 6)]}


def test_paths_of_a_report_become_those_of_the_release(tmp_path: Path) -> None:
    at = f'"filename": "{(tmp_path / "post.py").as_posix()}", "location": {{"row": 3, "column": 1}}'
    text = f'[{{"code": "LCK101", "message": "why", {at}, "related": [{{{at}, "message": "here"}}]}}]'
    assert parse(text, tmp_path) == (Report("LCK101", Place("post.py", 3), (Place("post.py", 3),), "why"),)


def test_an_answer_that_is_no_json_is_an_error_with_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="the last words"):
        parse("", tmp_path, "some words\nthe last words\n")


# The table and the command

VERDICTS = (
    Judged(an_entry(reference="https://example.org/1"), Sighting("LCK101", 11), (), 2.4),
    Judged(an_entry(id="post-2", kind=Kind.HARD), None, (Sighting("LCK101", 5), Sighting("LCK101", 5)), 1.0),
    Judged(an_entry(id="post-3", kind=Kind.BEYOND, fixed=None), None, (), 1.0),
    Unmeasured(an_entry(id="post-4"), "no wheel"),
)


def test_the_table_has_one_row_for_each_entry() -> None:
    assert table(VERDICTS).splitlines()[2:] == [
        "| [post-1](https://example.org/1) | post 1.0 | 1.1 | plain | LCK101 | LCK101 at 11 | yes | 2 |",
        "| post-2 | post 1.0 | 1.1 | hard | LCK101 | **no** | **no**: LCK101 at 5 | 1 |",
        "| post-3 | post 1.0 | never | beyond | LCK101 | **no** | not asked | 1 |",
        "| post-4 | post 1.0 | 1.1 | plain | LCK101 | not measured | not measured |  |",
    ]


def test_the_figures_leave_out_what_is_beyond_reach_or_unmeasured() -> None:
    assert summary(VERDICTS) == (
        "Found: 1 of 2 (plain 1 of 1, interprocedural 0 of 0, hard 0 of 1). Quiet at the repaired release: 1 of 2. "
        "Beyond reach, and not counted: 1, of which 0 found. Not measured: 1."
    )


def test_a_page_keeps_what_stands_around_the_measurement() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert insert(page, r"new \1") == f"before\n{BEGIN}\n\nnew \\1\n\n{END}\nafter\n"
    with pytest.raises(PageError):
        insert("no marks", "new")


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """What a measurement of a small record is started with."""
    (tmp_path / "record.toml").write_text(ENTRY, "utf-8")
    return ["--record", str(tmp_path / "record.toml"), "--cache", str(tmp_path / "cache")]


def test_a_measurement_finds_the_bug_and_leaves_its_repair_in_peace(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--at-least", "plain=1", "--at-least", "quiet=1", "--jobs", "2"], download) == DONE
    assert "| post-1 | post 1.0 | 1.1 | plain | LCK101 | LCK101 at 11 | yes |" in capsys.readouterr().out


def test_the_message_that_made_an_entry_count_can_be_shown(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--verbose"], download) == DONE
    assert "\npost-1: post.py:11: LCK101 `Post.lock` " in capsys.readouterr().out


def test_fewer_than_asked_for_is_status_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--at-least", "plain=2"], download) == BELOW
    assert capsys.readouterr().err == "plain: 1 of 1, 2 wanted\n"


def test_a_failed_download_is_named_and_the_others_are_measured(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = ENTRY.replace('"post-1"', '"letter-1"').replace('"post"', '"letter"')
    (tmp_path / "record.toml").write_text(ENTRY + other, "utf-8")
    assert main(words, download) == FAILED
    captured = capsys.readouterr()
    assert "| post-1 | post 1.0 | 1.1 | plain | LCK101 | LCK101 at 11 | yes |" in captured.out
    assert "Not measured: 1." in captured.out
    assert re.search("letter-1: letter 1.0: .*no such package", captured.err)


def test_one_entry_may_be_measured_alone(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--only", "letter-1"], no_download) == FAILED
    assert capsys.readouterr().err == "the record has no letter-1\n"


def test_only_the_whole_record_is_written_into_the_page(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--write"], no_download) == FAILED
    assert "the page shows the whole record" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--at-least", "much=1"], ["--at-least", "plain"], ["--jobs", "0"]])
def test_wrong_usage_is_status_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong, no_download)
    assert stopped.value.code == FAILED
