"""What every tool says of the record of released bugs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.comparison.counting import Sight, sight
from tests.comparison.table import head, row
from tests.comparison.tools import NAMES, OURS, TOOLS, ask, columns
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
    releases = [release for release in (bug.before, bug.after) if release is not None]
    folders = [fetch(release, cache, pip_download) for release in releases]
    said = [_said(bug, programs, folder) for folder in folders]
    after = {name: (folders[1], said[1][name]) if len(said) > 1 else None for name in NAMES}
    return {name: sight(bug, folders[0], said[0][name], after[name]) for name in NAMES}


def _said(bug: Bug, programs: Path, folder: Path) -> dict[str, tuple[Report, ...]]:
    said = {OURS: measure(folder, ()).reports}
    for tool in TOOLS:
        # About the bug's file alone where a tool sees but one file at a time: the same answer, much sooner.
        path = folder if tool.whole else folder / bug.file
        said |= columns(tool, ask(tool, programs, folder, [path]).reports if path.exists() else ())
    return said


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
