"""Removing what earlier runs have kept: files that are certainly ours, in the folder itself, and nothing else."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import msgspec

from lockcheck.model.findings import Failure

OURS = re.compile(r"[0-9a-f]{32}\.(?:facts|findings|lock|report|summaries)|\.(?:facts|findings|report|summaries)-\w+")
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
    done = [(file, _remove(file)) for file in files if OURS.fullmatch(file.name)]
    return Cleaned(
        tuple(file.name for file, size in done if isinstance(size, int)),
        sum(size for _, size in done if isinstance(size, int)),
        tuple(failure for _, failure in done if isinstance(failure, Failure)),
    )


def _remove(file: Path) -> int | Failure | None:
    """Remove a file and give its size; None where it is something else."""
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
        file.unlink()
    except OSError as error:
        return Failure(str(file), f"cannot be removed: {error.strerror or error}")
    return status.st_size
