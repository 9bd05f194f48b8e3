"""Facts that machines share through a store: found by content, believed by type, and never worth a finding."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

import lockcheck as package
from lockcheck.app.shared import _MAGIC, SharedCache, Store
from lockcheck.app.store import DIGEST, digest
from lockcheck.model.facts import ModuleFacts
from tests.conftest import HAZARD, Lockcheck, Write

pytestmark = pytest.mark.once

FILES = {f"m{number}.py": f"# {number}\n" + HAZARD for number in range(3)}
FORM = ("--output-format", "concise")
TAKEN = "3 from the cache, 0 extracted"
MADE = "0 from the cache, 3 extracted"


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store that is empty."""
    MemoryFileSystem.store.clear()
    yield f"file://{tmp_path / 'store'}" if request.param == "file" else "memory://facts"
    MemoryFileSystem.store.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_second_machine_extracts_nothing(write: Write, lockcheck: Lockcheck, tmp_path: Path, url: str) -> None:
    write(FILES)
    right = lockcheck("--no-cache", *FORM, ".")
    first = lockcheck("--cache-dir", tmp_path / "one", "--cache-url", url, "--timing", *FORM, ".")
    second = lockcheck("--cache-dir", tmp_path / "two", "--cache-url", url, "--timing", *FORM, ".")
    assert MADE in first.err
    assert TAKEN in second.err
    assert first[:2] == second[:2] == right[:2]
    assert TAKEN in lockcheck("--cache-dir", tmp_path / "two", "--timing", "--select", "ALL", ".").err


def test_environment_names_the_store(
    write: Write, lockcheck: Lockcheck, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(FILES)
    monkeypatch.setenv("LOCKCHECK_CACHE_URL", url)
    monkeypatch.setenv("LOCKCHECK_CACHE_READ_ONLY", "1")
    assert MADE in lockcheck("--cache-dir", tmp_path / "one", "--timing", ".").err
    assert MADE in lockcheck("--cache-dir", tmp_path / "two", "--timing", ".").err
    monkeypatch.setenv("LOCKCHECK_CACHE_READ_ONLY", "0")
    assert MADE in lockcheck("--cache-dir", tmp_path / "three", "--timing", ".").err
    assert MADE in lockcheck("--no-cache", "--timing", ".").err
    assert TAKEN in lockcheck("--cache-dir", tmp_path / "four", "--timing", ".").err


def test_project_cannot_name_a_store(write: Write, lockcheck: Lockcheck, url: str) -> None:
    write({**FILES, "lockcheck.toml": f"cache-url = '{url}'"})
    assert lockcheck(".").status == 2
    assert "unknown key `cache-url`" in lockcheck(".").err


def test_store_that_is_only_read_is_given_nothing(
    write: Write, lockcheck: Lockcheck, tmp_path: Path, folder: Path
) -> None:
    write(FILES)
    words = ("--cache-url", str(folder), "--cache-read-only", "--timing", ".")
    assert MADE in lockcheck("--cache-dir", tmp_path / "one", *words).err
    assert not folder.exists()
    assert TAKEN in lockcheck("--cache-dir", tmp_path / "one", "--select", "ALL", *words).err  # its own


DAMAGE = {
    "empty": lambda _: b"",
    "cut off": lambda content: content[:-9],
    "flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "foreign": lambda _: b"\x80\x04K.",
    "under a wrong name": lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_entries_are_none(
    write: Write, lockcheck: Lockcheck, tmp_path: Path, folder: Path, damage: object
) -> None:
    write(FILES)
    assert callable(damage)
    first = lockcheck("--cache-dir", tmp_path / "one", "--cache-url", folder, *FORM, ".")
    entries = [file for file in folder.rglob("*") if file.is_file()]
    assert len(entries) == 3
    for file in entries:
        file.write_bytes(damage(file.read_bytes()))
    second = lockcheck("--cache-dir", tmp_path / "two", "--cache-url", folder, "--timing", *FORM, ".")
    assert MADE in second.err
    assert second[:2] == first[:2]
    assert TAKEN in lockcheck("--cache-dir", tmp_path / "three", "--cache-url", folder, "--timing", ".").err  # mended


def _forged(content: bytes, facts: object) -> bytes:
    """An entry with other facts under a digest that is right."""
    magic = len(_MAGIC)
    key, packed = content[magic : magic + DIGEST], msgspec.msgpack.encode(facts)
    return content[: magic + DIGEST] + digest(key + packed) + packed


def _with_bodies(content: bytes, body: object) -> bytes:
    facts = msgspec.msgpack.decode(content[len(_MAGIC) + 2 * DIGEST :], type=ModuleFacts)
    raw = msgspec.Raw(msgspec.msgpack.encode(body))
    return _forged(
        content,
        msgspec.structs.replace(
            facts, functions=tuple(msgspec.structs.replace(each, body=raw) for each in facts.functions)
        ),
    )


FORGED = {
    "a number": lambda content: _forged(content, 1),
    "other types": lambda content: _forged(content, [[1, 2, 3]]),
    "bodies of other types": lambda content: _with_bodies(content, {"a": 1}),
    "bodies nested too deeply": lambda content: _with_bodies(content, None).replace(b"\xc0", b"\x91" * 3),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_forged_entries_of_wrong_types_are_none(
    write: Write, lockcheck: Lockcheck, tmp_path: Path, folder: Path, forge: object
) -> None:
    test_damaged_entries_are_none(write, lockcheck, tmp_path, folder, forge)


def test_entry_of_another_text_is_none(write: Write, lockcheck: Lockcheck, tmp_path: Path, folder: Path) -> None:
    write({"a.py": HAZARD, "b.py": "x = 1\n"})
    first = lockcheck("--cache-dir", tmp_path / "one", "--cache-url", folder, *FORM, ".")
    one, other = [file for file in folder.rglob("*") if file.is_file()]
    one_content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(one_content)
    second = lockcheck("--cache-dir", tmp_path / "two", "--cache-url", folder, "--timing", *FORM, ".")
    assert "0 from the cache, 2 extracted" in second.err
    assert second[:2] == first[:2]


def test_store_that_cannot_be_used_is_said_once_and_costs_no_finding(
    write: Write, lockcheck: Lockcheck, tmp_path: Path
) -> None:
    write(FILES)
    right = lockcheck("--no-cache", *FORM, ".")
    (tmp_path / "file").write_text("")
    url = f"file://somebody:secret@/{tmp_path / 'file'}?token=secret"
    stores = (("--cache-url", tmp_path / "file"), ("--cache-url", f"{tmp_path / 'file'}/x", "--cache-read-only"))
    for number, words in enumerate(stores):
        run = lockcheck(*words, "--cache-dir", tmp_path / str(number), *FORM, ".")
        assert run[:2] == right[:2]
        assert run.err.count("left alone, for it cannot be used") == 1
    assert right.status == 1
    assert "secret" not in lockcheck("--cache-url", url, *FORM, ".").err


def test_store_that_does_not_answer_is_waited_for_a_while(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(FILES)
    right = lockcheck("--no-cache", *FORM, ".")
    asked: list[object] = []

    def silent(self: object, path: object, on_error: str) -> dict[str, bytes]:
        asked.append(path)
        time.sleep(60)
        return {}

    monkeypatch.setattr(MemoryFileSystem, "cat", silent)
    monkeypatch.setattr("lockcheck.app.shared._SECONDS", 0.01)
    run = lockcheck("--cache-url", "memory://facts", *FORM, ".")
    assert run[:2] == right[:2]
    assert run.err == (
        "lockcheck: cache: memory://facts: left alone, for it cannot be used: no answer within 0 seconds\n"
    )
    assert len(asked) == 1
    assert not MemoryFileSystem.store


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nothing-known://x", "--cache-url nothing-known://x: Protocol not known: nothing-known"),
        ("s3://somebody:secret@bucket/x", "--cache-url s3://bucket/x: Install s3fs to access S3"),
        ("s3://somebody:secret/secret@bucket/x", "--cache-url s3://bucket/x: Install s3fs to access S3"),
        ("simplecache::s3://somebody:secret@bucket/x?a=secret", "--cache-url simplecache::s3://bucket/x: Install s3fs"),
        ("zip://x.zip::s3://secret@bucket/x", "--cache-url zip://x.zip::s3://bucket/x: Install s3fs"),
    ],
)
def test_url_that_nothing_here_can_reach_is_wrong_usage(
    write: Write, lockcheck: Lockcheck, url: str, complaint: str
) -> None:
    write(FILES)
    run = lockcheck("--cache-url", url, ".")
    assert (run.status, run.out) == (2, "")
    assert complaint in run.err
    assert "secret" not in run.err


@pytest.mark.parametrize("error", [OSError, KeyError])
def test_store_that_is_not_reached_at_once_is_left_alone(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    class Refusing(AbstractFileSystem):
        def __init__(self, **_: object) -> None:
            raise error("refused: se!cret of somebody is not se%21cret")

    monkeypatch.setitem(_registry, "refusing", Refusing)
    write(FILES)
    right = lockcheck("--no-cache", *FORM, ".")
    run = lockcheck("--cache-url", "refusing://somebody:se%21cret@x/y", *FORM, ".")
    assert run[:2] == right[:2]
    assert run.err.startswith("lockcheck: cache: refusing://x/y: left alone, for it cannot be used: ")
    assert "refused: *** of somebody is not ***" in run.err


def test_without_fsspec_it_is_said_what_to_install(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(FILES)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    run = lockcheck("--cache-url", "memory://facts", ".")
    assert (run.status, run.out) == (2, "")
    assert 'pip install "lockcheck[remote]"' in run.err


def test_fsspec_is_loaded_only_where_it_is_used(write: Write) -> None:
    write(FILES)
    script = "import sys; from lockcheck.ui.cli import main; main(['--quiet', '.']); print('fsspec' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "False"


def test_many_entries_are_asked_for_in_few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.store.clear()
    asked: list[int] = []
    real: Callable[..., object] = MemoryFileSystem.cat

    def counted(self: MemoryFileSystem, path: list[str], on_error: str) -> object:
        asked.append(len(path))
        return real(self, path, on_error=on_error)

    monkeypatch.setattr(MemoryFileSystem, "cat", counted)
    store = Store("memory://facts", b"v")
    packed = msgspec.msgpack.encode(ModuleFacts())
    entries = {digest(str(number).encode()): packed for number in range(1_201)}
    store.publish(entries)
    assert dict(store.fetch(list(entries))) == entries
    assert asked == [500, 500, 201]
    assert store.trouble is None
    MemoryFileSystem.store.clear()


def test_cache_that_was_found_wanting_asks_nobody(tmp_path: Path) -> None:
    MemoryFileSystem.store.clear()
    first = SharedCache(tmp_path / "one", "/project", "memory://facts", read_only=False)
    first.put("x = 1", msgspec.msgpack.encode(ModuleFacts(lines=1)))
    assert first.save() is None
    second = SharedCache(tmp_path / "two", "/project", "memory://facts", read_only=False)
    second.expect(["x = 1"])
    assert second.get("x = 1") == ModuleFacts(lines=1)
    second.forget()
    second.expect(["x = 1"])
    assert second.get("x = 1") is None
    MemoryFileSystem.store.clear()
