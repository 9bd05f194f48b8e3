"""How time and memory grow with the program: parts of a package, the package, and copies of it under other names."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.corpora import Unpacked, chosen, copy_renamed, copy_some, lines, package_of, sources, unpacked
from tests.benchmarks.figures import Point
from tests.benchmarks.running import lockcheck, parsing

PARTS = (0.1, 0.2, 0.4)
"""Programs smaller than the package, as parts of its lines."""
COPIES = (1, 2, 5, 10)
TEN = (1, 10)
_TWICE = 1_000_000
"""Programs of fewer lines are measured twice: the faster run counts."""


class Size(msgspec.Struct, frozen=True):
    """A program to be measured: so many copies of a package, or some of its subpackages."""

    what: str
    copies: int
    parts: tuple[str, ...] = ()


def sizes(corpus: Unpacked, *, only_ten: bool) -> list[Size]:
    """Choose what is measured; the whole package is one copy, under another name like the rest."""
    package = package_of(corpus.folder)
    if only_ten:
        return [_copies(package, copies) for copies in TEN]
    parts = {path.name: lines(path) for path in (corpus.folder / package).iterdir() if path.is_dir() and sources(path)}
    total = lines(corpus.folder / package)
    right_in_it = total - sum(parts.values())
    found = [
        Size(f"{package}, {part:.0%}: {len(some)} of its {len(parts)} subpackages", 0, some)
        for part in PARTS
        if (some := chosen(parts, int(total * part) - right_in_it))
    ]
    return [*found, *(_copies(package, copies) for copies in COPIES)]


def measure(corpus: Unpacked, wanted: Sequence[Size], tell: Callable[[str], None]) -> Iterator[Point]:
    """Measure one size after another, without a cache; the memory is looked at in the same run."""
    for size in wanted:
        with tempfile.TemporaryDirectory(prefix="lockcheck-growth-") as place:
            tree = Path(place).resolve()
            build(size, corpus.folder, tree)
            program = unpacked(size.what, tree)
            tell(f"growth: {size.what}, {program.lines:,} lines")
            times = 2 if program.lines < _TWICE else 1
            parse = min(parsing(tree) for _ in range(times))
            runs = [lockcheck([tree], None, watch=True) for _ in range(times)]
            point = Point(
                what=size.what,
                copies=size.copies,
                files=program.files,
                lines=program.lines,
                parse=parse,
                seconds=min(run.seconds for run in runs),
                megabytes=max(run.megabytes for run in runs),
            )
            tell(
                f"growth: {point.seconds:.1f} s, {point.seconds / point.parse:.2f} × ast.parse, {point.megabytes:.0f} MB"
            )
            yield point


def build(size: Size, folder: Path, tree: Path) -> None:
    """Lay a program out in an empty folder."""
    package = package_of(folder)
    if size.parts:
        copy_some(folder, package, size.parts, tree)
    for number in range(size.copies):
        copy_renamed(folder, package, f"{package}_{number}", tree)
    (tree / ".git").mkdir(parents=True)


def _copies(package: str, copies: int) -> Size:
    return Size(f"{package}, one copy" if copies == 1 else f"{package}, {copies} copies", copies)
