"""Measure lockcheck on released bugs: `python -m tests.realbugs`.

Fetches each release of the record through pip, runs lockcheck on it with `--isolated` and prints one row for each bug.
Status 0: measured; 1: fewer than `--at-least` asks for; 2: wrong usage, or something could not be measured (the rest is).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from lockcheck.app.store import cache_folder
from tests.cases import TESTDATA
from tests.realbugs.judge import Unmeasured, Verdict, judge
from tests.realbugs.measure import Measurement, MeasurementError, measure
from tests.realbugs.record import RECORD, Bug, Kind, RecordError, Release, read
from tests.realbugs.releases import Download, UnavailableError, fetch, pip_download
from tests.realbugs.table import QUIET, PageError, insert, messages, summary, table, tallies

DONE, BELOW, FAILED = 0, 1, 2
PAGE = TESTDATA.parent / "docs" / "realbugs.md"
Measured: TypeAlias = dict[Release, Measurement | str]
"""By release: the measurement, or why there is none."""


class _Arguments(argparse.Namespace):
    record: Path
    cache: Path
    only: list[str]
    jobs: int
    at_least: list[tuple[str, int]]
    verbose: bool
    write: bool


def main(words: Sequence[str], download: Download = pip_download) -> int:
    """Measure, print, and give the exit status."""
    arguments = _parser().parse_args(words, _Arguments())
    try:
        bugs = read(arguments.record)
        asked = _chosen(bugs, arguments.only)
        page = _page(arguments)
    except (RecordError, PageError) as error:
        return _complain(str(error))
    measured = _measure(asked, sorted({rule for bug in bugs for rule in bug.rules}), arguments, download)
    verdicts = [_verdict(bug, measured) for bug in asked]
    text = f"{summary(verdicts)}\n\n{table(verdicts)}"
    sys.stdout.write(f"{text}\n")
    if arguments.verbose:
        sys.stdout.write("".join(f"\n{message}\n" for message in messages(verdicts)))
    troubles = _troubles(verdicts, measured)
    for trouble in troubles:
        _complain(trouble)
    if page is not None and not troubles:
        PAGE.write_text(insert(page, text), "utf-8")
    below = _below(verdicts, arguments.at_least)
    for line in below:
        sys.stderr.write(f"{line}\n")
    return FAILED if troubles else BELOW if below else DONE


def _measure(bugs: Sequence[Bug], rules: Sequence[str], arguments: _Arguments, download: Download) -> Measured:
    releases = sorted({release for bug in bugs for release in (bug.before, bug.after) if release is not None})

    def one(release: Release) -> Measurement | str:
        try:
            return measure(fetch(release, arguments.cache, download), rules)
        except (UnavailableError, MeasurementError) as error:
            return str(error)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        return dict(zip(releases, pool.map(one, releases), strict=True))


def _verdict(bug: Bug, measured: Measured) -> Verdict:
    before = measured[bug.before]
    after = measured[bug.after] if bug.after is not None else None
    if isinstance(before, str):
        return Unmeasured(bug, before)
    if isinstance(after, str):
        return Unmeasured(bug, after)
    return judge(bug, before, after)


def _troubles(verdicts: Sequence[Verdict], measured: Measured) -> list[str]:
    """Say each thing once that could not be measured or read."""
    unmeasured = [f"{one.bug.id}: {one.reason}" for one in verdicts if isinstance(one, Unmeasured)]
    incomplete = [line for one in measured.values() if isinstance(one, Measurement) for line in one.complaints]
    return list(dict.fromkeys([*unmeasured, *incomplete]))


def _below(verdicts: Sequence[Verdict], wanted: Sequence[tuple[str, int]]) -> list[str]:
    counts = tallies(verdicts)
    return [f"{name}: {counts[name]}, {least} wanted" for name, least in wanted if counts[name].got < least]


def _chosen(bugs: Sequence[Bug], only: Sequence[str]) -> list[Bug]:
    for word in only:
        if all(bug.id != word for bug in bugs):
            raise RecordError(f"the record has no {word}")
    return [bug for bug in bugs if not only or bug.id in only]


def _page(arguments: _Arguments) -> str | None:
    """Give the page to write into, found to be writable before anything long begins."""
    if not arguments.write:
        return None
    if arguments.only or arguments.record != RECORD:
        raise PageError("--write: the page shows the whole record")
    page = PAGE.read_text("utf-8")
    insert(page, "")
    return page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.realbugs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    cache = cache_folder(dict(os.environ)) / "realbugs"
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="another record")
    parser.add_argument(
        "--cache", type=Path, default=cache, metavar="FOLDER", help=f"for the releases (default: {cache})"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="measure this entry (may be repeated)"
    )
    parser.add_argument("--jobs", type=_number, default=1, metavar="N", help="releases at a time (default: 1)")
    wanted = f"status 1 if fewer of a kind are found, or fewer repairs {QUIET} (may be repeated)"
    parser.add_argument("--at-least", action="append", default=[], type=_threshold, metavar="WHAT=N", help=wanted)
    parser.add_argument("--verbose", action="store_true", help="show the message that made each entry count")
    parser.add_argument("--write", action="store_true", help="put the result into docs/realbugs.md")
    return parser


def _threshold(text: str) -> tuple[str, int]:
    name, _, least = text.partition("=")
    names = [*(kind.value for kind in Kind), QUIET]
    if name not in names or not least.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: WHAT=N, where WHAT is one of {', '.join(names)}")
    return name, int(least)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of jobs")
    return int(text)


def _complain(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
