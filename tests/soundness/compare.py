"""Draws programs, runs them in every order, asks lockcheck about the same sources, and compares."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

import lockcheck
from tests.soundness.grammar import Program, draw, smaller
from tests.soundness.scheduler import Kind, explore

RULES: Final[dict[Kind, tuple[str, ...]]] = {"order": ("LCK301", "LCK302"), "reentry": ("LCK501", "LCK502")}
"""The rules that tell of each way to stop for ever. LCK502 is LCK501 where the way back leads through a callback."""

BEHIND: Final = "the place is never come to"
"""The thread has always stopped before, by a freeze of the other sort or at an attempt that always fails."""
OBJECTS: Final = "which object is meant"
"""Two objects of one class count as one where the order of locks between threads is asked for; which of them a
parameter is, only the call tells."""
HANDED: Final = "which lock is handed on"
"""A lock that is a parameter has a place in the order of locks only where a call tells which one it is."""
CALLBACK: Final = "who calls a function that is handed on"
"""A function that is a value somewhere may be called by any thread."""
CALLERS: Final = "what the callers have in common"
"""A nesting inside a function counts for every thread that runs it, whatever that thread holds already."""
CHOSEN: Final = "which of two locks a name means"
"""A local name that is bound to one of two locks is none that is known."""
UNKNOWN: Final = "not explained"

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")
Verdict: TypeAlias = Literal["missed", "false"]


class Disagreement(msgspec.Struct, frozen=True, order=True):
    """A program of which lockcheck says something else than its runs do."""

    seed: int
    kind: Kind
    verdict: Verdict
    either: bool = False

    @property
    def title(self) -> str:
        return f"{self.verdict} {self.kind}"


class Shrunk(msgspec.Struct, frozen=True):
    """The least program that shows a disagreement, and the class of disagreements that it belongs to."""

    wanted: Disagreement
    source: str
    reason: str


class Comparison(msgspec.Struct, frozen=True):
    """What came of one program: which ways to stop there are, which are reported; None where it has too many states."""

    seed: int
    can: frozenset[Kind] | None
    said: frozenset[Kind]
    either: bool = False

    def disagreements(self) -> Iterator[Disagreement]:
        """Each way to stop that is missed or reported falsely."""
        if self.can is not None:
            for kind in sorted(self.can ^ self.said):
                yield Disagreement(self.seed, kind, "missed" if kind in self.can else "false", self.either)


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


def compare(seed: int, either: bool = False) -> Comparison:
    """Draw, run and analyse one program; `either`: a local name in it may be bound to one of two locks."""
    source = draw(seed, either).source()
    return Comparison(seed, executed(source), reported(source), either)


def reason(program: Program, wanted: Disagreement) -> str:
    """The class of a disagreement that has been shrunk: by what is left in the program."""
    if "either_" in program.source():
        return CHOSEN
    other: Kind = "reentry" if wanted.kind == "order" else "order"
    if wanted.verdict == "false" and (other in (executed(program.source()) or ()) or _attempts(program)):
        return BEHIND
    if any(lock.name in program.source().replace(f"self.{lock.name} =", "") for lock in program.attributes):
        return OBJECTS
    given = [name for function in program.functions for name in function.parameters]
    if "lock" in given:
        return HANDED
    if "action" in given:
        return CALLBACK
    return CALLERS if (wanted.kind, wanted.verdict) == ("order", "false") else UNKNOWN


def _attempts(program: Program) -> bool:
    return "timeout=" in program.source() or "blocking=" in program.source()


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
    return (
        can is not None and (wanted.kind in can) == (wanted.verdict == "missed") and _differs(can, source, wanted.kind)
    )


def _differs(can: frozenset[Kind], source: str, kind: Kind) -> bool:
    return (kind in can) != (kind in reported(source))


def shrunk(wanted: Disagreement) -> Shrunk:
    """The least program that still shows a disagreement, and why it does."""
    least = shrink(draw(wanted.seed, wanted.either), wanted)
    return Shrunk(wanted, least.source(), reason(least, wanted))


def compared(seeds: Sequence[int], jobs: int = 1, either: bool = False) -> list[Comparison]:
    """Compare many programs, in order."""
    return _each(functools.partial(compare, either=either), seeds, jobs)


def _each(action: Callable[[_Given], _Found], given: Sequence[_Given], jobs: int) -> list[_Found]:
    if jobs == 1:
        return list(map(action, given))
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(action, given, chunksize=max(1, min(50, len(given) // jobs // 4))))


def summary(found: Sequence[Comparison], explained: Sequence[Shrunk]) -> str:
    """The figures, in words: of programs that can stop or not, then of each way to stop for itself."""
    explored = [each for each in found if each.can is not None]
    lines = [f"{len(found)} programs, {len(explored)} of them in all their states"]
    lines.append(f"can stop: {_share(sum(bool(each.can) for each in explored), explored)}")
    lines.append(f"missed: {_share(sum(bool(each.can) and not each.said for each in explored), explored)}")
    lines.append(f"false: {_share(sum(bool(each.said) and not each.can for each in explored), explored)}")
    lines.append("each way to stop for itself:")
    agree = sum(not list(each.disagreements()) for each in explored)
    lines.append(f"agree in all: {_share(agree, explored)}")
    for kind in RULES:
        lines.append(f"can stop by {kind}: {_share(sum(kind in (each.can or ()) for each in explored), explored)}")
        for verdict in ("missed", "false"):
            wrong = sum(d.kind == kind and d.verdict == verdict for each in explored for d in each.disagreements())
            lines.append(f"    {verdict}: {_share(wrong, explored)}")
            alike = [s.reason for s in explained if s.wanted.verdict == verdict and s.wanted.kind == kind]
            lines += [f"        {reason}: {n} of {len(alike)} shrunk" for reason, n in Counter(alike).most_common()]
    return "\n".join(lines)


def _share(count: int, of: Sequence[Comparison]) -> str:
    return f"{count} ({100 * count / len(of):.2f} %)"


def main() -> None:
    """Compare as many programs as are asked for, and show the disagreements by their least programs."""
    parser = argparse.ArgumentParser(prog="python -m tests.soundness", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="programs to be drawn")
    parser.add_argument(
        "--seed", type=int, default=0, help="the seed of the first; the next ones have the next numbers"
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--explain", type=int, default=100, help="disagreements that are shrunk and sorted by reason")
    parser.add_argument("--show", type=int, default=3, help="programs that are printed of each class of disagreement")
    parser.add_argument("--either", action="store_true", help="bind local names to one of two locks, too")
    given = parser.parse_args()
    found = compared(range(given.seed, given.seed + given.count), given.jobs, given.either)
    sys.stdout.write(summary(found, ()) + "\n")
    sys.stdout.flush()
    explained = _each(shrunk, [d for each in found for d in each.disagreements()][: given.explain], given.jobs)
    sys.stdout.write(f"\n{summary(found, explained)}\n")
    shown: Counter[tuple[str, str]] = Counter()
    for each in {e.source: e for e in explained}.values():
        key = (each.wanted.title, each.reason)
        shown[key] += 1
        if shown[key] <= given.show:
            sys.stdout.write(f"\n# seed {each.wanted.seed}: {each.wanted.title}, {each.reason}\n{each.source}")
