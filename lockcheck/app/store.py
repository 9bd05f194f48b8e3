"""The user's cache folder: where it is, how its files are named, and how one is written."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec

DIGEST = 16
"""Bytes of a digest."""

DAMAGED = (msgspec.DecodeError, RecursionError, ValueError)
"""What decoding raises where bytes are not what they should be; the last of a text that is none."""


def digest(content: bytes) -> bytes:
    """What stands for a content: no two contents that anybody can find have the same."""
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def file_of(folder: Path, root: str, kind: str) -> Path:
    """Name the file of a kind that is kept for the project at `root`."""
    return folder / f"{digest(root.encode('utf-8', 'surrogateescape')).hex()}.{kind}"


def read_sealed(file: Path, head: bytes) -> bytes | None:
    """Give what was written under this head; None where it is of another, or damaged. Raises `OSError`."""
    content = file.read_bytes()
    begin = len(head) + DIGEST
    body = content[begin:]
    return body if content[:begin] == head + digest(body) else None


def write_sealed(file: Path, head: bytes, pieces: Iterable[bytes]) -> None:
    """Write a file of the cache in one step, with a digest by which damage is noticed.

    What comes in pieces is never whole in memory. Raises `OSError`, and leaves nothing half written.
    """
    import tempfile  # most runs write nothing

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.suffix}-")
    try:
        with os.fdopen(handle, "wb") as temporary:
            _write(temporary, head, pieces)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(file: IO[bytes], head: bytes, pieces: Iterable[bytes]) -> None:
    """Write the head, the digest of the pieces, which is known last, and the pieces."""
    state = hashlib.blake2b(digest_size=DIGEST)
    file.write(head + bytes(DIGEST))
    for piece in pieces:
        state.update(piece)
        file.write(piece)
    file.seek(len(head))
    file.write(state.digest())


def cache_folder(environment: dict[str, str]) -> Path:
    """Give the user's cache folder for lockcheck."""
    own = environment.get("LOCKCHECK_CACHE_DIR")
    if own:
        return Path(own)
    if sys.platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "lockcheck" / "cache"
    shared = environment.get("XDG_CACHE_HOME")
    return (Path(shared) if shared and Path(shared).is_absolute() else Path.home() / ".cache") / "lockcheck"
