"""Runs of flake8 in one process, for starting Python takes longer than they do: `python -m tests.flake8_runs [METHOD]`.

The standard input is a JSON list of runs, the standard output what each reports, as `[path, row, column, code]`.
METHOD is how flake8's processes are started.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

from flake8.main.application import Application
from flake8.utils import stdin_get_value


class Run(TypedDict):
    """Where flake8 is started, with which arguments and what on its standard input."""

    folder: str
    arguments: list[str]
    stdin: str


def main() -> None:
    """Make the runs."""
    if len(sys.argv) > 1:
        multiprocessing.set_start_method(sys.argv[1])
    runs: list[Run] = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps([_reported(run) for run in runs]))


def _reported(run: Run) -> list[list[str | int]]:
    os.chdir(run["folder"])
    stdin_get_value.cache_clear()
    sys.stdin = io.TextIOWrapper(io.BytesIO(run["stdin"].encode("utf-8", "surrogatepass")))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "reports")
        form = "--format=%(path)s\t%(row)d\t%(col)d\t%(code)s"
        Application().run([*run["arguments"], form, f"--output-file={output}"])
        lines = output.read_text("utf-8").splitlines() if output.exists() else []
    found = [line.split("\t") for line in lines]
    return [[os.path.normpath(path), int(row), int(column), code] for path, row, column, code in found]


if __name__ == "__main__":
    main()
