"""The table's measures of one corpus: all of them in each round, so that what slows the machine down slows all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.corpora import Unpacked, copy
from tests.benchmarks.figures import PARSE, RUFF, Corpus, MeasurementError, Victim
from tests.benchmarks.running import Ran, lockcheck, parsing, ruff
from tests.benchmarks.victims import changed, victims


def measure(corpus: Unpacked, rounds: int, tell: Callable[[str], None]) -> Corpus:
    """Measure a corpus so many times without looking at the memory, and once more with."""
    with tempfile.TemporaryDirectory(prefix="lockcheck-benchmark-") as place:
        tree = Path(place).resolve() / corpus.name.replace(" ", "-")
        copy(corpus.folder, tree)
        bench = _Bench(tree, victims(tree))
        taken: dict[str, list[float]] = {}
        for number in range(rounds):
            for key, ran in bench.round(watch=False):
                taken.setdefault(key, []).append(ran if isinstance(ran, float) else ran.seconds)
                tell(f"{corpus.name}, round {number + 1} of {rounds}: {key} {taken[key][-1]:.2f} s")
        watched = {key: ran for key, ran in bench.round(watch=True) if isinstance(ran, Ran) and key != RUFF}
        for key, ran in watched.items():
            tell(f"{corpus.name}, memory: {key} {ran.megabytes:.0f} MB")
        return Corpus(
            name=corpus.name,
            files=corpus.files,
            lines=corpus.lines,
            seconds={key: tuple(values) for key, values in taken.items()},
            megabytes={key: ran.megabytes for key, ran in watched.items()},
            victims=bench.victims,
            is_same=bench.is_same,
            complaints=watched["cold"].complaints,
        )


class _Bench:
    """A tree that is changed and put back, and a way through all measures.

    `is_same` tells whether all runs so far reported the same as those without a cache.
    """

    def __init__(self, tree: Path, chosen: tuple[Victim, ...]) -> None:
        self.victims = chosen
        self.is_same = True
        self._tree = tree
        self._files = {victim.role: tree / victim.file for victim in chosen}
        self._texts = {file: file.read_bytes() for file in self._files.values()}
        self._number = 0

    def round(self, *, watch: bool) -> Iterator[tuple[str, float | Ran]]:
        """Go through all measures with a new cache and the tree as it was released. Every run finds what the last one left and one change.

        Where the memory is looked at, time does not matter: there every report is compared with one without a cache.
        """
        for file, text in self._texts.items():
            file.write_bytes(text)
        if not watch:
            yield PARSE, parsing(self._tree)
            yield RUFF, ruff(self._tree)
        yield "cold", (cold := lockcheck([self._tree], None, watch=watch))
        with tempfile.TemporaryDirectory(prefix="lockcheck-benchmark-") as place:
            cache = Path(place)
            yield "filling", (filling := lockcheck([self._tree], cache, watch=watch))
            yield "unchanged", (unchanged := lockcheck([self._tree], cache, watch=watch))
            self._compare(cold, filling, unchanged)
            for role, file in self._files.items():
                self._change(file)
                yield role, (ran := lockcheck([self._tree], cache, watch=watch))
                self._check(ran, file)
                if watch:
                    self._compare(ran, lockcheck([self._tree], None))
            three = list(self._files.values())
            yield "hook", (ran := lockcheck(three, cache, watch=watch))
            if watch:
                self._compare(ran, lockcheck(three, None))
            for file in three:
                self._change(file)
            yield "hook-changed", (ran := lockcheck(three, cache, watch=watch))
            self._check(ran, *three)
            if watch:
                self._compare(ran, lockcheck(three, None))

    def _change(self, file: Path) -> None:
        self._number += 1
        file.write_bytes(changed(self._texts[file], self._number))

    def _compare(self, *runs: Ran) -> None:
        self.is_same = self.is_same and len({(ran.out, ran.complaints) for ran in runs}) == 1

    def _check(self, ran: Ran, *files: Path) -> None:
        """A fast run that has not seen the change does not count."""
        for file in files:
            last = file.read_bytes().count(b"\n")
            if f"{file}:{last}:" not in ran.out:
                raise MeasurementError(f"{file}: a function that sleeps under two locks was added, and is not reported")
