"""Run test suites of released packages before and after fixing: `python -m tests.suites`.

Fetches each release of the record, its dependencies and what its tests need through pip, and runs its code. Status 0:
no test fails since; 1: some do, and are named; 2: wrong usage, or a suite could not be run (the others are).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lockcheck.app.store import cache_folder
from tests.suites.record import RECORD, read
from tests.suites.run import WAYS, After, Result, SuiteError, measure


class _Arguments(argparse.Namespace):
    record: Path
    cache: Path
    only: list[str]
    way: list[str]


def main(words: Sequence[str]) -> int:
    """Measure, print a row for each suite, and give the exit status."""
    arguments = _parser().parse_args(words, _Arguments())
    ways = arguments.way or list(WAYS)
    record = read(arguments.record)
    unknown = set(arguments.only) - {suite.package for suite in record}
    if unknown:
        sys.stderr.write(f"the record has no {', '.join(sorted(unknown))}\n")
        return 2
    suites = [suite for suite in record if not arguments.only or suite.package in arguments.only]
    sys.stdout.write(
        f"| release | passed, failed, unsteady before | {' | '.join(ways)} |\n|{'---|' * (2 + len(ways))}\n"
    )
    status = 0
    for suite in suites:
        try:
            result = measure(suite, arguments.cache, ways)
        except SuiteError as error:
            sys.stderr.write(f"{error}\n")
            status = 2
            continue
        sys.stdout.write(f"{_row(result)}\n")
        sys.stdout.flush()
        for way, after in result.after.items():
            for name in after.failures if after is not None else ():
                sys.stderr.write(f"{suite.label}: {way}: {name}\n")
                status = status or 1
    return status


def _row(result: Result) -> str:
    before = f"{result.passed}, {result.failed}, {result.unsteady}"
    cells = [result.suite.label, before, *(_cell(after) for after in result.after.values())]
    return f"| {' | '.join(cells)} |"


def _cell(after: After | None) -> str:
    """How many fixes were made, and how many tests fail since."""
    if after is None:
        return "nothing to fix"
    return f"{after.fixed} fixed, {len(after.failures) or 'none'} failing" + (
        f", {len(after.unsteady)} unsteady" if after.unsteady else ""
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.suites", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    cache = cache_folder(dict(os.environ)) / "suites"
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="another record")
    parser.add_argument(
        "--cache",
        type=Path,
        default=cache,
        metavar="FOLDER",
        help=f"for releases, environments and copies (default: {cache})",
    )
    parser.add_argument("--only", action="append", default=[], metavar="PACKAGE", help="this suite (may be repeated)")
    parser.add_argument(
        "--way", action="append", default=[], choices=list(WAYS), help="this way of fixing (may be repeated)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
