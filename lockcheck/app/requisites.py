"""The libraries that facts and findings depend on beside our own code: where they are, and which versions."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_NAMES = ("astroid", "libcst", "msgspec")


@functools.cache
def versions() -> tuple[str, ...]:
    """Name each library with its version, as its folder of metadata does: reading metadata is slow to load."""
    return tuple(
        metadata.name
        for file in _files()
        for metadata in sorted(file.parent.parent.glob(f"{file.parent.name}-*.dist-info"))
    )


def places() -> Iterator[str]:
    """Give what an installation of another version replaces."""
    for file in _files():
        yield str(file)
        yield str(file.parent)


def _files() -> Iterator[Path]:
    for name in _NAMES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin)
