"""Writing files, all or nothing for each; sources keep mode, line ends, byte order mark and encoding."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import tokenize
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path

from lockcheck.app.decoding import UndecodableError, decode
from lockcheck.fixes.edits import apply, difference
from lockcheck.model.findings import Failure


def write_all(texts: Mapping[str, str], before: Mapping[str, str]) -> list[Failure]:
    """Write new texts by absolute path, each only where the file still holds the text before."""
    failures = [_write(path, texts[path], before[path]) for path in sorted(texts)]
    return [failure for failure in failures if failure is not None]


def write_whole(file: Path, content: bytes) -> None:
    """Write a file of ours, in one step where it is or will be an ordinary one; missing folders are made.

    Raises `OSError`.
    """
    target = Path(os.path.realpath(file))
    if file.exists() and (not file.is_file() or file.absolute().is_relative_to("/dev")):
        file.write_bytes(content)  # a pipe, a terminal: nothing is there to be replaced
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    temporary = target.with_name(f".{target.name}-{os.getpid()}.lockcheck")
    try:
        with temporary.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def encoded(content: bytes, path: str, text: str) -> bytes:
    """The bytes of a file with its text replaced: what the texts have in common stays as it is, byte for byte.

    Raises `UnicodeEncodeError` where the encoding of the file has no such character.
    """
    mark = BOM_UTF8 if content.startswith(BOM_UTF8) else b""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    encoding = encoding.removesuffix("-sig")
    raw = content.removeprefix(mark).decode(encoding)
    changed = apply(raw, difference(path, decode(content), text), _newline(raw))
    return mark + changed.encode(encoding)


def _write(path: str, text: str, before: str) -> Failure | None:
    file = Path(path)
    try:
        if file.is_symlink():
            return Failure(path, "not fixed: it is a link; check the file that it leads to")
        state = file.stat()
        content = file.read_bytes()
        if not stat.S_ISREG(state.st_mode) or decode(content) != before:
            return Failure(path, "not fixed: it has changed since it was read; run lockcheck again")
        _replace(file, encoded(content, path, text), state)
    except UnicodeEncodeError as error:
        return Failure(path, f"not fixed: its encoding has no {error.object[error.start : error.end]!r}")
    except (OSError, UndecodableError) as error:
        return Failure(path, f"not fixed: {getattr(error, 'strerror', None) or error}")
    return None


def _replace(file: Path, content: bytes, state: os.stat_result) -> None:
    """Put a new file in the place of the old one, in one step."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-", suffix=".lockcheck")
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(name).chmod(stat.S_IMODE(state.st_mode))
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _newline(text: str) -> str:
    """How most lines of a text end."""
    crlf = text.count("\r\n")
    counts = {"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf}
    return max(counts, key=lambda each: counts[each]) if any(counts.values()) else "\n"
