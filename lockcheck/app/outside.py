"""Modules out of the folders of `python-path`: read as texts where a type depends on them, never imported."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from lockcheck.analysis.link.outside import Find, Outside, Source
from lockcheck.app.decoding import UndecodableError, decode
from lockcheck.model.facts import Unit
from lockcheck.model.source import SourceFile

MAX_BYTES = 1_000_000
"""A longer file is not read."""


def outside(sources: Mapping[str, SourceFile], folders: Sequence[str]) -> Outside:
    """Make what is asked about types that the program alone does not tell; `folders` are absolute."""

    def text(unit: Unit) -> str:
        return sources[unit.path].text

    return Outside(text, find_in(folders))


def find_in(folders: Sequence[str]) -> Find:
    """Look modules up in folders, the first that has one being right, as Python does."""

    def find(module: str) -> Source | None:
        words = module.split(".")
        if not all(word.isidentifier() for word in words):
            return None
        for folder in folders:
            place = Path(folder, *words)
            for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                text = _read(path)
                if text is not None:
                    return Source(str(path), path.name == "__init__.py", text)
            if place.is_dir():
                return Source(str(place / "__init__.py"), True, "")
        return None

    return find


def _read(path: Path) -> str | None:
    """Give the text of a file; None where there is none to be had, which is as if there were no module."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return None
        return decode(path.read_bytes())
    except (OSError, UndecodableError):
        return None
