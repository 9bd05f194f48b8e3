"""How much every tool reports of a package, and how long it takes."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.comparison.table import head, row
from tests.comparison.tools import OURS, TOOLS, ask, columns
from tests.realbugs.measure import Report, measure


def about_packages(programs: Path, folders: Sequence[Path]) -> Iterator[str]:
    """Draw a row for each package and tool: reports, seconds of the processor for one run without a cache, reports by code."""
    yield from head("package", "tool", "reports", "seconds", "codes")
    for folder in folders:
        root = folder.resolve()
        begin = _spent()
        yield _row(folder, OURS, measure(root, ()).reports, _spent() - begin)
        for tool in TOOLS:
            begin = _spent()
            reports = ask(tool, programs, root, [root]).reports
            seconds = _spent() - begin
            for name, some in columns(tool, reports).items():
                yield _row(folder, name, some, seconds)


def _spent() -> float:
    """Give the processor's time of all that was started and has ended: unlike the clock's, the same beside other work."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _row(folder: Path, name: str, reports: Sequence[Report], seconds: float) -> str:
    counts = Counter(report.code for report in reports)
    codes = ", ".join(f"{code} {times}" for code, times in counts.most_common())
    return row(folder.name, name, len(reports), f"{seconds:.1f}", codes or "-")
