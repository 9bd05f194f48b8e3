"""What was measured, as tables in Markdown: on the terminal and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.figures import (
    MEASURES,
    MEMORY,
    PARSE,
    TEN_TIMES,
    Corpus,
    Figures,
    Machine,
    Others,
    Point,
    Profile,
    ten_times,
)
from tests.comparison.table import row

_REMEMBERED = 8
"""Rules of the profile that are shown one by one."""


def kept(value: float, goal: float) -> str:
    """Say whether a goal is kept."""
    return "yes" if value <= goal else "**no**"


def machine(one: Machine) -> str:
    """Say on what was measured."""
    return (
        f"{one.date}; {one.processors} processors ({one.model}); Python {one.python}, "
        f"lockcheck {one.lockcheck}, ruff {one.ruff}."
    )


def corpora(found: Sequence[Corpus], growth: tuple[Point, ...]) -> Iterator[str]:
    """Draw the table of the goals: a row for each measure, two columns for each corpus."""
    yield from _head(["", "at most"], [cell for one in found for cell in (one.name, "kept")])
    for measure in MEASURES:
        most = f"{measure.goal:.1f} ×" if measure.goal is not None else ""
        yield row(measure.title, most, *(cell for one in found for cell in _time(one, measure.key, measure.goal)))
    memory = (cell for one in found for cell in (f"{one.peak():,.0f} MB", kept(one.peak(), MEMORY)))
    yield row("peak memory of any of these, all processes", f"{MEMORY:.0f} MB", *memory)
    tenfold = ten_times(growth)
    if tenfold is not None:
        for what, times, goal in zip(("time", "memory"), tenfold, TEN_TIMES, strict=True):
            rest = ["", ""] * (len(found) - 1)
            yield row(f"ten times the code: {what}", f"{goal:.0f} ×", f"{times:.1f} ×", kept(times, goal), *rest)


def about(found: Sequence[Corpus]) -> Iterator[str]:
    """Say what the corpora are, which files were changed, and whether the runs agreed."""
    for one in found:
        changed = "; ".join(f"{victim.role} `{victim.file}` ({victim.importers})" for victim in one.victims)
        same = "the same" if one.is_same else "**not the same**"
        rounds = len(one.seconds[PARSE])
        yield (
            f"- **{one.name}**: {one.files:,} files, {thousands(one.lines)} thousand lines; {rounds} rounds. "
            f"Changed, with the number of files that import it: {changed}. With and without the cache lockcheck reported {same}."
        )
        peaks = "; ".join(f"{measure.title}: {one.megabytes[measure.key]:.0f}" for measure in MEASURES if measure.goal)
        yield f"  - Peak memory in MB: {peaks}."
        yield from (f"  - It could not do all: {complaint}" for complaint in one.complaints)


def others(one: Others) -> Iterator[str]:
    """Draw a row for each tool on the smaller corpus."""
    yield f"{one.name}: {one.files:,} files, {thousands(one.lines)} thousand lines; `ast.parse` takes {one.parse:.2f} s."
    yield ""
    yield from _head(["tool"], ["seconds", "× `ast.parse`", "lines a second", "reports"])
    for tool in one.tools:
        pace = f"{one.lines / tool.seconds:,.0f}"
        name = f"{tool.name.partition(',')[0]} {tool.version}"
        detail = tool.name.partition(",")[2]
        cells = (f"{tool.seconds:.2f}", f"{tool.seconds / one.parse:.2f}", pace, f"{tool.reports:,}")
        yield row(f"{name}{',' if detail else ''}{detail}", *cells)


def growth(points: Sequence[Point]) -> Iterator[str]:
    """Draw a row for each size."""
    yield from _head(["program"], ["files", "thousand lines", "seconds", "× `ast.parse`", "ms a thousand lines", "MB"])
    for point in points:
        pace = point.seconds / point.lines * 1_000_000
        cells = (
            f"{point.files:,}",
            thousands(point.lines),
            f"{point.seconds:.1f}",
            f"{point.seconds / point.parse:.2f}",
        )
        yield row(point.what, *cells, f"{pace:.1f}", f"{point.megabytes:,.0f}")


def profile(one: Profile) -> Iterator[str]:
    """Draw where the time goes: the stages, the slowest rules, and what no run can do without."""
    total = sum(one.stages.values())
    yield (
        f"{one.name}, {thousands(one.lines)} thousand lines, with an empty cache: {one.wall:.1f} s by the clock, "
        f"{total:.1f} s of the processors."
    )
    yield ""
    yield from _head(["stage"], ["seconds", "share"])
    for name, seconds in one.stages.items():
        yield row(name, f"{seconds:.2f}", f"{seconds / total:.0%}")
    slowest = sorted(one.rules.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = ", ".join(f"{code} {seconds:.2f} s" for code, seconds in slowest[:_REMEMBERED])
    rest = sum(seconds for _, seconds in slowest[_REMEMBERED:])
    yield ""
    yield f"Of the rules: {listed}; the other {len(slowest[_REMEMBERED:])} together {rest:.2f} s."
    yield ""
    yield from _head(["what no run can do without"], ["seconds"])
    for name, seconds in one.floor.items():
        yield row(name, f"{seconds:.2f}")


def everything(figures: Figures) -> Iterator[str]:
    """Give all that was measured, for the terminal."""
    parts = (
        [machine(figures.machine)],
        [*corpora(figures.corpora, figures.growth), "", *about(figures.corpora)] if figures.corpora else [],
        list(growth(figures.growth)) if figures.growth else [],
        list(others(figures.others)) if figures.others is not None else [],
        list(profile(figures.profile)) if figures.profile is not None else [],
    )
    for part in parts:
        if part:
            yield from part
            yield ""


def thousands(lines: int) -> str:
    """Give a number of lines in thousands."""
    return f"{lines / 1000:,.0f}"


def _head(words: Sequence[str], figures: Sequence[str]) -> Iterator[str]:
    """Draw the first two lines of a table whose last columns are figures."""
    yield row(*words, *figures)
    yield f"|{'---|' * len(words)}{'--:|' * len(figures)}"


def _time(corpus: Corpus, key: str, goal: float | None) -> tuple[str, str]:
    text = f"{corpus.ratio(key):.2f} × ({corpus.best(key):.2f} s)"
    return text, kept(corpus.ratio(key), goal) if goal is not None else ""
