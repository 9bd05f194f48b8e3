"""Findings by file, made once for several runs at the same time: each asks for some files of the same program.

Whoever comes first builds and leaves what it found in the user's cache folder, under a key of everything that it depends
on; the others wait for that, but not for ever. Whatever is in the way of sharing costs time, never a finding.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from lockcheck.app.cache import Cache
from lockcheck.app.discovery import read
from lockcheck.app.pipeline import check
from lockcheck.app.project import Given, Project
from lockcheck.app.rulebook import Rulebook, rulebook
from lockcheck.app.run import Options
from lockcheck.app.state import state_of
from lockcheck.app.store import DAMAGED, file_of, read_sealed, write_sealed
from lockcheck.model.findings import Failure

_MAGIC = b"lockcheck findings 1\n"
_PAUSE = 0.05


class Reported(msgspec.Struct, frozen=True, array_like=True):
    """A finding as linters that know lines show it; the column is 1-based."""

    row: int
    column: int
    code: str
    message: str


class Found(msgspec.Struct, frozen=True):
    """What there is to say of each file of a program, and what could not be done; all paths are absolute."""

    reports: dict[str, list[Reported]]
    failures: tuple[Failure, ...]
    files: tuple[str, ...]


def find(project: Project, options: Options, folder: Path | None, seconds: float) -> Found:
    """Find the hazards in all files of the program that a project is a part of.

    Runs that use the same folder share the work. Who has waited so many seconds for another one does it itself.
    """
    whole = _whole(project)
    book = rulebook(project)
    options = msgspec.structs.replace(options, reading=read(whole, options.replacements))
    key = state_of(whole, options, book)
    if folder is None or key is None or options.replacements:
        return _build(whole, options, book, folder)
    store = file_of(folder, whole.root, "findings")
    known = _load(store, key)
    if known is not None:
        return known
    with exclusive(file_of(folder, whole.root, "lock"), seconds) as is_ours:
        known = _load(store, key) if is_ours else None
        if known is None:
            known = _build(whole, options, book, folder)
            if is_ours:
                _save(store, key, known)
    return known


@contextmanager
def exclusive(file: Path, seconds: float) -> Generator[bool, None, None]:
    """Hold a lock between processes, or not, if it can't be had in so many seconds; the system frees it at our death."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = file.open("ab")
    except OSError:
        yield False
        return
    with handle:
        yield _is_locked(handle, time.monotonic() + seconds)


def _is_locked(handle: IO[bytes], end: float) -> bool:
    while not _try_lock(handle):
        if time.monotonic() >= end:
            return False
        time.sleep(_PAUSE)
    return True


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody has it, or the file system knows no locks
            return False
        return True


def _whole(project: Project) -> Project:
    """The project as if everything in it had been asked for, so that all who ask for a part of it need the same."""
    wanted = dict.fromkeys((project.root, *project.folders, *project.apart, *project.files))
    return msgspec.structs.replace(project, given=tuple(Given(path, path) for path in wanted))


def _build(project: Project, options: Options, book: Rulebook, folder: Path | None) -> Found:
    cache = Cache(folder, project.root) if folder is not None else None
    outcome = check(project, msgspec.structs.replace(options, cache=cache), book)
    if cache is not None and not options.replacements:
        cache.save()  # failing that costs time in the next run only
    reports: dict[str, list[Reported]] = {}
    for finding in outcome.report.findings:
        span = finding.place.span
        one = Reported(span.row, span.column, finding.code, finding.message)
        reports.setdefault(finding.place.path, []).append(one)
    return Found(reports, outcome.report.failures, tuple(outcome.sources))


def _load(store: Path, key: bytes) -> Found | None:
    try:
        packed = read_sealed(store, _MAGIC + key)
        return _FOUND.decode(packed) if packed is not None else None
    except (OSError, *DAMAGED):
        return None


def _save(store: Path, key: bytes, found: Found) -> None:
    """Leave what was found for others; where that can't be, each does it itself."""
    with suppress(OSError, UnicodeEncodeError):  # a file's name may be no text
        packed = msgspec.msgpack.encode(found)
        write_sealed(store, _MAGIC + key, [packed])


_FOUND: msgspec.msgpack.Decoder[Found] = msgspec.msgpack.Decoder(Found)
