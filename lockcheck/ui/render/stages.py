"""Where the time of a run went, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck.app.timing import Stage

_WORTH_MENTION = 0.005
"""Seconds from which a part of a stage has a line of its own."""


def render_stages(stages: Sequence[Stage], total: float) -> str:
    """Give a line for each stage with its seconds and counts, and under it its slower parts, the slowest first."""
    rows = [*_rows(stages, total), ("all", total, "")]
    width = max(len(name) for name, _, _ in rows)
    return "".join(
        f"{name:<{width}}{seconds:>9.3f} s {_share(seconds, total):>5}  {counted}".rstrip() + "\n"
        for name, seconds, counted in rows
    )


def _rows(stages: Sequence[Stage], total: float) -> Iterator[tuple[str, float, str]]:
    whole = [stage for stage in stages if not stage.within]
    for stage in whole:
        yield stage.name, stage.seconds, _counted(stage)
        parts = [part for part in stages if part.within == stage.name and part.seconds >= _WORTH_MENTION]
        for part in sorted(parts, key=lambda part: -part.seconds):
            yield f"  {part.name}", part.seconds, _counted(part)
    yield "everything else", total - sum(stage.seconds for stage in whole), ""


def _counted(stage: Stage) -> str:
    return ", ".join(f"{number} {what}" for what, number in stage.counts)


def _share(seconds: float, total: float) -> str:
    return f"{seconds / total:.0%}" if total > 0 else ""
