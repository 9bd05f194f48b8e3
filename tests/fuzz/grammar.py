"""Whole modules made from Python's grammar, by hypothesmith."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesmith import from_grammar


def modules(count: int, start: int) -> list[str]:
    """So many modules, the same for the same start."""
    made: list[str] = []

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(from_grammar())
    def collect(text: str) -> None:
        made.append(text)

    collect()
    return made
