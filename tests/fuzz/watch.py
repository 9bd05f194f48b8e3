"""The processes that try inputs: started, watched, replaced where one hangs or dies, and compared with each other."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

SHRINKING = 40.0
"""Seconds in which an input that fails is made smaller."""
_LIMIT = 180.0
"""Seconds in which a batch must be done: each takes about one where nothing else runs."""
_TURNS = 2
_HOME = Path(__file__).parents[2]


class Tally:
    """What all workers came to."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._lock = threading.Lock()
        self._asked = asked
        self._signs: dict[int, str] = {}
        self.inputs = 0
        self.failed = 0
        self.slowest = 0.0

    def add(self, batch: int, inputs: int, sign: str, seconds: float) -> None:
        """Count a batch that was done; the second time it must have come out as it did the first time."""
        with self._lock:
            self.slowest = max(self.slowest, seconds)
            other = self._signs.setdefault(batch, sign) if batch not in self._signs else self._signs.pop(batch)
            if batch in self._signs:
                return
            self.inputs += inputs
        if other != sign:
            self.fail(f"DIFFERS between two runs: an input of {_numbers(batch, self._asked)}, seed {self._asked.seed}")

    def fail(self, text: str) -> None:
        """Count a failure, and say it."""
        with self._lock:
            self.failed += 1
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def watch(arguments: Sequence[str], asked: argparse.Namespace) -> int:
    """Have each batch tried twice, by two processes."""
    tally = Tally(asked)
    begin = time.monotonic()
    pairs = max(1, asked.jobs // _TURNS)
    watchers = [
        threading.Thread(target=_one_worker, args=(arguments, asked, turn, (at, pairs), tally, begin))
        for turn in range(_TURNS)
        for at in range(pairs)
    ]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    seconds = time.monotonic() - begin
    sys.stdout.write(
        f"{tally.inputs} inputs, each tried twice, seed {asked.seed}: {tally.failed} failed; {seconds:.0f} s, "
        f"of which the slowest {asked.batch} inputs took {tally.slowest:.0f}\n"
    )
    return 1 if tally.failed else 0


def _one_worker(
    arguments: Sequence[str],
    asked: argparse.Namespace,
    turn: int,
    share: tuple[int, int],
    tally: Tally,
    begin: float,
) -> None:
    done = 0
    while True:
        command = [sys.executable, "-m", "tests.fuzz", *arguments]
        command += ["--worker", str(turn), str(share[0]), str(share[1]), str(done)]
        worked = _until_it_stops(command, asked, turn, tally, begin)
        if worked is None:
            return
        done += worked


def _until_it_stops(
    command: Sequence[str], asked: argparse.Namespace, turn: int, tally: Tally, begin: float
) -> int | None:
    """Watch a worker; give how many batches it is through with where another is to go on, None if all is done."""
    path = os.pathsep.join([str(_HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONHASHSEED": str(turn + 1), "PYTHONPATH": path}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    lines: queue.Queue[str] = queue.Queue()
    errors: list[str] = []
    readers = [_reader(process.stdout, lines.put), _reader(process.stderr, errors.append)]
    current, through, limit = 0, 0, _LIMIT
    try:
        while True:
            try:
                line = lines.get(timeout=limit)
            except queue.Empty:
                tally.fail(f"HANGS: an input of {_numbers(current, asked)}, seed {asked.seed}")
                return through
            if not line:
                process.wait()
                if process.returncode == 0:
                    return None
                said = "".join(errors)[-2000:]
                tally.fail(f"DIED ({process.returncode}): an input of {_numbers(current, asked)}: {said}")
                return through or None
            told = json.loads(line)
            limit = _LIMIT
            if "begin" in told:
                current, through = told["begin"], through + 1
                if time.monotonic() - begin > asked.seconds:
                    return None
            elif "end" in told:
                tally.add(current, told["inputs"], told["sign"], told["seconds"])
            elif "shrinking" in told:
                limit = _LIMIT + 3 * SHRINKING
            else:
                why = "\n".join([*told["why"], str(told["files"])])
                tally.fail(f"FAILED: seed {asked.seed}, number {told['failed']}\n{why}")
    finally:
        process.kill()
        process.wait()
        for reader, pipe in zip(readers, (process.stdout, process.stderr), strict=True):
            reader.join()
            if pipe is not None:
                pipe.close()


def _numbers(batch: int, asked: argparse.Namespace) -> str:
    return f"{batch * asked.batch} to {min(asked.count, (batch + 1) * asked.batch) - 1}"


def _reader(stream: IO[str] | None, take: Callable[[str], object]) -> threading.Thread:
    def read() -> None:
        for line in stream or ():
            take(line)
        take("")

    thread = threading.Thread(target=read)
    thread.start()
    return thread
