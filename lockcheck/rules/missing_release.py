"""Placeholder."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits import certainty, label, leaks, story, way
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import misuse, title
from lockcheck.model.findings import Finding
from lockcheck.rules.registry import rule


@rule(code="LCK601", default=True, since="0.1.0", supersedes=("LCK805",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition that some way out loses."""
    for leak in leaks(analysis):
        if leak.cancelled or (leak.permit and leak.exceptional):
            continue
        message = (
            f"{label(leak)} stays held where {title(leak.function)} {way(leak.exits[0])}: whoever needs "
            "it next waits for ever; take it by `with`, or release it in a `finally`"
        )
        yield misuse(
            analysis,
            "LCK601",
            "missing-release",
            message,
            leak.function,
            leak.operation,
            story(analysis, leak),
            certainty(leak),
        )
