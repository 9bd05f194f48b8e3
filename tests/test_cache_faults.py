"""Whatever happens to workers and to what is kept costs time: never a finding, and never a wrong one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lockcheck as package
from lockcheck.app.cache import Cache
from lockcheck.app.crew import BOOTSTRAP
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project, locate
from lockcheck.app.run import Options
from lockcheck.app.store import DIGEST, digest
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.findings import Finding
from tests.conftest import HAZARD, Lockcheck, Write

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
NEEDS_WORKERS = f"X = {'(' * 60}1{')' * 60}\n"
LONG = '"""' + "A long text.\n" * 3_000 + '"""\n'
FORM = ("--output-format", "concise", "--quiet")

KILLED = """\
import os, signal
import lockcheck.analysis.extract as module
real = module.extract
def extract(text):
    facts = real(text)
    if "# fatal" in text:
        try:
            os.close(os.open({mark!r}, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return facts
        os.kill(os.getpid(), signal.SIGKILL)
    return facts
module.extract = extract
serve()
"""
"""A worker that is killed with its work half done: the first of all that come to a text of that kind."""

LIMITED = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
from lockcheck.ui.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""lockcheck where no file can grow beyond 512 bytes."""


def run(*words: object, script: tuple[str, ...] = ("-m", "lockcheck")) -> tuple[int, str, str]:
    command = [sys.executable, *script, *FORM, *map(str, words)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_worker_killed_in_the_middle_costs_no_finding(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write({f"m{number}.py": NEEDS_WORKERS + LONG + HAZARD for number in range(6)})
    write({"m3.py": NEEDS_WORKERS + LONG + HAZARD + "# fatal\n"})
    right = lockcheck("--no-cache", *FORM, ".")
    assert right.out.count("LCK101") == 6
    mark = tmp_path / "killed"
    script = BOOTSTRAP.removesuffix("serve()\n") + KILLED.format(mark=str(mark))
    monkeypatch.setattr("lockcheck.app.crew.BOOTSTRAP", script)
    assert lockcheck("--jobs", 2, *FORM, ".") == right
    assert mark.exists()
    (Path("m1.py")).write_text("x = 1\n")
    assert lockcheck(*FORM, ".").out.count("LCK101") == 5


@pytest.mark.once
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_full_disk_costs_no_finding_and_nothing_that_was_kept(write: Write, tmp_path: Path) -> None:
    root = write({"a.py": HAZARD, "b.py": HAZARD * 3})
    folder = tmp_path / "cache"
    before = run("--cache-dir", folder, ".")
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert max(map(len, kept.values())) > 512
    (root / "b.py").write_text(HAZARD * 4)
    status, out, err = run("--cache-dir", folder, ".", script=("-c", LIMITED))
    assert (status, out) == run("--no-cache", ".")[:2] != before[:2]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == kept
    assert err == ""  # with --quiet
    assert run("--cache-dir", folder, ".")[:2] == (status, out)


def test_folders_in_the_place_of_files_cost_no_finding(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    folder = tmp_path / "cache"
    right = lockcheck("--cache-dir", folder, *FORM, ".")
    for file in list(folder.iterdir()):
        file.unlink()
        file.mkdir()
    assert lockcheck("--cache-dir", folder, *FORM, ".") == right
    assert lockcheck("--cache-dir", folder, ".").err.startswith("lockcheck: cache: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everything")
def test_folder_that_may_not_be_written_costs_no_finding(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o500)
    right = lockcheck("--no-cache", *FORM, ".")
    assert lockcheck("--cache-dir", folder, *FORM, ".") == right == lockcheck("--cache-dir", folder, *FORM, ".")


@pytest.mark.once
def test_runs_that_write_at_once_find_what_each_finds_alone(write: Write, tmp_path: Path) -> None:
    root = write({f"m{number}.py": HAZARD for number in range(4)})
    folder = tmp_path / "cache"
    for turn in range(2):
        (root / "m0.py").write_text(HAZARD * (turn + 1))
        wishes = [["."], ["m0.py"], ["--select", "ALL", "."]]
        command = [sys.executable, "-m", "lockcheck", *FORM, "--cache-dir", str(folder)]
        started = [
            subprocess.Popen(
                [*command, *wish], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for wish in wishes
        ]
        done = [(*process.communicate(timeout=300)[::-1], process.returncode) for process in started]
        alone = [run("--no-cache", *wish) for wish in wishes]
        assert [(status, out, err) for err, out, status in done] == alone
    assert all(len(file.stem) == 32 for file in folder.iterdir())  # nothing half written is left


def test_what_is_said_of_the_cache_is_obeyed(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    lockcheck("--cache-dir", tmp_path / "one", *FORM, ".")
    assert "0 from the cache, 1 extracted" in lockcheck("--no-cache", "--timing", ".").err
    assert "0 from the cache, 1 extracted" in lockcheck("--cache-dir", tmp_path / "two", "--timing", ".").err
    assert "1 from the cache, 0 extracted" in lockcheck("--cache-dir", tmp_path / "one", "--timing", "a.py").err


class Kept:
    """A project whose facts are kept, and what is found in it."""

    def __init__(self, root: Path) -> None:
        (root / "project").mkdir()
        (root / "project" / "a.py").write_text(HAZARD)
        (root / "project" / "b.py").write_text("from a import LOCK\n\n\ndef f():\n    with LOCK, LOCK:\n        pass\n")
        self.project: Project = locate([str(root / "project")], here=str(root), isolated=True)
        self.folder = root / "cache"
        self.right = self.found(cache=None)
        cache = self.cache()
        assert self.found(cache) == self.right
        assert cache.save() is None
        self.file, self.summaries = sorted(self.folder.iterdir())
        self.content = self.file.read_bytes()
        self.kept_summaries = self.summaries.read_bytes()
        self.head = self.content[: self.content.index(b"\n") + 1 + DIGEST]

    @property
    def body(self) -> bytes:
        return self.content[len(self.head) + DIGEST :]

    def cache(self) -> Cache:
        return Cache(self.folder, self.project.root)

    def found(self, cache: Cache | None) -> tuple[Finding, ...]:
        report = check(self.project, Options(cache=cache)).report
        assert report.failures == ()
        return report.findings

    def with_content(self, content: bytes) -> tuple[Finding, ...]:
        self.file.write_bytes(content)
        return self.found(self.cache())

    def with_summaries(self, content: bytes) -> tuple[Finding, ...]:
        """What is found with another content of what is kept of functions."""
        self.file.write_bytes(self.content)
        self.summaries.write_bytes(content)
        return self.found(self.cache())

    def with_body(self, body: object) -> tuple[Finding, ...]:
        """What is found with another body of the store under a valid digest."""
        packed = msgspec.msgpack.encode(body)
        return self.with_content(self.head + digest(packed) + packed)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("kept"))


often = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
garbage = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def test_what_is_kept_of_the_example_is_used(kept: Kept) -> None:
    kept.file.write_bytes(kept.content)
    assert len(kept.right) == 2
    assert kept.cache().get(HAZARD) is not None


@often
@given(st.data())
def test_store_cut_off_anywhere_costs_no_finding(kept: Kept, data: st.DataObject) -> None:
    assert kept.with_content(kept.content[: data.draw(st.integers(0, len(kept.content)))]) == kept.right


@often
@given(st.data(), st.integers(1, 255))
def test_flipped_byte_anywhere_costs_no_finding(kept: Kept, data: st.DataObject, flip: int) -> None:
    at = data.draw(st.integers(0, len(kept.content) - 1))
    changed = bytearray(kept.content)
    changed[at] ^= flip
    assert kept.with_content(bytes(changed)) == kept.right


@often
@given(st.data(), st.integers(1, 255))
def test_damaged_summaries_cost_no_finding(kept: Kept, data: st.DataObject, flip: int) -> None:
    content = kept.kept_summaries
    at = data.draw(st.integers(0, len(content) - 1))
    assert kept.with_summaries(content[:at]) == kept.right
    assert kept.with_summaries(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]) == kept.right


@often
@given(garbage)
def test_garbage_in_the_place_of_summaries_costs_no_finding(kept: Kept, value: object) -> None:
    packed = msgspec.msgpack.encode(value)
    head = kept.kept_summaries[: kept.kept_summaries.index(b"\n") + 1 + 2 * DIGEST]
    assert kept.with_summaries(head + digest(packed) + packed) == kept.right


@often
@given(garbage)
def test_garbage_under_a_valid_digest_costs_no_finding(kept: Kept, value: object) -> None:
    assert kept.with_body(value) == kept.right


@often
@given(garbage)
def test_garbage_in_the_place_of_facts_costs_no_finding(kept: Kept, value: object) -> None:
    packed = msgspec.msgpack.encode(value)
    assume(not _is_facts(packed))
    keys = msgspec.msgpack.decode(kept.body, type=dict[bytes, msgspec.Raw])
    assert kept.with_body(dict.fromkeys(keys, msgspec.Raw(packed))) == kept.right


@often
@given(garbage)
def test_garbage_in_the_place_of_bodies_costs_no_finding(kept: Kept, value: object) -> None:
    packed = msgspec.Raw(msgspec.msgpack.encode(value))
    assume(value != [])
    stored = msgspec.msgpack.decode(kept.body, type=dict[bytes, msgspec.Raw])
    forged = {key: _with_bodies(raw, packed) for key, raw in stored.items()}
    assert kept.with_body(forged) == kept.right


def _is_facts(packed: bytes) -> bool:
    try:
        msgspec.msgpack.decode(packed, type=ModuleFacts)
    except msgspec.DecodeError:
        return False
    return True


def _with_bodies(raw: msgspec.Raw, body: msgspec.Raw) -> object:
    if not _is_facts(raw):
        return raw
    facts = msgspec.msgpack.decode(raw, type=ModuleFacts)
    functions = tuple(msgspec.structs.replace(function, body=body) for function in facts.functions)
    return msgspec.structs.replace(facts, functions=functions)


def test_store_of_another_version_is_not_used(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockcheck.app.cache.version", lambda: b"another version!")
    kept.file.write_bytes(kept.content)
    assert kept.found(kept.cache()) == kept.right
    assert kept.cache().get(HAZARD) is None
