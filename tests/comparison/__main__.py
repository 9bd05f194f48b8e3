"""Measure what other tools say: `python -m tests.comparison BIN bugs`, `… BIN examples` or `… BIN packages FOLDER …`.

BIN is the folder of programs of a virtual environment in which ruff, flake8-async, pylint, thread-safety, codehound
and ty-async are installed. `bugs` is about the record of released bugs, `examples` about the programs in the rules'
documentation, `packages` about how much is reported of other code, and how fast. Prints tables in Markdown.
Status 0: measured; 2: wrong usage, or something could not be measured.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lockcheck.app.store import cache_folder
from tests.comparison.bugs import about_bugs
from tests.comparison.examples import about_examples
from tests.comparison.packages import about_packages
from tests.comparison.tools import TOOLS, ToolError, version
from tests.realbugs.measure import MeasurementError
from tests.realbugs.releases import UnavailableError


class _Arguments(argparse.Namespace):
    bin: Path
    what: str
    folders: list[Path]
    cache: Path
    only: list[str]
    jobs: int


def main(words: Sequence[str]) -> int:
    """Measure, print, and give the exit status."""
    parser = _parser()
    arguments = parser.parse_args(words, _Arguments())
    if bool(arguments.folders) != (arguments.what == "packages"):
        parser.error("folders are for `packages`, and it needs some")
    try:
        print(", ".join(f"{tool.name} {version(tool, arguments.bin)}" for tool in TOOLS), end="\n\n")  # noqa: T201
        for line in _lines(arguments):
            print(line, flush=True)  # noqa: T201
    except (ToolError, MeasurementError, UnavailableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _lines(arguments: _Arguments) -> Iterator[str]:
    programs = arguments.bin.absolute()
    match arguments.what:
        case "bugs":
            return about_bugs(programs, arguments.cache, arguments.only, arguments.jobs)
        case "examples":
            return about_examples(programs)
        case _:
            return about_packages(programs, arguments.folders)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.comparison", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    cache = cache_folder(dict(os.environ)) / "realbugs"
    parser.add_argument("bin", type=Path, metavar="BIN", help="where the other tools are installed")
    parser.add_argument("what", choices=["bugs", "examples", "packages"])
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="for packages: unpacked releases")
    parser.add_argument("--cache", type=Path, default=cache, metavar="FOLDER", help="for bugs: that of tests.realbugs")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="for bugs: this one (may be repeated)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="for bugs: so many at a time (default: 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
