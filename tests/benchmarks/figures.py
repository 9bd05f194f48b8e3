"""What was measured, as it lies in `testdata/performance.json`, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.cases import TESTDATA

FIGURES = TESTDATA / "performance.json"
MEMORY = 600.0
"""The goal of the peak memory in MB, all processes together."""
TEN_TIMES = (12.0, 10.0)
"""The goals of the time and of the memory that ten times the code may take, as multiples."""
PARSE, RUFF = "parse", "ruff"
_T = TypeVar("_T")


class MeasurementError(Exception):
    """Something could not be measured; the message names it."""


class Measure(msgspec.Struct, frozen=True):
    """What is measured in each round: its key, what it is called in the table, and how many times `ast.parse` it may take."""

    key: str
    title: str
    goal: float | None = None


MEASURES = (
    Measure(PARSE, "`ast.parse` of all files, one process"),
    Measure(RUFF, "`ruff check --select ASYNC --no-cache`"),
    Measure("cold", "cold, no cache", 2.0),
    Measure("filling", "cold, writing the cache", 2.0),
    Measure("unchanged", "nothing changed", 0.2),
    Measure("leaf", "one file changed: a leaf", 0.5),
    Measure("middling", "one file changed: a middling one", 0.5),
    Measure("central", "one file changed: the most central", 0.5),
    Measure("hook", "pre-commit: three files passed, cache there", 0.5),
    Measure("hook-changed", "pre-commit: the same, all three changed", 0.5),
)
"""In the order in which each round goes through them."""


class Victim(msgspec.Struct, frozen=True):
    """A file that is changed: what it stands for, its path in the corpus, and how many files import it."""

    role: str
    file: str
    importers: int


class Corpus(msgspec.Struct, frozen=True):
    """What one corpus took: seconds of every round and peak megabytes by the key of the measure.

    `is_same` tells that after the changes a run with the cache reported what one without a cache does.
    """

    name: str
    files: int
    lines: int
    seconds: dict[str, tuple[float, ...]]
    megabytes: dict[str, float]
    victims: tuple[Victim, ...]
    is_same: bool
    complaints: tuple[str, ...] = ()

    def best(self, key: str) -> float:
        """Give the seconds of the fastest round."""
        return best(self.seconds, key)

    def ratio(self, key: str) -> float:
        """Give the multiple of `ast.parse`, the fastest round of either."""
        return self.best(key) / self.best(PARSE)

    def peak(self) -> float:
        """Give the peak of the run that took most memory."""
        return max(self.megabytes.values())


class Point(msgspec.Struct, frozen=True):
    """A size of program: what was taken of the corpus, and what a run without a cache took."""

    what: str
    copies: int
    files: int
    lines: int
    parse: float
    seconds: float
    megabytes: float


class Tool(msgspec.Struct, frozen=True):
    """A tool on the smaller corpus: its version, seconds of the fastest run, and how often it reported."""

    name: str
    version: str
    seconds: float
    reports: int


class Others(msgspec.Struct, frozen=True):
    """The smaller corpus, and what every tool took for it."""

    name: str
    files: int
    lines: int
    parse: float
    tools: tuple[Tool, ...]


class Profile(msgspec.Struct, frozen=True):
    """Where one run without a cache spent the processors' seconds, by stage and by rule; the clock's are `wall`.

    `floor` are the clock's seconds of what a run cannot do without, whatever is cached.
    """

    name: str
    lines: int
    wall: float
    stages: dict[str, float]
    rules: dict[str, float]
    floor: dict[str, float]


class Machine(msgspec.Struct, frozen=True):
    """On what and with what was measured."""

    date: str
    processors: int
    model: str
    python: str
    lockcheck: str
    ruff: str


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was measured. `is_trial` figures are of a small package, to build the page with."""

    machine: Machine
    corpora: tuple[Corpus, ...] = ()
    growth: tuple[Point, ...] = ()
    others: Others | None = None
    profile: Profile | None = None
    is_trial: bool = False


def best(seconds: Mapping[str, tuple[float, ...]], key: str) -> float:
    """Give the fastest of some rounds; what disturbs a run only ever makes it slower."""
    return min(seconds[key])


def ten_times(growth: tuple[Point, ...]) -> tuple[float, float] | None:
    """Give how many times the seconds and the memory of one copy ten copies take, None where they were not measured."""
    one, ten = ([point for point in growth if point.copies == copies] for copies in (1, 10))
    if not one or not ten:
        return None
    return ten[-1].seconds / one[-1].seconds, ten[-1].megabytes / one[-1].megabytes


def missed(figures: Figures) -> list[str]:
    """Name every goal that was measured and is not kept."""
    found = [
        f"{corpus.name}: {measure.title}"
        for corpus in figures.corpora
        for measure in MEASURES
        if measure.goal is not None and corpus.ratio(measure.key) > measure.goal
    ]
    found += [f"{corpus.name}: peak memory" for corpus in figures.corpora if corpus.peak() > MEMORY]
    tenfold = ten_times(figures.growth)
    if tenfold is not None:
        pairs = zip(("time", "memory"), tenfold, TEN_TIMES, strict=True)
        found += [f"ten times the code: {what}" for what, times, goal in pairs if times > goal]
    return found


def merged(old: Figures, new: Figures) -> Figures:
    """Put newer measurements in the place of older ones; what was not measured again stays."""
    return Figures(
        machine=new.machine,
        corpora=_replaced(old.corpora, new.corpora, "name"),
        growth=tuple(sorted(_replaced(old.growth, new.growth, "what"), key=lambda point: point.lines)),
        others=new.others or old.others,
        profile=new.profile or old.profile,
        is_trial=new.is_trial,
    )


def _replaced(old: tuple[_T, ...], new: tuple[_T, ...], key: str) -> tuple[_T, ...]:
    together = {getattr(one, key): one for one in (*old, *new)}
    return tuple(together.values())


def read(file: Path) -> Figures:
    """Read what was measured."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Figures)
    except (OSError, msgspec.DecodeError) as error:
        raise MeasurementError(f"{file}: {error}") from None


def add(file: Path, new: Figures) -> Figures:
    """Write measurements into a file that may hold older ones, and give all that it holds then."""
    figures = merged(read(file), new) if file.exists() else new
    text = msgspec.json.format(msgspec.json.encode(figures), indent=1)
    file.write_bytes(text + b"\n")
    return figures
