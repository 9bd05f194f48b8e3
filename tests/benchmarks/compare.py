"""How long a folder takes, beside what reading it costs anybody: `python -m tests.benchmarks.compare FOLDER`.

In one run: `ast.parse` of every file in one process (each tree dropped at once), `ruff check --select ASYNC
--no-cache`, lockcheck without a cache, and lockcheck again with all facts cached. Ratios to `ast.parse` are what to
compare between machines; seconds are not.
"""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Measure a folder and print the table; 2 for wrong usage."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = arguments[0]
    files, lines, parsing = _parse(Path(folder))
    with tempfile.TemporaryDirectory() as cache:
        check = [sys.executable, "-m", "lockcheck", "check", "--isolated", "--cache-dir", cache, "--exit-zero", folder]
        rows = [
            ("ast.parse", parsing),
            ("ruff ASYNC", _run([sys.executable, "-m", "ruff", "check", "--select", "ASYNC", "--no-cache", folder])),
            ("lockcheck, cold", _run(check)),
            ("lockcheck, warm", _run(check)),
        ]
    sys.stdout.write(f"{files} files, {lines} lines\n\n| what | seconds | × ast.parse |\n|---|---|---|\n")
    for what, seconds in rows:
        sys.stdout.write(f"| {what} | {seconds:.2f} | {seconds / parsing:.2f} |\n")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    sys.stdout.write(f"\npeak memory of the largest process: {peak} MB\n")
    return 0


def _parse(folder: Path) -> tuple[int, int, float]:
    files = lines = 0
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in folder.rglob("*.py"):
            try:
                with tokenize.open(path) as source:
                    text = source.read()
                ast.parse(text)
            except (SyntaxError, UnicodeDecodeError, ValueError) as error:
                sys.stderr.write(f"{path}: not counted: {error}\n")
                continue
            files += 1
            lines += text.count("\n")
    return files, lines, time.perf_counter() - begin


def _run(command: list[str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.stderr.write(done.stderr)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
