"""The user's cache folder: where it is, how its files are named, and how one is written."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

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


def replace(file: Path, *parts: Iterable[bytes]) -> None:
    """Write a file of the cache, of which the parts come in pieces, in one step.

    Raises `OSError`, and leaves nothing half written.
    """
    import tempfile  # most runs write nothing

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.suffix}-")
    try:
        with os.fdopen(handle, "wb") as temporary:
            for part in parts:
                temporary.writelines(part)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


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
