"""Damaged programs through the whole of lockcheck: `python -m tests.fuzz --count N --seed S`.

Each is read, linked, summarised, asked by all rules, shown, and for some fixes are offered and made: twice, by two
processes that put sets into another order and come by the inputs in another order. Nothing may raise, hang, point outside
of a file or come out otherwise the second time, and what compiled must compile when it is fixed. What fails is made
smaller and printed, with the seed and number that make it again: `--seed S --only NUMBER`. The exit status is 1 where
something failed.

`--sources FOLDER` takes the files of packages too.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.fuzz.inputs import Corpus, Files, corpus, made_input
from tests.fuzz.shrink import shrunk
from tests.fuzz.trial import Manner, Standing, Trial, complaints, trial
from tests.fuzz.watch import SHRINKING, watch

_BATCH = 64
_WINDOW = 8
"""Of so many batches the second process takes the last first."""


def main(arguments: Sequence[str]) -> int:
    """Try some inputs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="how many processes, of which two try the same inputs")
    parser.add_argument("--batch", type=int, default=_BATCH, help="how many inputs make one run")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one input, shown as it is")
    parser.add_argument("--sources", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so long")
    parser.add_argument(
        "--worker", type=int, nargs=4, metavar=("TURN", "BEGIN", "STEP", "DONE"), help=argparse.SUPPRESS
    )
    asked = parser.parse_args(arguments)
    if asked.worker is None and asked.only is None:
        return watch(arguments, asked)
    stock = corpus(asked.sources)
    if asked.only is not None:
        return _show(stock, asked.seed, asked.only)
    _work(stock, asked)
    return 0


def _work(stock: Corpus, asked: argparse.Namespace) -> None:
    turn, begin, step, done = asked.worker
    standing = Standing()
    for through, batch in enumerate(_order(-(-asked.count // asked.batch), turn)[begin::step][done:]):
        _tell(begin=batch)
        started = time.monotonic()
        numbers = range(batch * asked.batch, min(asked.count, (batch + 1) * asked.batch))
        inputs = {number: made_input(stock, asked.seed, number) for number in numbers}
        came = trial(tuple(inputs.values()), Manner.of(batch), standing)
        _tell(end=batch, inputs=len(inputs), sign=came.sign, seconds=time.monotonic() - started)
        for failure in failing(inputs, batch, came, tell=_tell):
            _tell(**failure)
        if through == 0:
            gc.collect()
            gc.freeze()  # the stock and the tables stay: no search for garbage need visit them again


def _order(count: int, turn: int) -> list[int]:
    """The batches, in another order in the second turn: what one leaves behind must not change what is said of another."""
    batches = list(range(count))
    if turn == 0:
        return batches
    return [batch for start in range(0, count, _WINDOW) for batch in reversed(batches[start : start + _WINDOW])]


def failing(
    inputs: dict[int, Files], batch: int, came: Trial, tell: Callable[..., None]
) -> Iterator[dict[str, object]]:
    """The inputs of a batch that fail, each by itself and made smaller, where something is wrong with them together."""
    if not came.complaints:
        return
    manner = Manner.of(batch)

    def wrong(*programs: Files) -> list[str]:
        return complaints(programs, manner)

    alone = {number: found for number, files in inputs.items() if (found := wrong(files))}
    for number, found in alone.items():
        tell(shrinking=number)
        small = shrunk(inputs[number], _alike(_key(found), wrong), SHRINKING)
        yield {"failed": number, "why": found, "files": _shown(small)}
    if not alone:
        together = ["together with the rest of its batch", *came.complaints]
        yield {"failed": next(iter(inputs)), "why": together, "files": {}}


def _alike(key: str, wrong: Callable[[Files], list[str]]) -> Callable[[Files], bool]:
    return lambda files: _key(wrong(files)) == key


def _key(found: Sequence[str]) -> str:
    """What is wrong, without what is particular to a text."""
    if not found:
        return ""
    lines = found[0].splitlines()
    telling = [
        lines[0],
        *(line for line in lines if line.startswith("  File ") or re.match(r"\w+(\.\w+)*(Error|Exception)", line)),
    ]
    first = " ".join([telling[0], *telling[1:][-2:]])
    return re.sub(
        r"fixed text.*|\d+|Span\(.*\)|'[^']*'|`[^`]*`", lambda m: "fixed" if m[0].startswith("fixed") else "", first
    )


def _show(stock: Corpus, seed: int, number: int) -> int:
    files = made_input(stock, seed, number)
    for name, content in files.items():
        sys.stdout.write(f"=== {name}\n{content.decode('utf-8', 'backslashreplace')}\n")
    sys.stdout.flush()
    found = complaints([files])
    sys.stdout.write("\n".join(found) + "\n")
    return 1 if found else 0


def _shown(files: Files) -> dict[str, str]:
    return {name: repr(content) for name, content in files.items()}


def _tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
