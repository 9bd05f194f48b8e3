"""Measure how fast lockcheck is: `python -m tests.benchmarks`, with ray and homeassistant fetched through pip.

Prints the table of goals (seconds, multiples of `ast.parse`, peak memory) and, where asked for, how time grows with the
program and what other tools take. Status 0: measured; 1: a goal is not kept; 2: something could not be measured.
Nothing else should run beside it: ratios are kept, and yet two processes on one core are slower than one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

import lockcheck
from lockcheck.app.store import cache_folder
from tests.benchmarks import growth, others, rounds
from tests.benchmarks.corpora import FILES, LARGE, SMALL, Unpacked, find, release, unpacked
from tests.benchmarks.figures import Figures, Machine, MeasurementError, add, merged, missed
from tests.benchmarks.table import everything
from tests.realbugs.measure import MeasurementError as NoAnswerError

KEPT, MISSED, FAILED = 0, 1, 2


class _Arguments(argparse.Namespace):
    corpus: list[str]
    folder: Path | None
    cache: Path
    rounds: int
    no_table: bool
    ten: bool
    growth: bool
    others: Path | None
    json: Path | None
    trial: bool


def main(words: Sequence[str]) -> int:
    """Measure, print, and give the exit status."""
    arguments = _parser().parse_args(words, _Arguments())
    figures = Figures(machine(), is_trial=arguments.trial)
    try:
        for part in _measured(arguments, figures):
            # What was measured is kept at once, whatever becomes of the rest.
            figures = merged(figures, part) if arguments.json is None else add(arguments.json, part)
    except (MeasurementError, NoAnswerError) as error:
        _tell(str(error))
        return FAILED
    sys.stdout.write("\n".join(everything(figures)))
    return MISSED if missed(figures) else KEPT


def _measured(arguments: _Arguments, empty: Figures) -> Iterator[Figures]:
    """Give one part after another. All that has to be fetched is, before anything long begins."""
    wanted = arguments.corpus or [f"{one.package}=={one.version}" for one in FILES]
    large = arguments.corpus[0] if arguments.corpus else f"{LARGE.package}=={LARGE.version}"
    small = arguments.corpus[0] if arguments.corpus else f"{SMALL.package}=={SMALL.version}"
    table = [] if arguments.no_table else [_corpus(word, arguments) for word in wanted]
    grows = _corpus(large, arguments) if arguments.growth or arguments.ten else None
    compared = _corpus(small, arguments) if arguments.others is not None else None
    for one in table:
        yield replace(empty, corpora=(rounds.measure(one, arguments.rounds, _tell),))
    if compared is not None and arguments.others is not None:
        yield replace(empty, others=others.measure(compared, arguments.others, _tell))
    if grows is not None:
        for point in growth.measure(grows, growth.sizes(grows, only_ten=not arguments.growth), _tell):
            yield replace(empty, growth=(point,))


def machine() -> Machine:
    """Say on what is measured, as far as it matters to who reads the figures."""
    ruff = subprocess.run([sys.executable, "-m", "ruff", "--version"], capture_output=True, text=True)
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return Machine(
        date=f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%d}",
        processors=len(os.sched_getaffinity(0)),
        model=names[0] if names else platform.machine(),
        python=platform.python_version(),
        lockcheck=lockcheck.__version__,
        ruff=ruff.stdout.strip().removeprefix("ruff "),
    )


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text("utf-8").splitlines() if file.exists() else []


def _corpus(word: str, arguments: _Arguments) -> Unpacked:
    if Path(word).is_dir():
        folder = Path(word).resolve()
        return unpacked(folder.name.replace("-", " "), folder)
    return find(release(word), arguments.folder, arguments.cache)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    cache = cache_folder(dict(os.environ)) / "benchmarks"
    defaults = ", ".join(f"{one.package}=={one.version}" for one in FILES)
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        metavar="PACKAGE==VERSION|FOLDER",
        help=f"measure this (may be repeated; default: {defaults}); growth and others take the first, and ray and {SMALL.package} by default",
    )
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="holds unpacked releases as PACKAGE-VERSION")
    parser.add_argument(
        "--cache", type=Path, default=cache, metavar="FOLDER", help=f"for what is fetched (default: {cache})"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds of the table (default: 3)")
    parser.add_argument(
        "--no-table", action="store_true", help="leave the table out: only what the next options ask for"
    )
    parser.add_argument("--ten", action="store_true", help="ten copies of the large corpus beside one")
    parser.add_argument("--growth", action="store_true", help="parts of the large corpus, and one to ten copies")
    parser.add_argument(
        "--others", type=Path, metavar="BIN", help="ask the tools installed in BIN about a smaller corpus"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep the figures there, beside those it has of other parts"
    )
    parser.add_argument("--trial", action="store_true", help="mark the figures as not meant to be shown")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
