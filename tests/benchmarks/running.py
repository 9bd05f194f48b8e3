"""Starting what is measured: a command's seconds, its peak memory, and what it said."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.figures import MeasurementError
from tests.benchmarks.memory import Watch
from tests.benchmarks.parsing import Parsing
from tests.cases import TESTDATA

_CHECKOUT = TESTDATA.parent
_LIMIT = 7200
_FOUND, _FAILED = 1, 2


class Ran(msgspec.Struct, frozen=True):
    """What a run took and said; no megabytes where nobody looked."""

    seconds: float
    megabytes: float
    out: str
    complaints: tuple[str, ...] = ()


def lockcheck(paths: Sequence[Path], cache: Path | None, *, watch: bool = False) -> Ran:
    """Run lockcheck of this checkout as its users do, with no configuration and with the given cache or none."""
    words = [sys.executable, "-m", "lockcheck", "check", "--isolated"]
    words += ["--cache-dir", str(cache)] if cache is not None else ["--no-cache"]
    return run([*words, *map(str, paths)], watch=watch)


def ruff(folder: Path) -> Ran:
    """Run ruff's rules about awaits, cold."""
    return run([sys.executable, "-m", "ruff", "check", "--isolated", "--select", "ASYNC", "--no-cache", str(folder)])


def parsing(folder: Path) -> float:
    """Give the seconds of `ast.parse` over a folder."""
    ran = run([sys.executable, "-m", "tests.benchmarks.parsing", str(folder)])
    return msgspec.json.decode(ran.out, type=Parsing).seconds


def run(words: Sequence[str], *, watch: bool = False) -> Ran:
    """Run a command that ends with 0, 1 (it found something) or 2 (and then says what it could not do)."""
    # Python keeps what it has compiled, as where lockcheck is installed.
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPATH"] = str(_CHECKOUT)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        # Not started in the folder that is measured, from which Python would then import what it is asked for.
        process = subprocess.Popen(
            words, cwd=_CHECKOUT, env=surroundings, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        looking = Watch(process.pid) if watch else None
        limit = threading.Timer(_LIMIT, process.kill)  # waiting with a limit would only look every now and then
        limit.start()
        try:
            status = process.wait()
            seconds = time.perf_counter() - begin
        finally:
            limit.cancel()
            peak = looking.stop() if looking is not None else 0.0
        out.seek(0)
        err.seek(0)
        said, complaint = out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")
    refused = status == _FAILED and ("lockcheck" not in words or "internal error" in complaint)
    if refused or status not in (0, _FOUND, _FAILED):
        raise MeasurementError(f"{' '.join(words)}: status {status}: {complaint[-500:]}")
    return Ran(seconds, peak, said, tuple(complaint.splitlines()) if status == _FAILED else ())
