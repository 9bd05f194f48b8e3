"""Taking the sources out of a wheel or a source archive, which may have been made by anybody."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ENDINGS = (".whl", ".zip", ".tar.gz", ".tgz")
_SOURCES = (".py", ".pyi")
_MARKER = "py.typed"
_MOST = 32 * 2**20
"""No source is longer; what claims to be is not written."""


class ArchiveError(Exception):
    """An archive is not one, or tries to write where it may not."""


def unpack(archive: Path, folder: Path) -> None:
    """Write the Python sources of an archive into a new folder, which appears only when it is complete.

    Only plain files are written, only below the folder, whatever the archive says of links, `..` and absolute paths.
    The outermost folder of a source archive, and a `src` below it, are left out: paths are those of a wheel.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        for name, content in _sources(archive):
            target = fresh.joinpath(*_inside(name, archive))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        fresh.chmod(0o755)
        fresh.rename(folder)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ArchiveError(f"{archive.name}: {error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _inside(name: str, archive: Path) -> tuple[str, ...]:
    """Give the parts of a member's path within the release."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise ArchiveError(f"{archive.name}: {name!r} leads out of the archive")
    if archive.suffix == ".whl":
        return path.parts
    parts = path.parts[1:]
    return parts[1:] if parts[:1] == ("src",) and len(parts) > 2 else parts


def _sources(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as container:
            for entry in container.infolist():
                if _is_wanted(entry.filename, entry.file_size) and not _is_link(entry):
                    yield entry.filename, container.read(entry)
    else:
        with tarfile.open(archive) as container:
            for member in container:
                stream = container.extractfile(member) if member.isfile() else None
                if stream is not None and _is_wanted(member.name, member.size):
                    yield member.name, stream.read()


def _is_wanted(name: str, size: int) -> bool:
    path = PurePosixPath(name)
    return (path.suffix in _SOURCES or path.name == _MARKER) and size <= _MOST


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return (entry.external_attr >> 28) == 0o12
