"""What was cut off by a budget, told as failures: which functions of a file, and what to do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.model.findings import Failure

if TYPE_CHECKING:
    from lockcheck.analysis.budget import Cut, Why
    from lockcheck.analysis.summarise import Analysis

_SHOWN = 3
_SAID: dict[Why, str] = {
    "body": "takes too many steps to be followed, so nothing is known of it: {}; split it, or exclude the file",
    "exits": "has too many ways to be left, so whether locks are given back on all is not known: {}; split it",
    "program": "not followed to the end, for all functions together took too many steps: {}; exclude some files",
    "cycles": "takes part in so many nestings of locks that the search for cycles was broken off: {}; nest fewer locks",
}


def cut_off(analysis: Analysis | Failure) -> Iterator[Failure]:
    """Give one failure for each file and reason. It names the file by its absolute path."""
    if isinstance(analysis, Failure):
        return
    program = analysis.program

    def place(cut: Cut) -> tuple[str, Why]:
        return program.units[cut.function.module].path, cut.why

    for (path, why), cuts in itertools.groupby(sorted(analysis.engine.budget.cuts, key=place), key=place):
        facts = sorted((program.functions[cut.function] for cut in cuts), key=lambda each: each.in_file)
        names = [f"{each.name} (row {each.in_file.row})" for each in facts]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        yield Failure(path, _SAID[why].format(shown))
