"""The benchmarks: what they choose, reckon and show. How long anything takes is nowhere asked."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from lockcheck.app import pipeline
from tests.benchmarks import growth, memory, page, rounds, running, table
from tests.benchmarks.__main__ import FAILED, KEPT, MISSED, main
from tests.benchmarks.corpora import FILES, chosen, copy_renamed, find, lines, package_of, release, sources, unpacked
from tests.benchmarks.figures import (
    FIGURES,
    MEASURES,
    PARSE,
    Corpus,
    Figures,
    Machine,
    MeasurementError,
    Others,
    Point,
    Profile,
    Tool,
    Victim,
    add,
    merged,
    missed,
    read,
    ten_times,
)
from tests.benchmarks.parsing import parse
from tests.benchmarks.plot import Axis, draw
from tests.benchmarks.profile import STAGES, Clock, divided, profiled
from tests.benchmarks.running import Ran
from tests.benchmarks.victims import changed, choose, importers
from tests.conftest import HAZARD, Lockcheck, Write
from tests.realbugs.record import Release

pytestmark = pytest.mark.once

PROGRAM = {
    "app/__init__.py": "from app import core\n",
    "app/core.py": "import threading\n\nLOCK = threading.Lock()\n",
    "app/rooms/__init__.py": "from ..core import LOCK\n",
    "app/rooms/one.py": "from . import two\nfrom .. import core\nimport app.rooms.one\n",
    "app/rooms/two.py": "from app.core import LOCK\nfrom app.rooms import other\n",
    "app/rooms/other.py": "import json, app.core as core\n",
    "app/broken.py": "import app.core\ndef\n",
}
"""`core` is imported by five files; one file is no Python."""

MACHINE = Machine("2026-11-21", 2, "a processor", "3.11.7", "0.1.0", "0.17.6")


def a_corpus(name: str = "post 1.0", **seconds: tuple[float, ...]) -> Corpus:
    """A corpus that takes a second for everything but what is said."""
    taken = {measure.key: (1.0, 2.0) for measure in MEASURES} | {PARSE: (4.0, 2.0)} | seconds
    peaks = {measure.key: 100.0 for measure in MEASURES if measure.goal}
    victims = (Victim("leaf", "a.py", 0), Victim("middling", "b.py", 3), Victim("central", "c.py", 9))
    return Corpus(name, 12, 3456, taken, peaks, victims, is_same=True)


def a_point(copies: int, lines: int, seconds: float, megabytes: float) -> Point:
    """A size of the package `post`."""
    return Point(f"post, {copies} copies", copies, copies * 12, lines, seconds / 2, seconds, megabytes)


# Which files are changed


def test_an_importer_counts_once_for_each_file_that_it_names(write: Write) -> None:
    assert importers(write(PROGRAM)) == {
        "app/__init__.py": 1,  # by `from .. import core`; what a file imports of itself does not count
        "app/core.py": 5,
        "app/rooms/__init__.py": 2,
        "app/rooms/one.py": 0,
        "app/rooms/two.py": 1,
        "app/rooms/other.py": 1,
        "app/broken.py": 0,
    }


def test_the_files_to_be_changed_are_chosen_by_rule_and_ties_go_to_the_first() -> None:
    counts = {
        "b/__init__.py": 0,
        "c/__init__.py": 0,
        "z.py": 0,
        "a.py": 0,
        "m.py": 0,
        "few.py": 2,
        "more.py": 9,
        "again.py": 9,
        "most.py": 100,
        "much.py": 90,
    }
    assert choose(counts) == (
        Victim("leaf", "m.py", 0),
        Victim("middling", "again.py", 9),
        Victim("central", "most.py", 100),
    )


@pytest.mark.parametrize("counts", [{}, {"a.py": 0, "b.py": 1}, {"a.py": 1, "b.py": 2}])
def test_without_a_leaf_a_middling_and_a_central_file_nothing_is_chosen(counts: dict[str, int]) -> None:
    with pytest.raises(MeasurementError, match="too few files"):
        choose(counts)


@pytest.mark.parametrize("text", [HAZARD, "", "import os"])
def test_what_is_added_is_reported_in_the_last_row(text: str, write: Write, lockcheck: Lockcheck) -> None:
    after = changed(text.encode(), 7)
    root = write({"a.py": after})
    assert f"{root / 'a.py'}:{len(after.splitlines())}:" in lockcheck(str(root)).out


# What is measured


def test_every_measure_is_made_in_every_round_and_reports_are_compared(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "parsing", lambda _: 0.5)
    monkeypatch.setattr(rounds, "ruff", lambda _: Ran(0.25, 0.0, ""))
    monkeypatch.setattr(rounds, "lockcheck", in_process(lockcheck))
    found = rounds.measure(unpacked("app 1", write(PROGRAM)), 2, lambda _: None)
    assert {key: len(values) for key, values in found.seconds.items()} == {measure.key: 2 for measure in MEASURES}
    assert (found.best(PARSE), found.best("ruff"), found.is_same) == (0.5, 0.25, True)
    assert set(found.megabytes) == {measure.key for measure in MEASURES if measure.goal is not None}
    assert set(found.megabytes.values()) == {32.0}


def test_runs_that_differ_from_those_without_a_cache_are_told(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(paths: Sequence[Path], cache: Path | None, *, watch: bool = False) -> Ran:
        ran = in_process(lockcheck)(paths, cache, watch=watch)
        return ran if cache is None else msgspec.structs.replace(ran, out=f"{ran.out}\n1 more")

    monkeypatch.setattr(rounds, "parsing", lambda _: 0.5)
    monkeypatch.setattr(rounds, "ruff", lambda _: Ran(0.25, 0.0, ""))
    monkeypatch.setattr(rounds, "lockcheck", forgetful)
    assert not rounds.measure(unpacked("app 1", write(PROGRAM)), 1, lambda _: None).is_same


def test_a_run_that_does_not_see_the_change_does_not_count(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "parsing", lambda _: 0.5)
    monkeypatch.setattr(rounds, "ruff", lambda _: Ran(0.25, 0.0, ""))
    monkeypatch.setattr(rounds, "lockcheck", lambda *_, **__: Ran(0.1, 0.0, "0 findings"))
    with pytest.raises(MeasurementError, match="is not reported"):
        rounds.measure(unpacked("app 1", write(PROGRAM)), 1, lambda _: None)


def in_process(lockcheck: Lockcheck) -> Callable[..., Ran]:
    """Run the command without a process of its own."""

    def run(paths: Sequence[Path], cache: Path | None, *, watch: bool = False) -> Ran:
        words = ["--cache-dir", str(cache)] if cache is not None else ["--no-cache"]
        return Ran(1.0, 32.0 if watch else 0.0, lockcheck("--isolated", *words, *map(str, paths)).out)

    return run


def test_what_is_no_python_is_counted_and_the_rest_parsed(write: Write) -> None:
    assert parse(sources(write(PROGRAM))).unparsable == 1


def test_a_command_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(MeasurementError, match=r"status 3: .*no such luck"):
        running.run(["python3", "-c", "import sys; sys.stderr.write('no such luck'); sys.exit(3)"])


# Memory


def a_process(proc: Path, number: int, parent: int, pss: int) -> None:
    """A process as the system tells of it; its name may hold anything."""
    (proc / str(number)).mkdir()
    (proc / str(number) / "stat").write_text(f"{number} (a) R 9 (b) S {parent} 1 1 0 0 0 0 0 0 0 150 50 0 0\n")
    (proc / str(number) / "smaps_rollup").write_text(
        f"0-1 ---p 0 0 0 [rollup]\nRss: 999999 kB\nPss: {pss} kB\nPss_Anon: 1 kB\n"
    )


def test_memory_is_that_of_a_process_and_of_all_below_it(tmp_path: Path) -> None:
    for number, parent, pss in ((10, 1, 1024), (11, 10, 2048), (12, 11, 512), (20, 1, 4096)):
        a_process(tmp_path, number, parent, pss)
    (tmp_path / "self").mkdir()
    assert sorted(memory.family(10, tmp_path)) == [10, 11, 12]
    assert sum(memory.megabytes(one, tmp_path) for one in memory.family(10, tmp_path)) == 3.5
    assert memory.megabytes(99, tmp_path) == 0.0
    assert memory.processor_seconds(10, tmp_path) == pytest.approx(200 / memory.ticks())


# The corpora


def test_a_release_is_taken_from_the_folder_before_it_is_fetched(tmp_path: Path, write: Write) -> None:
    held = write({f"post-1.0/{name}": text for name, text in PROGRAM.items()})
    found = find(Release("post", "1.0"), held, tmp_path / "cache", lambda *_: "no such package")
    assert (found.name, found.files, found.lines) == ("post 1.0", 7, 13)
    with pytest.raises(MeasurementError, match="no such package"):
        find(Release("post", "1.1"), held, tmp_path / "cache", lambda *_: "no such package")


def test_a_corpus_that_is_not_what_the_goals_were_set_for_is_refused(tmp_path: Path, write: Write) -> None:
    held = write({"ray-2.60.0/ray/__init__.py": ""})
    with pytest.raises(MeasurementError, match=r"1 Python files, and ray 2\.60\.0 has 2579"):
        find(Release("ray", "2.60.0"), held, tmp_path / "cache", lambda *_: "")
    assert list(FILES.values()) == [2579, 6725]


def test_what_is_neither_a_folder_nor_a_release_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert release("post==1.0") == Release("post", "1.0")
    assert main(["--corpus", "post"]) == FAILED
    assert capsys.readouterr().err == "'post' is neither a folder nor PACKAGE==VERSION\n"


def test_subpackages_are_taken_by_name_as_long_as_they_fit() -> None:
    assert chosen({"d": 10, "a": 60, "b": 50, "c": 30, "empty": 0}, 100) == ("a", "c", "d")
    assert chosen({"a": 60}, 59) == ()


def test_copies_are_programs_of_their_own_and_no_text_is_met_twice(tmp_path: Path, write: Write) -> None:
    root = write({**PROGRAM, "app/app/same.py": "APPLE = 1\n"})
    for name in ("app_0", "app_1"):
        copy_renamed(root, "app", name, tmp_path / "copies")
    assert (tmp_path / "copies/app_1/rooms/other.py").read_text("utf-8") == "import json, app_1.core as core\n"
    assert (tmp_path / "copies/app_0/app_0/same.py").read_text("utf-8") == "APPLE = 1\n# app_0"
    copies = sources(tmp_path / "copies")
    assert len(copies) == 2 * len(sources(root)) == len({path.read_bytes() for path in copies})
    counts = importers(tmp_path / "copies")
    assert counts["app_0/core.py"] == counts["app_1/core.py"] == importers(root)["app/core.py"]


def test_growth_goes_from_parts_to_ten_copies(tmp_path: Path, write: Write) -> None:
    parts = {f"app/part_{number}/__init__.py": "x = 1\n" * 10 for number in range(10)}
    root = write({"small/__init__.py": "", "app/__init__.py": "x = 1\n", "app/data/readme.txt": "", **parts})
    corpus = unpacked("app 1", root)
    assert package_of(root) == "app"
    found = growth.sizes(corpus, only_ten=False)
    assert [(len(size.parts), size.copies) for size in found] == [(1, 0), (3, 0), (0, 1), (0, 2), (0, 5), (0, 10)]
    assert len({size.what for size in found}) == len(found)
    assert [size.copies for size in growth.sizes(corpus, only_ten=True)] == [1, 10]
    built = [tmp_path / "built" / str(number) for number in range(len(found))]
    for size, place in zip(found, built, strict=True):
        growth.build(size, root, place)
    assert [lines(place) for place in built] == [11, 31, 101, 202, 505, 1010]


# The figures


def test_a_ratio_is_that_of_the_fastest_rounds() -> None:
    corpus = a_corpus(cold=(9.0, 3.0, 5.0))
    assert (corpus.best("cold"), corpus.ratio("cold"), corpus.ratio(PARSE)) == (3.0, 1.5, 1.0)


def test_a_goal_is_kept_up_to_its_figure() -> None:
    assert (table.kept(2.0, 2.0), table.kept(2.01, 2.0)) == ("yes", "**no**")
    slow = a_corpus(cold=(4.0,), filling=(4.1,), leaf=(1.0,), central=(1.1,), unchanged=(0.4,))
    heavy = msgspec.structs.replace(a_corpus("letter 1.0", **fast()), megabytes={"cold": 601.0})
    ten = (a_point(1, 100, 10.0, 50.0), a_point(10, 1000, 121.0, 500.0))
    assert missed(Figures(MACHINE, (slow, heavy), ten)) == [
        "post 1.0: cold, writing the cache",
        "post 1.0: one file changed: the most central",
        "letter 1.0: peak memory",
        "ten times the code: time",
    ]


def fast() -> dict[str, tuple[float, ...]]:
    """Seconds that keep every goal."""
    return {measure.key: (0.4,) for measure in MEASURES if measure.goal is not None}


def test_ten_times_is_ten_copies_beside_one() -> None:
    assert ten_times((a_point(1, 100, 10.0, 50.0), a_point(5, 500, 9.0, 9.0), a_point(10, 1000, 110.0, 450.0))) == (
        11.0,
        9.0,
    )
    assert ten_times((a_point(1, 100, 10.0, 50.0),)) is None


def test_newer_figures_take_the_place_of_older_ones_and_the_rest_stays(tmp_path: Path) -> None:
    others = Others("post 1.0", 1, 10, 0.1, ())
    old = Figures(MACHINE, (a_corpus("a"), a_corpus("b")), (a_point(10, 1000, 1.0, 1.0),), others, is_trial=True)
    new = Figures(MACHINE, (a_corpus("b", cold=(7.0,)),), (a_point(1, 100, 1.0, 1.0), a_point(10, 1000, 2.0, 2.0)))
    both = merged(old, new)
    assert [(one.name, one.best("cold")) for one in both.corpora] == [("a", 1.0), ("b", 7.0)]
    assert [(one.copies, one.seconds) for one in both.growth] == [(1, 1.0), (10, 2.0)]
    assert (both.others, both.is_trial) == (others, False)
    file = tmp_path / "figures.json"
    assert add(file, old) == read(file) == old
    assert add(file, new) == read(file) == both


def test_a_file_of_figures_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text("{}", "utf-8")
    with pytest.raises(MeasurementError, match=r"figures\.json"):
        read(tmp_path / "figures.json")


# The tables


def test_the_table_of_goals_shows_multiples_seconds_and_whether_they_are_kept() -> None:
    ten = (a_point(1, 100, 10.0, 50.0), a_point(10, 1000, 110.0, 600.0))
    shown = list(table.corpora([a_corpus(), a_corpus("letter 1.0", cold=(0.5,))], ten))
    assert shown[:5] == [
        "|  | at most | post 1.0 | kept | letter 1.0 | kept |",
        "|---|---|--:|--:|--:|--:|",
        "| `ast.parse` of all files, one process |  | 1.00 × (2.00 s) |  | 1.00 × (2.00 s) |  |",
        "| `ruff check --select ASYNC --no-cache` |  | 0.50 × (1.00 s) |  | 0.50 × (1.00 s) |  |",
        "| cold, no cache | 2.0 × | 0.50 × (1.00 s) | yes | 0.25 × (0.50 s) | yes |",
    ]
    assert "| nothing changed | 0.2 × | 0.50 × (1.00 s) | **no** | 0.50 × (1.00 s) | **no** |" in shown
    assert shown[-3:] == [
        "| peak memory of any of these, all processes | 600 MB | 100 MB | yes | 100 MB | yes |",
        "| ten times the code: time | 12 × | 11.0 × | yes |  |  |",
        "| ten times the code: memory | 10 × | 12.0 × | **no** |  |  |",
    ]


def test_the_files_that_were_changed_and_what_could_not_be_done_are_told() -> None:
    corpus = msgspec.structs.replace(a_corpus(), is_same=False, complaints=("a.py: too deep",))
    about = "\n".join(table.about([corpus]))
    assert "12 files, 3 thousand lines; 2 rounds" in about
    assert "leaf `a.py` (0); middling `b.py` (3); central `c.py` (9)" in about
    assert "**not the same**" in about
    assert "could not do all: a.py: too deep" in about


def test_other_tools_growth_and_profile_have_their_tables() -> None:
    tools = (Tool("ours", "1.0", 2.0, 3), Tool("pylint, its defaults", "4.1", 50.0, 1234))
    assert list(table.others(Others("post 1.0", 12, 3456, 0.5, tools)))[-2:] == [
        "| ours 1.0 | 2.00 | 4.00 | 1,728 | 3 |",
        "| pylint 4.1, its defaults | 50.00 | 100.00 | 69 | 1,234 |",
    ]
    assert list(table.growth([a_point(10, 7_000_000, 70.0, 5000.0)]))[-1] == (
        "| post, 10 copies | 120 | 7,000 | 70.0 | 2.00 | 10.0 | 5,000 |"
    )
    rules = {f"LCK{number}": float(number) for number in range(1, 11)}
    text = "\n".join(
        table.profile(Profile("post 1.0", 3456, 5.0, {"linking": 3.0, "rules": 1.0}, rules, {"reading": 0.1}))
    )
    assert "| linking | 3.00 | 75% |" in text
    assert "LCK10 10.00 s, LCK9 9.00 s" in text
    assert "the other 2 together 3.00 s" in text


def test_all_that_was_measured_is_printed_and_nothing_else() -> None:
    text = "\n".join(table.everything(Figures(MACHINE, growth=(a_point(1, 1000, 1.0, 2.0),))))
    assert text.startswith("2026-11-21; 2 processors (a processor); Python 3.11.7")
    assert "post, 1 copies" in text
    assert "at most" not in text


# The profile


def test_a_stage_that_another_one_calls_is_not_counted_twice() -> None:
    clock = Clock(iter([0.0, 1.0, 3.0, 10.0, 11.0, 20.0, 21.0]).__next__)
    with clock.stage("outer"), clock.stage("inner"):
        pass
    clock.timed("outer", lambda: None)()
    assert clock.taken == {"outer": 2.0 + 1.0 + 1.0, "inner": 7.0}


def test_stages_that_are_mixed_are_divided_by_what_was_seen() -> None:
    taken = {"linking": 1.0, "summarising": 7.0, "triage": 2.0}
    assert divided(taken, {"linking": 3, "summarising": 1}) == {"linking": 6.0, "summarising": 2.0, "triage": 2.0}
    assert divided(taken, {"linking": 0, "summarising": 0}) == taken


def test_every_stage_is_found_and_put_back(write: Write) -> None:
    apply = pipeline.apply
    stages, rules, _ = profiled(write({"rooms.py": HAZARD}))
    sampled = {
        "linking",
        "summarising",
    }  # told apart by looking now and then: a small program may be over between two looks
    idle = [name for name, seconds in stages.items() if name in STAGES and not seconds > 0 and name not in sampled]
    assert idle == ["asking astroid"]
    assert "LCK101" in rules
    assert pipeline.apply is apply


# The page


def test_the_page_shows_the_figures() -> None:
    text = page.PAGE.read_text("utf-8")
    assert page.filled(text, read(FIGURES)) == text, "python -m tests.benchmarks.page"


def test_the_picture_shows_the_figures() -> None:
    assert page.PICTURE.read_text("utf-8") == draw(read(FIGURES).growth), "python -m tests.benchmarks.page"


def test_the_picture_is_one_with_a_dot_for_each_figure_and_a_straight_line() -> None:
    points = [a_point(1, 100_000, 1.0, 1.0), a_point(10, 1_000_000, 20.0, 1.0)]
    root = ET.fromstring(draw(points))
    assert len(root.findall(".//{*}circle")) == 4
    even = next(path.attrib["d"] for path in root.findall("{*}path") if path.attrib["class"] == "even")
    ours = next(path.attrib["d"] for path in root.findall("{*}path") if path.attrib["class"] == "ours")
    assert even.split(" L")[0] == ours.split(" L")[0]
    assert "@media (prefers-color-scheme: dark)" in draw(points)


def test_an_axis_is_logarithmic_with_round_ticks() -> None:
    axis = Axis(1.0, 100.0, 0.0, 200.0)
    assert [axis.place(value) for value in (1.0, 10.0, 100.0)] == [0.0, 100.0, 200.0]
    assert list(Axis(3.0, 60.0, 0.0, 1.0).ticks()) == [5.0, 10.0, 20.0, 50.0]


def test_a_section_goes_between_its_marks_once() -> None:
    text = "a\n<!-- begin of x -->\nold\n<!-- end of x -->\nb\n"
    assert page.insert(text, "x", "new \\1") == "a\n<!-- begin of x -->\n\nnew \\1\n\n<!-- end of x -->\nb\n"
    with pytest.raises(MeasurementError, match="once"):
        page.insert(text, "y", "new")


def test_a_page_is_not_made_of_half_the_figures() -> None:
    with pytest.raises(MeasurementError, match="the page needs"):
        page.sections(Figures(MACHINE, (a_corpus(),)))


@pytest.mark.parametrize(("corpus", "status"), [(a_corpus(), MISSED), (a_corpus("post 1.0", **fast()), KEPT)])
def test_a_goal_that_is_missed_shows_in_the_status(
    corpus: Corpus, status: int, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "measure", lambda *_: corpus)
    assert main(["--corpus", str(write(PROGRAM))]) == status
