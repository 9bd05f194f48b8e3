"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator


def head(*cells: object) -> Iterator[str]:
    """Draw the first two lines of a table."""
    yield row(*cells)
    yield row(*["---"] * len(cells))


def row(*cells: object) -> str:
    """Draw one line of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"
