"""Make an input that fails smaller, as long as it fails in the same way: whole files, lines, then tokens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from tests.fuzz.inputs import Files

_TOKEN = re.compile(rb"\w+|[^\S\n]+|\n|[^\w\s]")


def shrunk(files: Files, fails: Callable[[Files], bool], seconds: float) -> Files:
    """The smallest input found in so much time."""
    until = time.monotonic() + seconds
    for name in sorted(files):
        fewer = {other: content for other, content in files.items() if other != name}
        if fewer and fails(fewer):
            files = fewer
    for pattern in (None, _TOKEN):
        for name in sorted(files):
            content = files[name]
            parts: Sequence[bytes] = content.splitlines(keepends=True) if pattern is None else pattern.findall(content)
            parts = _fewer(parts, name, files, fails, until)
            files = {**files, name: b"".join(parts)} if b"".join(parts) != content else files
    return files


def _fewer(
    parts: Sequence[bytes], name: str, files: Files, fails: Callable[[Files], bool], until: float
) -> Sequence[bytes]:
    size = max(1, len(parts) // 2)
    while size and time.monotonic() < until:
        at = 0
        gone = False
        while at < len(parts) and time.monotonic() < until:
            without = [*parts[:at], *parts[at + size :]]
            if fails({**files, name: b"".join(without)}):
                parts, gone = without, True
            else:
                at += size
        size = size if gone and size == 1 else size // 2
    return parts
