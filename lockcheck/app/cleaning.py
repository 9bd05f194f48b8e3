"""Removing what earlier runs have kept: files that are certainly ours, in the folder itself, and nothing else."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import msgspec

from lockcheck.model.findings import Failure

OURS = re.compile(r"[0-9a-f]{32}\.facts|\.facts-\w+")
"""Names of files that a run makes: the store of a project, and what became of one that was stopped while writing."""


class Cleaned(msgspec.Struct, frozen=True):
    """The files that are gone, their size in all, and what could not be removed."""

    removed: tuple[str, ...]
    size: int
    failures: tuple[Failure, ...]


def clean(folder: Path) -> Cleaned:
    """Remove our files from a folder.

    No link is followed: one that has a name of ours is left where it is, and a folder that is a link is not entered.
    """
    try:
        if folder.is_symlink():
            return Cleaned((), 0, (Failure(str(folder), f"is a link to {folder.readlink()}: name that folder itself"),))
        if not folder.is_dir():
            return Cleaned((), 0, ())
        files = sorted(folder.iterdir())
    except OSError as error:
        return Cleaned((), 0, (Failure(str(folder), f"cannot be listed: {error.strerror or error}"),))
    removed: list[str] = []
    failures: list[Failure] = []
    size = 0
    for file in files:
        try:
            status = file.lstat()
            if OURS.fullmatch(file.name) and stat.S_ISREG(status.st_mode):
                file.unlink()
                removed.append(file.name)
                size += status.st_size
        except OSError as error:
            failures.append(Failure(str(file), f"cannot be removed: {error.strerror or error}"))
    return Cleaned(tuple(removed), size, tuple(failures))
