"""What every tool says of the record of released bugs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.comparison.counting import Sight, sight
from tests.comparison.table import head, row
from tests.comparison.tools import NAMES, OURS, TOOLS, Tool, ask, columns
from tests.realbugs.measure import Report, measure
from tests.realbugs.record import Bug, Kind, read
from tests.realbugs.releases import fetch, pip_download


def about_bugs(programs: Path, cache: Path, only: Collection[str], jobs: int) -> Iterator[str]:
    """Draw a row for each bug, with the codes at its place or else, in brackets, those elsewhere in its functions.

    A tilde says that the repaired release draws one of them in these functions as well.
    """
    bugs = [bug for bug in read() if bug.kind is not Kind.BEYOND and (not only or bug.id in only)]
    yield from head("bug", "kind", *NAMES)
    seen: list[dict[str, Sight]] = []
    with ThreadPoolExecutor(jobs) as pool:
        for bug, sights in zip(bugs, pool.map(lambda bug: _sights(bug, programs, cache), bugs), strict=True):
            seen.append(sights)
            yield row(bug.id, bug.kind.value, *(_cell(sights[name]) for name in NAMES))
    yield ""
    yield from _totals(seen)


def _sights(bug: Bug, programs: Path, cache: Path) -> dict[str, Sight]:
    before = fetch(bug.before, cache, pip_download)
    after = fetch(bug.after, cache, pip_download) if bug.after else None
    sights = {
        OURS: _sight(bug, before, measure(before, ()).reports, after, measure(after, ()).reports if after else ())
    }
    for tool in TOOLS:
        said = _asked(tool, programs, bug, before)
        # Whether the repair is left in peace is only of interest where the bug is not.
        again = after is not None and any(sight(bug, before, some, None).place for some in said.values())
        left = _asked(tool, programs, bug, after) if after is not None and again else columns(tool, ())
        sights |= {name: _sight(bug, before, some, after, left[name]) for name, some in said.items()}
    return sights


def _asked(tool: Tool, programs: Path, bug: Bug, folder: Path) -> dict[str, tuple[Report, ...]]:
    """Ask about the bug's file alone where a tool sees but one file at a time: the same answer, much sooner."""
    path = folder if tool.whole else folder / bug.file
    return columns(tool, ask(tool, programs, folder, [path]).reports if path.exists() else ())


def _sight(bug: Bug, before: Path, reports: Sequence[Report], after: Path | None, repaired: Sequence[Report]) -> Sight:
    return sight(bug, before, reports, (after, repaired) if after is not None else None)


def _totals(seen: Sequence[dict[str, Sight]]) -> Iterator[str]:
    yield from head(f"of {len(seen)} bugs", *NAMES)
    yield row("reported at the place", *(sum(bool(one[name].place) for one in seen) for name in NAMES))
    around = (sum(bool(one[name].place or one[name].function) for one in seen) for name in NAMES)
    yield row("there or in the functions", *around)
    asked = sum(one[OURS].left is not None for one in seen)
    yield row(f"at the place, and no longer when repaired (of {asked})", *(_apart(seen, name) for name in NAMES))


def _apart(seen: Sequence[dict[str, Sight]], name: str) -> int:
    return sum(one[name].tells_apart for one in seen)


def _cell(found: Sight) -> str:
    if found.place:
        return " ".join(found.place) + (" ~" if found.left else "")
    return f"({' '.join(found.function)})" if found.function else "-"
