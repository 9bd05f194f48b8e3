"""The plugin of flake8 reports what the command reports, whatever flake8 hands it and in whatever process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TypeAlias

import pytest

import lockcheck
from lockcheck.app.pipeline import check as analyse
from lockcheck.app.project import Project, locate
from lockcheck.app.rulebook import Rulebook
from lockcheck.app.run import Options, Outcome
from lockcheck.app.sharing import exclusive, find
from tests.cases import all_cases
from tests.cases import write as write_example
from tests.conftest import HAZARD, Write
from tests.flake8_runs import Run
from tests.installed import ROOT, install_lockcheck

Reports: TypeAlias = "set[tuple[str, int, int, str]]"

SEVERAL = [case for case in all_cases() if sum(file.name.endswith(".py") for file in case.example.files) > 1]
"""Programs of several modules."""

PAIR = {
    "pkg/__init__.py": "",
    "pkg/a.py": "import threading\n\nfrom pkg import b\n\nLOCK = threading.Lock()\n\n\ndef one():\n    with LOCK:\n        b.two()\n",
    "pkg/b.py": "import time\n\n\ndef two():\n    time.sleep(1)\n",
}
"""A program whose hazard only both files together have: LCK202 in row 10 of `a.py`."""

SLEEP = ("pkg/a.py", 10, 9, "LCK202")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    site = install_lockcheck(tmp_path / "site")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, ROOT)))}


def flake8(environment: dict[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8", "--format=%(path)s:%(row)d:%(col)d:%(code)s", *arguments]
    return subprocess.run(command, input=stdin, text=True, capture_output=True, env=environment, timeout=300)


def several(environment: dict[str, str], runs: list[Run], method: str = "fork") -> list[Reports]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.flake8_runs", *([] if method == "fork" else [method])],
        input=json.dumps(runs),
        text=True,
        capture_output=True,
        env=environment,
        timeout=600,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [{(path, row, column, code) for path, row, column, code in each} for each in json.loads(done.stdout)]


def run(folder: Path, *arguments: str, stdin: str = "") -> Run:
    return {"folder": str(folder), "arguments": ["--select", "LCK", *arguments], "stdin": stdin}


def commanded(folder: Path, *paths: str) -> Reports:
    """What the command reports of some paths, without what flake8 says itself."""
    found = lockcheck.check([folder / path for path in paths] or [folder]).findings
    places = [(os.path.relpath(each.place.path, folder), each.place.span, each.code) for each in found]
    return {(path, span.row, span.column, code) for path, span, code in places if code != "LCK900"}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every program of several modules, as a project that asks for all rules."""
    folders: list[Path] = []
    for number, case in enumerate(SEVERAL):
        folder = tmp_path_factory.mktemp(f"case{number}")
        write_example(case.example, folder)
        if not (folder / "pyproject.toml").exists():
            (folder / "lockcheck.toml").write_text('select = ["ALL"]\n')
        folders.append(folder)
    return folders


@pytest.mark.once
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_program_of_several_files_is_reported_as_by_the_command(
    programs: list[Path], environment: dict[str, str], jobs: str
) -> None:
    expected = [commanded(folder) for folder in programs]
    assert sum(map(bool, expected)) > 20
    assert several(environment, [run(folder, jobs, ".") for folder in programs]) == expected


@pytest.mark.once
def test_one_file_of_a_project_is_reported_as_in_the_whole(programs: list[Path], environment: dict[str, str]) -> None:
    asked = [(folder, str(file.relative_to(folder))) for folder in programs for file in sorted(folder.rglob("*.py"))]
    expected = [{one for one in commanded(folder, file) if one[0] == file} for folder, file in asked]
    assert several(environment, [run(folder, file) for folder, file in asked]) == expected
    texts = [(folder / file).read_text("utf-8") for folder, file in asked]
    piped = [
        run(folder, "--stdin-display-name", file, "-", stdin=text)
        for (folder, file), text in zip(asked, texts, strict=True)
    ]
    assert several(environment, piped) == expected


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_are_started_afresh_report_the_same(
    programs: list[Path], environment: dict[str, str], method: str
) -> None:
    if method == "forkserver" and sys.platform == "win32":
        method = "spawn"
    first, second = [folder for folder in programs if commanded(folder)][:2]
    runs = [run(first, "-j2", "--lockcheck-no-cache", "."), run(first, "-j2", str(second))]
    everything = {(str(second / path), row, column, code) for path, row, column, code in commanded(second)}
    assert several(environment, runs, method) == [commanded(first), everything]


def test_columns_and_rows_are_those_of_the_command(write: Write, environment: dict[str, str]) -> None:
    hazards: dict[str, str | bytes] = {
        "plain.py": HAZARD,
        "mark.py": b"\xef\xbb\xbf" + HAZARD.encode(),
        "windows.py": HAZARD.replace("\n", "\r\n").encode(),
        "wide.py": HAZARD.replace("await", "x = '\N{GRINNING FACE}\N{LATIN SMALL LETTER E WITH ACUTE}'; await"),
        "tab.py": HAZARD.replace("        await", "\t\tawait").replace("    with", "\twith"),
        "feed.py": "\x0c\n" + HAZARD,
        "latin.py": b"# -*- coding: latin-1 -*-\n" + HAZARD.replace("await", "x = '\xe9'; await").encode("latin-1"),
    }
    root = write(hazards)
    expected = commanded(root)
    assert {path for path, *_ in expected} == set(hazards)
    assert several(environment, [run(root, ".")]) == [expected]


def test_file_that_is_not_python_is_left_to_flake8(write: Write, environment: dict[str, str]) -> None:
    write({"a.py": "def f(:\n", "b.py": HAZARD})
    done = flake8(environment, "--select", "LCK,E9", ".")
    assert sorted(line.rpartition(":")[2] for line in done.stdout.splitlines()) == ["E999", "LCK101"]


class TestSelection:
    """What flake8 decides, and what lockcheck's own options and configuration say."""

    def test_noqa_and_ignores_are_those_of_flake8(self, write: Write, environment: dict[str, str]) -> None:
        silent = HAZARD.replace("sleep(1)", "sleep(1)  # noqa: LCK101")
        write({"a.py": silent, "b.py": HAZARD, "c.py": HAZARD, "setup.cfg": "[flake8]\nper-file-ignores = b.py:LCK1\n"})
        assert flake8(environment, "--select", "LCK", ".").stdout == "./c.py:9:9:LCK101\n"
        shown = flake8(environment, "--select", "LCK", "--disable-noqa", ".").stdout
        assert shown.split() == ["./a.py:9:9:LCK101", "./c.py:9:9:LCK101"]

    def test_it_reports_without_being_selected_beside_the_others(
        self, write: Write, environment: dict[str, str]
    ) -> None:
        write({"a.py": HAZARD + "import os\n"})
        codes = {line.rpartition(":")[2] for line in flake8(environment, ".").stdout.splitlines()}
        assert {"LCK101", "F401"} <= codes

    def test_rules_that_flake8_leaves_out_hide_no_others(self, write: Write, environment: dict[str, str]) -> None:
        pair = "import queue\nimport threading\n\nLOCK = threading.Lock()\nITEMS = queue.Queue(1)\n\n\ndef f():\n    with LOCK:\n        ITEMS.put(1)\n"
        write({"a.py": pair})
        assert flake8(environment, "--select", "LCK", ".").stdout == "./a.py:10:9:LCK206\n"
        assert flake8(environment, "--select", "LCK401", ".").stdout == "./a.py:10:9:LCK401\n"
        assert flake8(environment, "--select", "LCK", "--ignore", "LCK206", ".").stdout == "./a.py:10:9:LCK401\n"

    def test_rule_that_is_off_by_default_is_on_when_it_is_named(
        self, write: Write, environment: dict[str, str]
    ) -> None:
        write({"a.py": "import queue\n\nITEMS = queue.Queue()\n\n\ndef f():\n    return ITEMS.get()\n"})
        assert flake8(environment, "--select", "LCK", ".").stdout == ""
        for arguments in (
            ["--extend-select", "LCK402", "--ignore", "E,W"],
            ["--select", "LCK", "--lockcheck-extend-select", "queue-get-without-timeout"],
            ["--select", "LCK", "--lockcheck-select", "LCK40"],
        ):
            assert "./a.py:7:12:LCK402\n" in flake8(environment, *arguments, ".").stdout

    def test_options_come_from_the_configuration_of_flake8(self, write: Write, environment: dict[str, str]) -> None:
        write({"a.py": HAZARD, "setup.cfg": "[flake8]\nselect = LCK\nlockcheck-ignore = thread-lock-across-await\n"})
        assert flake8(environment, ".").stdout == ""
        write(
            {
                "other.toml": 'ignore = ["LCK1"]\n',
                "setup.cfg": "[flake8]\nselect = LCK\nlockcheck-config = ./other.toml\n",
            }
        )
        assert flake8(environment, ".").stdout == ""

    def test_configuration_of_lockcheck_holds(self, write: Write, environment: dict[str, str]) -> None:
        write({"a.py": HAZARD, "lockcheck.toml": 'ignore = ["LCK1"]\n'})
        assert flake8(environment, "--select", "LCK", ".").stdout == ""
        assert flake8(environment, "--select", "LCK", "--lockcheck-isolated", ".").stdout == "./a.py:9:9:LCK101\n"

    def test_help_shows_the_options_and_the_page_explains_them(self, environment: dict[str, str]) -> None:
        shown = re.findall(r"--lockcheck-[a-z-]+", flake8(environment, "--help").stdout)
        page = (ROOT / "docs" / "flake8.md").read_text("utf-8")
        assert set(shown) == set(re.findall(r"^\| `(--lockcheck-[a-z-]+)", page, re.MULTILINE))

    def test_configuration_of_the_page_works(self, write: Write, environment: dict[str, str]) -> None:
        page = (ROOT / "docs" / "flake8.md").read_text("utf-8")
        (block,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
        get = "import queue\n\nITEMS = queue.Queue()\n\n\ndef f():\n    return ITEMS.get()\n"
        write({"a.py": HAZARD, "b.py": get, "setup.cfg": block})
        assert flake8(environment, ".").stdout.split() == ["./a.py:9:9:LCK101", "./b.py:7:12:LCK402"]

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--lockcheck-select", "LCK1O1"], "lockcheck: --lockcheck-select: unknown rule `LCK1O1`; did you mean"),
            (["--lockcheck-min-confidence", "sure"], "lockcheck: --lockcheck-min-confidence: there is no level `sure`"),
            (["--lockcheck-config", "./nowhere.toml"], "nowhere.toml: No such file or directory"),
        ],
    )
    def test_wrong_options_are_said_to_be_wrong(
        self, write: Write, environment: dict[str, str], arguments: list[str], complaint: str
    ) -> None:
        write({"a.py": HAZARD})
        done = flake8(environment, *arguments, ".")
        assert done.returncode == 1
        assert complaint in done.stdout


def test_what_could_not_be_done_never_looks_clean(write: Write, environment: dict[str, str]) -> None:
    write({"a.py": "x = 1\n", "b.py": b"\xff = 1\n"})
    done = flake8(environment, "--select", "LCK", ".")
    assert done.returncode == 1
    assert done.stderr.startswith("lockcheck: b.py: cannot be decoded")
    assert done.stdout == "./a.py:1:1:LCK999\n"


def test_style_guide_of_the_library_knows_files_that_it_is_given_later(
    write: Write, environment: dict[str, str]
) -> None:
    root = write({**{f"elsewhere/{name}": text for name, text in PAIR.items()}, "here/x.py": "x = 1\n"})
    script = (
        "from flake8.api.legacy import get_style_guide\n"
        "guide = get_style_guide(select=['LCK'])\n"
        f"print(guide.check_files([{str(root / 'elsewhere/pkg/a.py')!r}]).total_errors)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], text=True, capture_output=True, env=environment, cwd=root / "here", timeout=120
    )
    assert done.stdout.splitlines()[-1] == "1", done.stdout + done.stderr


class TestSharing:
    """Runs at the same time share one analysis, and none waits for ever."""

    def test_runs_at_the_same_time_analyse_once(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write(PAIR)
        builds: list[int] = []

        def check(project: Project, options: Options, book: Rulebook | None = None) -> Outcome:
            builds.append(threading.get_ident())
            return analyse(project, options, book)

        monkeypatch.setattr("lockcheck.app.sharing.check", check)
        found: list[object] = []
        barrier = threading.Barrier(3)

        def ask(path: str) -> None:
            barrier.wait(60)
            found.append(find(locate([path], here=str(root)), Options(), tmp_path / "shared", 60))

        threads = [threading.Thread(target=ask, args=(path,)) for path in ("pkg/a.py", "pkg/b.py", "pkg")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(builds), len(found)) == (1, 3)
        assert found[0] == found[1] == found[2]

    @pytest.mark.parametrize(
        "change",
        [
            {"pkg/b.py": "def two():\n    pass\n"},
            {"lockcheck.toml": 'ignore = ["LCK2"]\n'},
            {"pkg/c.py": "from pkg import a\n"},
        ],
    )
    def test_change_of_the_program_is_seen(self, write: Write, tmp_path: Path, change: dict[str, str]) -> None:
        root = write({**PAIR, "lockcheck.toml": ""})

        def reported() -> object:
            return find(locate(["pkg"], here=str(root)), Options(), tmp_path / "shared", 60)

        first = reported()
        assert reported() == first
        write(change)
        assert reported() != first

    def test_who_has_waited_long_enough_does_it_itself(
        self, write: Write, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        root = write(PAIR)
        cache = tmp_path / "shared"
        project = locate(["."], here=str(root))
        find(project, Options(), cache, 60)
        for left in cache.glob("*.findings"):
            left.unlink()
        (lock,) = cache.glob("*.lock")
        with exclusive(lock, 0) as is_ours:
            assert is_ours
            arguments = ["--select", "LCK", "--lockcheck-wait", "0.1", "--lockcheck-cache-dir", str(cache)]
            assert flake8(environment, *arguments, ".").stdout == "./pkg/a.py:10:9:LCK202\n"
            assert not list(cache.glob("*.findings"))

    def test_lock_of_a_process_that_died_is_free(self, tmp_path: Path) -> None:
        lock = tmp_path / "lock"
        script = f"import os; from pathlib import Path; from lockcheck.app.sharing import exclusive\nwith exclusive(Path({str(lock)!r}), 0) as ours:\n    os._exit(0 if ours else 1)"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        assert subprocess.run([sys.executable, "-c", script], env=environment, timeout=60).returncode == 0
        with exclusive(lock, 0) as is_ours:
            assert is_ours

    def test_folder_that_cannot_be_written_is_no_hindrance(self, write: Write, tmp_path: Path) -> None:
        root = write(PAIR)
        (tmp_path / "file").write_text("")
        found = find(locate(["."], here=str(root)), Options(), tmp_path / "file" / "shared", 60)
        assert [one.code for one in found.reports[str(root / "pkg/a.py")]] == ["LCK202"]
