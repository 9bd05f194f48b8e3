"""The code that is measured: released packages, unpacked, and copies of them that may be changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tests.benchmarks.figures import MeasurementError
from tests.realbugs.record import Release
from tests.realbugs.releases import Download, UnavailableError, fetch, pip_download

FILES = {Release("ray", "2.60.0"): 2579, Release("homeassistant", "2024.3.3"): 6725}
"""The corpora of the table, and how many Python files each must have to be what the goals were set for."""
LARGE, SMALL = Release("ray", "2.60.0"), Release("distributed", "2026.8.0")
"""What growth is measured with, and what slower tools are asked about."""
_SUFFIXES = (".py", ".pyi")


class Unpacked(msgspec.Struct, frozen=True):
    """A release that lies in a folder."""

    name: str
    folder: Path
    files: int
    lines: int


def sources(folder: Path) -> list[Path]:
    """Give the Python files of a folder, stubs not counted, in the same order on every machine."""
    return sorted(path for path in folder.rglob("*.py") if path.is_file() and not path.is_symlink())


def unpacked(name: str, folder: Path) -> Unpacked:
    """Count a folder; reading it also brings it into the memory of the system, so that no measure pays for the disk."""
    found = sources(folder)
    if not found:
        raise MeasurementError(f"{folder}: no Python files")
    return Unpacked(name, folder, len(found), sum(path.read_bytes().count(b"\n") for path in found))


def release(text: str) -> Release:
    """Read `PACKAGE==VERSION`."""
    package, _, version = text.partition("==")
    if not package or not version:
        raise MeasurementError(f"{text!r} is neither a folder nor PACKAGE==VERSION")
    return Release(package, version)


def find(wanted: Release, folder: Path | None, cache: Path, download: Download = pip_download) -> Unpacked:
    """Give a release that lies in `folder` under `PACKAGE-VERSION`, else fetched through pip into the cache."""
    label = f"{wanted.package}-{wanted.version}"
    try:
        place = folder / label if folder is not None and (folder / label).is_dir() else fetch(wanted, cache, download)
    except UnavailableError as error:
        raise MeasurementError(str(error)) from None
    found = unpacked(str(wanted), place)
    if found.files != FILES.get(wanted, found.files):
        raise MeasurementError(f"{place}: {found.files} Python files, and {wanted} has {FILES[wanted]}")
    return found


def copy(folder: Path, to: Path) -> None:
    """Copy the Python of a folder to a new place, where it is a project of its own."""
    for path in _python(folder):
        target = to / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (to / ".git").mkdir(parents=True)


def package_of(folder: Path) -> str:
    """Give the top-level package of a release that has the most code."""
    sizes = {path.name: lines(path) for path in folder.iterdir() if (path / "__init__.py").is_file()}
    if not sizes:
        raise MeasurementError(f"{folder}: no package in it")
    return max(sorted(sizes), key=lambda name: sizes[name])


def lines(place: Path) -> int:
    """Count the lines of a file or of the Python files of a folder."""
    return sum(path.read_bytes().count(b"\n") for path in ([place] if place.is_file() else sources(place)))


def copy_renamed(folder: Path, package: str, name: str, to: Path) -> None:
    """Copy a package under another name, so that it is a program beside the original and not the same texts again.

    The name changes wherever it stands as a word, in paths and texts alike: imports go on leading to the same files.
    """
    word, other = re.compile(rb"\b%s\b" % package.encode()), name.encode()
    for path in _python(folder / package):
        parts = [name if part == package else part for part in path.relative_to(folder).parts]
        target = to.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        text, times = word.subn(other, path.read_bytes())
        if not times and path.suffix == ".py":
            # It would be the same text ten times, which a cache by content knows; the number of lines stays.
            text += b"# " + other if text.endswith(b"\n") or not text else b"\n# " + other
        target.write_bytes(text)


def copy_some(folder: Path, package: str, parts: tuple[str, ...], to: Path) -> None:
    """Copy the files right in a package, and some of its subpackages whole."""
    for path in _python(folder / package):
        below = path.relative_to(folder / package).parts
        if len(below) == 1 or below[0] in parts:
            target = to / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def chosen(sizes: Mapping[str, int], room: int) -> tuple[str, ...]:
    """Choose subpackages by name, each that still fits: the same ones on every machine."""
    taken: list[str] = []
    for name in sorted(sizes):
        if 0 < sizes[name] <= room:
            taken.append(name)
            room -= sizes[name]
    return tuple(taken)


def _python(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and (path.suffix in _SUFFIXES or path.name == "py.typed"):
            yield path
