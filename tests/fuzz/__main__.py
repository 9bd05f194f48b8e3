"""Damaged programs through the whole of lockcheck: `python -m tests.fuzz --count N --seed S`.

Each is read, linked, summarised, asked by all rules, shown and offered fixes, twice; for some, all fixes are made. Nothing
may raise, hang, point outside of a file or come out otherwise the second time, and what compiled must compile when it is
fixed. What fails is made smaller and printed, with the seed and number that make it again: `--seed S --only NUMBER`. The exit
status is 1 where something failed.

`--sources FOLDER` takes the files of packages too.
"""

from __future__ import annotations

import argparse
import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from tests.fuzz.inputs import Corpus, Files, corpus, made_input
from tests.fuzz.shrink import shrunk
from tests.fuzz.trial import complaints

_BATCH = 8
_LIMIT = 60.0
"""Seconds in which a batch must be done: each takes about a tenth of one."""
_SHRINKING = 40.0
_MENDED = 8
"""Of so many batches the fixes of one are made."""


def main(arguments: Sequence[str]) -> int:
    """Try some inputs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one input, shown as it is")
    parser.add_argument("--sources", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so long")
    parser.add_argument("--worker", type=int, nargs=2, metavar=("BEGIN", "STEP"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.worker is None and asked.only is None:
        return _watch(arguments, asked)
    stock = corpus(asked.sources)
    if asked.only is not None:
        return _show(stock, asked.seed, asked.only)
    for batch in range(asked.worker[0], -(-asked.count // _BATCH), asked.worker[1]):
        _tell(begin=batch)
        numbers = range(batch * _BATCH, min(asked.count, (batch + 1) * _BATCH))
        for failure in failures(stock, asked.seed, numbers):
            _tell(**failure)
        _tell(end=batch, inputs=len(numbers))
    return 0


def failures(stock: Corpus, seed: int, numbers: Sequence[int]) -> Iterator[dict[str, object]]:
    """Try some inputs together, and one by one where something is wrong."""
    batch = numbers[0] // _BATCH
    mend = batch % _MENDED == 0
    inputs = {number: made_input(stock, seed, number) for number in numbers}

    def wrong(*programs: Files) -> list[str]:
        return complaints(programs, mend=mend, form=batch)

    if not (together := wrong(*inputs.values())):
        return
    alone = {number: found for number, files in inputs.items() if (found := wrong(files))}
    for number, found in alone.items():
        yield {"shrinking": number}
        small = shrunk(inputs[number], _alike(_key(found), wrong), _SHRINKING)
        yield {"failed": number, "why": found, "files": _shown(small)}
    if not alone:
        yield {"failed": numbers[0], "why": ["together with the rest of its batch", *together], "files": {}}


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
    found = complaints([files], mend=True)
    sys.stdout.write("\n".join(found) + "\n")
    return 1 if found else 0


def _shown(files: Files) -> dict[str, str]:
    return {name: repr(content) for name, content in files.items()}


def _tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class _Tally:
    """What all workers came to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inputs = 0
        self.failed = 0

    def add(self, inputs: int) -> None:
        with self._lock:
            self.inputs += inputs

    def fail(self, text: str) -> None:
        with self._lock:
            self.failed += 1
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def _watch(arguments: Sequence[str], asked: argparse.Namespace) -> int:
    """Start the workers, and replace one that hangs or dies."""
    tally = _Tally()
    begin = time.monotonic()
    watchers = [
        threading.Thread(target=_one_worker, args=(arguments, asked, at, tally, begin)) for at in range(asked.jobs)
    ]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    seconds = time.monotonic() - begin
    sys.stdout.write(f"{tally.inputs} inputs, seed {asked.seed}, {tally.failed} failed, {seconds:.0f} s\n")
    return 1 if tally.failed else 0


def _one_worker(arguments: Sequence[str], asked: argparse.Namespace, at: int, tally: _Tally, begin: float) -> None:
    batch: int | None = at
    while batch is not None and time.monotonic() - begin < asked.seconds:
        batch = _until_it_stops(arguments, asked, batch, tally, begin)


def _until_it_stops(
    arguments: Sequence[str], asked: argparse.Namespace, batch: int, tally: _Tally, begin: float
) -> int | None:
    """Run a worker from a batch on; give the batch from which another is to go on, None if all is done."""
    command = [sys.executable, "-m", "tests.fuzz", *arguments, "--worker", str(batch), str(asked.jobs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: queue.Queue[str] = queue.Queue()
    errors: list[str] = []
    readers = [_reader(process.stdout, lines.put), _reader(process.stderr, errors.append)]
    current, jobs = batch, int(asked.jobs)
    limit = _LIMIT
    try:
        while True:
            try:
                line = lines.get(timeout=limit)
            except queue.Empty:
                tally.fail(f"HANGS: an input of {_numbers(current, asked)}, seed {asked.seed}")
                return current + jobs
            if not line:
                process.wait()
                if process.returncode == 0:
                    return None
                tally.fail(
                    f"DIED ({process.returncode}): an input of {_numbers(current, asked)}: {''.join(errors)[-2000:]}"
                )
                return current + jobs
            told = json.loads(line)
            limit = _LIMIT
            if "begin" in told:
                current = told["begin"]
                if time.monotonic() - begin > asked.seconds:
                    return None
            elif "end" in told:
                tally.add(told["inputs"])
            elif "shrinking" in told:
                limit = _LIMIT + 3 * _SHRINKING
            else:
                tally.fail(
                    f"FAILED: seed {asked.seed}, number {told['failed']}\n"
                    + "\n".join([*told["why"], str(told["files"])])
                )
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()


def _numbers(batch: int, asked: argparse.Namespace) -> str:
    return f"{batch * _BATCH} to {min(asked.count, (batch + 1) * _BATCH) - 1}"


def _reader(stream: IO[str] | None, take: Callable[[str], object]) -> threading.Thread:
    def read() -> None:
        for line in stream or ():
            take(line)
        take("")

    thread = threading.Thread(target=read)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
