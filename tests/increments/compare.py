"""A run that goes by an earlier one beside a run that knows nothing: they must find the same, function by function."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lockcheck.analysis.summarise.result import Result
from lockcheck.app.cache import Cache
from lockcheck.app.pipeline import analysed, apply
from lockcheck.app.project import Project, locate
from lockcheck.app.rulebook import rulebook
from lockcheck.app.run import Options
from lockcheck.model.findings import Failure, Finding
from tests.increments.edits import Files, edited


class Found(msgspec.Struct, frozen=True):
    """What one run found: of each function, and by all rules. `followed` is how many functions it followed itself."""

    results: tuple[Result, ...]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    followed: int
    seconds: float


class Compared(msgspec.Struct, frozen=True):
    """Two runs on one program after an edit; `differing` are the functions that they do not agree about."""

    number: int
    kept: Found
    anew: Found

    @property
    def differing(self) -> list[str]:
        """The functions about which the two say different things."""
        one = {result.function: result for result in self.kept.results}
        other = {result.function: result for result in self.anew.results}
        return sorted(str(each) for each in one.keys() | other.keys() if one.get(each) != other.get(each))

    @property
    def agree(self) -> bool:
        """Whether the two found the same."""
        return (
            self.kept.results == self.anew.results
            and self.kept.findings == self.anew.findings
            and self.kept.failures == self.anew.failures
        )


def find(root: Path, cache: Cache | None) -> Found:
    """Run all stages on what lies in a folder."""
    project: Project = locate([str(root)], here=str(root), isolated=True)
    book = rulebook(project)
    options = Options(cache=cache)
    begin = time.perf_counter()
    with analysed(project, options, book) as program:
        if isinstance(program.analysis, Failure):
            return Found((), (), (program.analysis,), 0, time.perf_counter() - begin)
        followed, results = program.analysis.engine.followed, program.analysis.results
        found = apply(book.rules, program.analysis, options)
    if cache is not None:
        cache.save()
    return Found(results, found.findings, found.failures, followed, time.perf_counter() - begin)


def compared(files: Files, root: Path, folder: Path, seed: int, edits: int) -> Iterator[Compared]:
    """Edit a program again and again in `root`, and look at it after each edit; `folder` is for what is kept."""
    chance = random.Random(seed)
    write(files, {}, root)
    find(root, Cache(folder, str(root)))
    for number in range(edits):
        before, files = files, edited(files, chance)
        write(files, before, root)
        yield Compared(number, find(root, Cache(folder, str(root))), find(root, None))


def write(files: Files, before: Files, root: Path) -> None:
    """Have these files in a folder in the place of others."""
    for name in before.keys() - files.keys():
        (root / name).unlink()
    for name, text in files.items():
        if before.get(name) != text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8", newline="")
