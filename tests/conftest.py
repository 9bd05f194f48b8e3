"""What tests share: a project on disk, and a run of lockcheck in it as a user would start one."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from lockcheck.ui.cli import main

HAZARD = """\
import asyncio
import threading

LOCK = threading.Lock()


async def send():
    with LOCK:
        await asyncio.sleep(1)
"""
"""A program with one LCK101, in row 9."""


class Run(NamedTuple):
    """What a user sees of a run."""

    status: int
    out: str
    err: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of a run that printed JSON."""
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


Lockcheck: TypeAlias = Callable[..., Run]
Write: TypeAlias = Callable[[Mapping[str, "str | bytes"]], Path]


@pytest.fixture(autouse=True, scope="session")
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes that tests start find what others have compiled, outside the tree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _hears_of_interrupts() -> None:
    """Have the processes that tests start hear of Ctrl-C, which a shell keeps from what it runs in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKCHECK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files below a new folder, which becomes the current one."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)

    def write_files(files: Mapping[str, str | bytes]) -> Path:
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write_files


@pytest.fixture
def lockcheck(capsys: pytest.CaptureFixture[str]) -> Lockcheck:
    """Run lockcheck with these arguments."""

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(status, captured.out, captured.err)

    return run
