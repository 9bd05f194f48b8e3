"""Fetching releases: from the cache folder, else through pip, and never by running anything of theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tests.realbugs.archive import ENDINGS, ArchiveError, unpack
from tests.realbugs.record import Release

Download: TypeAlias = Callable[[Release, Path], str]
"""Puts the archive of a release into a folder; says why not, or nothing."""

_PYTHONS = ("3.11", "3.8", "3.6", "2.7", "3.13")
"""Releases of many years: the first of these Pythons that a wheel is for gives the sources."""
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""The same wheel on every machine: it is only read."""


class UnavailableError(Exception):
    """A release cannot be had; the message names it."""


def fetch(release: Release, cache: Path, download: Download) -> Path:
    """Give the folder with the sources of a release, fetched at the first call."""
    label = f"{release.package}-{release.version}"
    folder = cache / "sources" / label
    if folder.is_dir():
        return folder
    archives = cache / "archives" / label
    archive = _archive(archives)
    complaint = "" if archive else download(release, archives)
    archive = archive or _archive(archives)
    if archive is None:
        raise UnavailableError(
            f"{release}: no wheel of it could be fetched ({complaint or 'pip says nothing'}); a source archive put into "
            f"{archives} is unpacked instead, while pip would run its build"
        )
    try:
        unpack(archive, folder)
        (folder / ".git").mkdir(exist_ok=True)  # a program of its own, whatever version control the cache lies in
    except (ArchiveError, OSError) as error:
        raise UnavailableError(f"{release}: {error}") from None
    return folder


def pip_download(release: Release, folder: Path) -> str:
    """Have pip fetch a wheel: a source archive it would build, and so execute."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder)]
    command += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    complaint = ""
    for python in _PYTHONS:
        words = [*command, "--python-version", python, f"{release.package}=={release.version}"]
        try:
            run = subprocess.run(words, capture_output=True, text=True, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if run.returncode == 0:
            return ""
        complaint = complaint or (run.stderr.strip().splitlines() or [f"status {run.returncode}"])[-1]
    return complaint


def _archive(folder: Path) -> Path | None:
    """Give the archive that lies in a folder, a wheel before others."""
    found = [path for path in folder.iterdir() if path.name.endswith(ENDINGS)] if folder.is_dir() else []
    return min(found, key=lambda path: (path.suffix != ".whl", path.name), default=None)
