"""Stage 3, link: names, classes, lock identities and call targets across the whole program."""

from __future__ import annotations

from collections.abc import Sequence

from lockcheck.analysis.link.program import Program, Visit
from lockcheck.knowledge.load import Library
from lockcheck.model.facts import Unit

__all__ = ["Program", "Visit", "link"]


def link(units: Sequence[Unit], library: Library, visit: Visit | None = None) -> Program:
    """The program that the files make together, whatever their order.

    `visit` gives the structured body of a function that the extract stage left flat; without it such functions
    are followed without their blocks.
    """
    return Program(units, library, visit)
