"""Extraction in workers: one file's misfortune is its own, and what is known is not found out again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lockcheck.analysis.extract
import lockcheck.app.crew
from lockcheck.app.cache import Cache
from lockcheck.app.extraction import Extraction, extract_units
from lockcheck.app.store import cache_folder
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.source import SourceFile
from tests.conftest import HAZARD, Lockcheck, Write

NEEDS_WORKERS = f"X = {'(' * 60}1{')' * 60}\n"
"""A text that nests enough to be kept away from our own process."""


def sources(**texts: str) -> list[SourceFile]:
    return [SourceFile(f"/project/{name}.py", f"{name}.py", name, False, text) for name, text in texts.items()]


def outcome(extraction: Extraction) -> tuple[list[str], list[tuple[str, str]]]:
    failures = [(failure.what, failure.message) for failure in extraction.failures]
    return [unit.module for unit in extraction.units], failures


@pytest.mark.parametrize("jobs", [1, 2])
def test_units_come_in_the_order_of_the_sources_whoever_made_them(jobs: int) -> None:
    many = sources(**{f"m{number}": NEEDS_WORKERS + f"def f{number}():\n    pass\n" * 400 for number in range(40)})
    extraction = extract_units(many, jobs=jobs)
    assert [unit.module for unit in extraction.units] == [source.module for source in many]
    assert all(unit.facts.functions for unit in extraction.units)


MORTAL = """\
import os
import lockcheck.analysis.extract as module
real = module.extract
module.extract = lambda text: os._exit(11) if "deadly" in text else real(text)
serve()
"""
"""A worker that some texts are the end of."""


def workers_that(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    bootstrap = lockcheck.app.crew.BOOTSTRAP
    assert bootstrap.endswith("\nserve()\n")
    monkeypatch.setattr(lockcheck.app.crew, "BOOTSTRAP", bootstrap.removesuffix("serve()\n") + script)


def test_death_of_a_worker_costs_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    workers_that(monkeypatch, MORTAL)
    texts = {f"m{number}": NEEDS_WORKERS for number in range(6)} | {"bad": "deadly", "worse": "deadly", "last": "x = 1"}
    names, failures = outcome(extract_units(sources(**texts), jobs=2))
    assert names == [*(f"m{number}" for number in range(6)), "last"]
    assert [what for what, _ in failures] == ["/project/bad.py", "/project/worse.py"]
    assert all("the parser died of it" in message for _, message in failures)


@pytest.mark.parametrize("script", ["os._exit(3)\n", "raise SystemExit(3)\n"])
def test_without_workers_only_what_may_kill_a_parser_is_not_read(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    workers_that(monkeypatch, script)
    names, failures = outcome(extract_units(sources(a=NEEDS_WORKERS, b="x = 1", c=NEEDS_WORKERS), jobs=2))
    assert names == ["b"]
    assert [what for what, _ in failures] == ["/project/a.py", "/project/c.py"]
    assert all("no worker process starts: it ended with status 3" in message for _, message in failures)


def test_program_that_is_no_interpreter_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    names, failures = outcome(extract_units(sources(a=NEEDS_WORKERS, b="x = 1"), jobs=2))
    assert names == ["b"]
    assert [message for _, message in failures] == [
        "not read, for no worker process starts: this program is no Python interpreter"
    ]


def test_file_whose_name_is_no_text_is_read_by_a_worker(tmp_path: Path) -> None:
    source = SourceFile("/project/\udcff.py", "\udcff.py", "m", False, NEEDS_WORKERS + "LOCK = 1\n")
    extraction = extract_units([source], jobs=1)
    assert ([unit.path for unit in extraction.units], extraction.failures) == ([source.path], ())


def test_checkout_that_is_not_installed_runs_itself_and_its_workers(tmp_path: Path) -> None:
    (tmp_path / "lockcheck").symlink_to(Path(lockcheck.__file__).parent, target_is_directory=True)
    (tmp_path / "looked_at.py").write_text(NEEDS_WORKERS + HAZARD)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "lockcheck", "--no-cache", "--output-format", "concise", "looked_at.py"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert (run.returncode, run.stderr.count("not read"), run.stderr.count("died")) == (1, 0, 0)
    assert run.stdout.startswith("looked_at.py:")


def test_exception_costs_one_file_and_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lockcheck.analysis.extract.extract

    def extract(text: str) -> ModuleFacts:
        if "broken" in text:
            raise KeyError("of all things")
        return real(text)

    monkeypatch.setattr(lockcheck.analysis.extract, "extract", extract)
    names, failures = outcome(extract_units(sources(a="x = 1", b="broken", c="y = 2"), jobs=1))
    assert names == ["a", "c"]
    ((what, message),) = failures
    assert what == "/project/b.py"
    assert message.startswith("internal error, please report it: KeyError: 'of all things' (tests.test_extraction:")


@pytest.mark.parametrize(
    "deadly",
    [
        f"x = {'(' * 3_000}1{')' * 3_000}\n",
        f"x = {'(' * 100_000}1{')' * 100_000}\n",
        f"x = a{'.b()' * 20_000}\n",
        f"x = {'-' * 50_000}1\n",
        f"x = {'1 + ' * 50_000}1\n",
        f"x = {'[' * 90}{']' * 90}\n",
        "if x:\n    pass\n" + "elif x:\n    pass\n" * 5_000,
    ],
    ids=["parentheses", "more parentheses", "calls", "signs", "sums", "lists", "elif"],
)
def test_deep_nesting_never_takes_the_others_along(write: Write, lockcheck: Lockcheck, deadly: str) -> None:
    write({"deadly.py": deadly, "good.py": HAZARD})
    run = lockcheck("--output-format", "concise", ".")
    assert "good.py:9:9: LCK101 " in run.out
    assert run.status in (1, 2)
    assert "internal error" not in run.err
    assert all(line.startswith("lockcheck: deadly.py: ") for line in run.err.splitlines())


def test_second_run_gives_the_same_from_the_cache(tmp_path: Path) -> None:
    texts = sources(a=HAZARD, b="x = 1")
    first = Cache(tmp_path / "cache", "/project")
    cold = extract_units(texts, jobs=1, cache=first)
    assert first.save() is None
    second = Cache(tmp_path / "cache", "/project")
    assert all(second.get(source.text) is not None for source in texts)
    warm = extract_units(texts, jobs=1, cache=second)
    assert [unit.facts for unit in warm.units] == [unit.facts for unit in cold.units]


@pytest.mark.parametrize("damage", ["empty", "foreign", "cut", "flipped"])
def test_useless_store_is_made_anew(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path, "/project")
    extract_units(sources(a=HAZARD), jobs=1, cache=cache)
    cache.save()
    (store,) = tmp_path.iterdir()
    content = store.read_bytes()
    flipped = content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]
    store.write_bytes({"empty": b"", "foreign": b"\x80\x04K.", "cut": content[:-9], "flipped": flipped}[damage])
    again = Cache(tmp_path, "/project")
    assert again.get(HAZARD) is None
    extract_units(sources(a=HAZARD), jobs=1, cache=again)
    again.save()
    assert store.read_bytes() == content
    assert list(tmp_path.iterdir()) == [store]


def test_store_lies_where_it_is_wanted_and_never_in_the_tree(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = write({"a.py": HAZARD})
    before = sorted(root.rglob("*"))
    monkeypatch.setenv("LOCKCHECK_CACHE_DIR", str(tmp_path / "by environment"))
    lockcheck("--no-cache", ".")
    assert not (tmp_path / "by environment").exists()
    first = lockcheck(".")
    assert list((tmp_path / "by environment").iterdir())
    assert lockcheck("--cache-dir", tmp_path / "by option", ".") == first
    assert list((tmp_path / "by option").iterdir())
    assert sorted(root.rglob("*")) == before


def test_store_that_cannot_be_written_is_mentioned_and_changes_nothing(
    write: Write, lockcheck: Lockcheck, tmp_path: Path
) -> None:
    write({"a.py": HAZARD})
    (tmp_path / "file").write_text("")
    run = lockcheck("--cache-dir", tmp_path / "file", ".")
    assert run.status == 1
    assert run.err.startswith("lockcheck: cache: ")


def test_cache_folder_follows_the_environment() -> None:
    assert cache_folder({"LOCKCHECK_CACHE_DIR": "/here", "XDG_CACHE_HOME": "/there"}) == Path("/here")
    if sys.platform != "win32":
        assert cache_folder({"XDG_CACHE_HOME": "/there"}) == Path("/there/lockcheck")
        assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "lockcheck"
