"""Put what was measured into docs/performance.md and its picture: `python -m tests.benchmarks.page [FILE]`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import table
from tests.benchmarks.figures import FIGURES, Figures, MeasurementError, read
from tests.benchmarks.plot import draw
from tests.cases import TESTDATA

DOCS = TESTDATA.parent / "docs"
PAGE = DOCS / "performance.md"
PICTURE = DOCS / "img" / "growth.svg"


def sections(figures: Figures) -> dict[str, str]:
    """Give what stands between the marks of the page, by their names."""
    if figures.others is None or figures.profile is None or not figures.corpora or not figures.growth:
        raise MeasurementError("the page needs the table, the growth, the other tools and the profile")
    goals = [table.machine(figures.machine), "", *table.corpora(figures.corpora, figures.growth), ""]
    if figures.is_trial:
        goals[:0] = [
            "**These are figures of a trial with a small package; the corpora have not been measured yet.**",
            "",
        ]
    parts = {
        "goals": [*goals, *table.about(figures.corpora)],
        "growth": table.growth(figures.growth),
        "profile": table.profile(figures.profile),
        "other tools": table.others(figures.others),
    }
    return {name: "\n".join(lines) for name, lines in parts.items()}


def insert(page: str, name: str, text: str) -> str:
    """Put a section into a page, between its marks."""
    begin, end = f"<!-- begin of {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    page, times = pattern.subn(lambda _: f"{begin}\n\n{text}\n\n{end}", page)
    if times != 1:
        raise MeasurementError(f"the marks {begin} and {end} must stand in the page once")
    return page


def filled(page: str, figures: Figures) -> str:
    """Put every section into a page."""
    for name, text in sections(figures).items():
        page = insert(page, name, text)
    return page


def main(words: Sequence[str]) -> int:
    """Write the page and the picture; 2 where that cannot be."""
    try:
        figures = read(Path(words[0]) if words else FIGURES)
        text = filled(PAGE.read_text("utf-8"), figures)
    except MeasurementError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    PAGE.write_text(text, "utf-8")
    PICTURE.write_text(draw(figures.growth), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
