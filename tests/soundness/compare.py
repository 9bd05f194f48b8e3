"""Draws programs, runs them in every order, asks lockcheck about the same sources, and compares."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

import lockcheck
from tests.soundness.grammar import Program, draw, smaller
from tests.soundness.scheduler import Kind, explore

RULES: Final[dict[Kind, tuple[str, ...]]] = {"order": ("LCK301", "LCK302"), "reentry": ("LCK501", "LCK502")}
"""The rules that tell of each way to stop for ever. LCK502 is LCK501 where the way back leads through a callback."""

Verdict: TypeAlias = Literal["missed", "false"]


class Disagreement(msgspec.Struct, frozen=True, order=True):
    """A program of which lockcheck says something else than its runs do."""

    seed: int
    kind: Kind
    verdict: Verdict

    @property
    def title(self) -> str:
        return f"{self.verdict} {self.kind}"


class Comparison(msgspec.Struct, frozen=True):
    """What came of one program: which ways to stop there are, which are reported; None where it has too many states."""

    seed: int
    can: frozenset[Kind] | None
    said: frozenset[Kind]

    def disagreements(self) -> Iterator[Disagreement]:
        """Each way to stop that is missed or reported falsely."""
        if self.can is not None:
            for kind in sorted(self.can ^ self.said):
                yield Disagreement(self.seed, kind, "missed" if kind in self.can else "false")


def executed(source: str) -> frozenset[Kind] | None:
    """The ways in which a program can stop for ever, where all its states could be visited."""
    outcome = explore(source)
    return frozenset(kind for kind in RULES if outcome.can(kind)) if outcome.complete else None


def reported(source: str) -> frozenset[Kind]:
    """The ways that lockcheck reports, as who has configured nothing sees it."""
    file = str(Path(tempfile.gettempdir()) / "generated-programs" / "program.py")  # it need not exist
    select = [code for codes in RULES.values() for code in codes]
    report = lockcheck.check(file, {"select": select, "test-files": []}, texts={file: source})
    assert not report.failures, report.failures
    codes = {finding.code for finding in report.findings}
    return frozenset(kind for kind, rules in RULES.items() if codes.intersection(rules))


def compare(seed: int) -> Comparison:
    """Draw, run and analyse one program."""
    source = draw(seed).source()
    return Comparison(seed, executed(source), reported(source))


def shrink(program: Program, wanted: Disagreement) -> Program:
    """A program from which nothing can be taken without the disagreement going too."""
    while True:
        for candidate in smaller(program):
            if _still(candidate, wanted):
                program = candidate
                break
        else:
            return program


def _still(program: Program, wanted: Disagreement) -> bool:
    source = program.source()
    can = executed(source)
    return can is not None and (wanted.kind in can) == (wanted.verdict == "missed") and _differs(can, source, wanted.kind)


def _differs(can: frozenset[Kind], source: str, kind: Kind) -> bool:
    return (kind in can) != (kind in reported(source))


def shrunk(wanted: Disagreement) -> str:
    """The source of the least program that still shows a disagreement."""
    return shrink(draw(wanted.seed), wanted).source()


def run(seeds: Sequence[int], jobs: int) -> Iterable[Comparison]:
    """Compare many programs, in order."""
    if jobs == 1:
        yield from map(compare, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(compare, seeds, chunksize=50)


def summary(found: Sequence[Comparison]) -> str:
    """The figures, in words."""
    explored = [each for each in found if each.can is not None]
    lines = [f"{len(found)} programs, {len(explored)} of them in all their states"]
    for kind in RULES:
        can = sum(kind in (each.can or ()) for each in explored)
        lines.append(f"{can} can stop by {kind}, {len(explored) - can} cannot")
    titles = Counter(d.title for each in explored for d in each.disagreements())
    for title, count in sorted(titles.items()):
        lines.append(f"{title}: {count} ({100 * count / len(explored):.2f} %)")
    agree = sum(not list(each.disagreements()) for each in explored)
    lines.append(f"agree: {agree} ({100 * agree / len(explored):.2f} %)")
    return "\n".join(lines)


def main() -> None:
    """Compare as many programs as are asked for, and show each disagreement by its least program."""
    parser = argparse.ArgumentParser(prog="python -m tests.soundness", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="programs to be drawn")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first; the next ones have the next numbers")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="disagreements of each sort that are shrunk and printed")
    given = parser.parse_args()
    found = list(run(range(given.seed, given.seed + given.count), given.jobs))
    print(summary(found))
    shown: Counter[str] = Counter()
    sources: set[str] = set()
    for wanted in (d for each in found for d in each.disagreements()):
        if shown[wanted.title] < given.show:
            shown[wanted.title] += 1
            source = shrunk(wanted)
            if source not in sources:
                sources.add(source)
                print(f"\n# seed {wanted.seed}: {wanted.title}\n{source}", flush=True)
