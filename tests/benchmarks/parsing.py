"""What reading a folder's Python costs anybody: `python -m tests.benchmarks.parsing FOLDER` prints it as JSON.

A process of its own, so that nothing that the benchmark holds is in its way: every file is read and given to
`ast.parse`, and each tree is dropped before the next. Finding the files and starting Python are not counted.
"""

from __future__ import annotations

import ast
import sys
import time
import warnings
from pathlib import Path

import msgspec

from tests.benchmarks.corpora import sources


class Parsing(msgspec.Struct, frozen=True):
    """Seconds, and the files that are no Python for this Python: they are read and given up on."""

    seconds: float
    unparsable: int


def parse(files: list[Path]) -> Parsing:
    """Parse all files, one after another."""
    unparsable = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        for file in files:
            try:
                ast.parse(file.read_bytes())
            except (SyntaxError, ValueError, RecursionError):  # noqa: PERF203 - each file may be no Python
                unparsable += 1
        return Parsing(time.perf_counter() - begin, unparsable)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(parse(sources(Path(sys.argv[1])))))
