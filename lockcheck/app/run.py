"""What a run is asked for and what it comes to: values that cost nothing to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from lockcheck.app.timing import Timing
from lockcheck.model.findings import Count, Report

if TYPE_CHECKING:
    from lockcheck.app.cache import Memory
    from lockcheck.app.discovery import Reading, Replacement
    from lockcheck.app.extraction import Executor
    from lockcheck.model.facts import ModuleFacts
    from lockcheck.model.source import SourceFile

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, and how much of how much is done in it."""


class Options(msgspec.Struct, frozen=True):
    """How a run is made, none of which changes what is found. `reading` is what has been read already.

    Whether it `heeds_comments` that suppress decides what is shown of that. `timing` is told how long everything takes.
    """

    jobs: int = 1
    cache: Memory | None = None
    replacements: tuple[Replacement, ...] = ()
    progress: Progress | None = None
    reading: Reading | None = None
    heeds_comments: bool = True
    executor: Executor | None = None
    timing: Timing = msgspec.field(default_factory=Timing)


class Outcome(msgspec.Struct, frozen=True):
    """A report, the sources and facts behind it by absolute path, and what inference by astroid had to do with it."""

    report: Report
    sources: dict[str, SourceFile]
    facts: dict[str, ModuleFacts]
    inference: Count = Count()
