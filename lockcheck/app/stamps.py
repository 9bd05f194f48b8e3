"""What the file system says of files without their being read, and when that is enough to know them unchanged.

A stamp tells a changed file by its size, its times, its inode and its mode. Two changes within one tick of a clock
leave the same stamp, so one that is as young as the moment in which it was taken proves nothing: then the content decides.
See docs/adr/0011-unchanged-files-are-not-read.md.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lockcheck.app.store import digest

_TICK = 2_000_000_000
"""Nanoseconds: the coarsest clock of a file system in use (FAT), with what a server's clock may be ahead by."""


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a file or folder looked from outside; what a link leads to, where it is one."""

    device: int
    inode: int
    mode: int
    size: int
    changed: int
    written: int

    @classmethod
    def of(cls, path: str) -> Stamp | None:
        """Look at a path; None where nothing can be seen. Nothing else is wrong with a name that no file can have."""
        try:
            status = os.stat(path)  # noqa: PTH116 - thousands of them
        except (OSError, ValueError):
            return None
        return cls(status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_ctime_ns, status.st_mtime_ns)

    @property
    def is_file(self) -> bool:
        """Whether this is an ordinary file."""
        return stat.S_ISREG(self.mode)

    def is_settled(self, taken: int) -> bool:
        """Whether any change after the moment at which the stamp was taken would have given another stamp."""
        return max(self.changed, self.written) + _TICK < taken


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A path and how it looked; for a file that was read, the digest of its bytes."""

    path: str
    stamp: Stamp | None
    digest: bytes = b""

    @classmethod
    def at(cls, path: str) -> Seen:
        """Look at a path whose content is of no interest, or is known by the files that it holds."""
        return cls(path, Stamp.of(path))


class Index(msgspec.Struct, frozen=True):
    """Everything that was looked at: `files` that were read, and `places` that decided which and how.

    No stamp is older than `taken`, and no content older than its stamp.
    """

    taken: int = 0
    files: tuple[Seen, ...] = ()
    places: tuple[Seen, ...] = ()

    def digests(self) -> dict[str, bytes]:
        """Give the digest of each file that was read, by path."""
        return {seen.path: seen.digest for seen in self.files}


def now() -> int:
    """Give the time as stamps have it."""
    return time.time_ns()


def confirmed(index: Index) -> Index | None:
    """Look whether everything is as it was, and give the index as of now; None where something may have changed.

    Files whose stamps prove nothing are read. A place is not: to see what has changed in it is to begin anew.
    """
    taken = now()
    for seen in index.places:
        if Stamp.of(seen.path) != seen.stamp or (seen.stamp is not None and not seen.stamp.is_settled(index.taken)):
            return None
    doubtful: list[Seen] = []
    for seen in index.files:
        if seen.stamp is None or Stamp.of(seen.path) != seen.stamp:
            return None
        if not seen.stamp.is_settled(index.taken):
            doubtful.append(seen)
    if not doubtful:
        return index
    return msgspec.structs.replace(index, taken=taken) if _is_unchanged(doubtful) else None


def _is_unchanged(files: Sequence[Seen]) -> bool:
    try:
        return all(digest(Path(seen.path).read_bytes()) == seen.digest for seen in files)
    except OSError:
        return False
