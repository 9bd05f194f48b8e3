"""How much memory processes take together, on Linux: pages that several share are divided between them (PSS)."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
_PAUSE = 0.1
_SHARE = 10
"""Looking takes at most one part in so many of the time."""


class Watch:
    """Looks at a process and all that it starts, several times a second, until it is told to stop."""

    def __init__(self, process: int) -> None:
        """Begin to look."""
        self.peak = 0.0
        """Megabytes."""
        self._process = process
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory")
        self._thread.start()

    def stop(self) -> float:
        """Look no more, and give the peak."""
        self._is_over.set()
        self._thread.join()
        return self.peak

    def _look(self) -> None:
        pause = 0.0
        while not self._is_over.wait(pause):
            begin = time.perf_counter()
            self.peak = max(self.peak, sum(map(megabytes, family(self._process))))
            pause = max(_PAUSE, _SHARE * (time.perf_counter() - begin))


def family(process: int, proc: Path = PROC) -> list[int]:
    """Give a process and its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir(proc):  # noqa: PTH208 - many times a second
        if name.isdecimal():
            parent = _fields(int(name), proc)[1:2]
            if parent:
                children[int(parent[0])].append(int(name))
    found = [process]
    for one in found:
        found += children[one]
    return found


def megabytes(process: int, proc: Path = PROC) -> float:
    """Give the proportional set size of a process; none where it has ended meanwhile."""
    try:
        text = (proc / str(process) / "smaps_rollup").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


def processor_seconds(process: int, proc: Path = PROC) -> float:
    """Give the processors' seconds that a process has used, its own alone."""
    fields = _fields(process, proc)
    return sum(map(int, fields[11:13])) / ticks()


def ticks() -> int:
    """Give how many parts of a second the system counts in."""
    return os.sysconf("SC_CLK_TCK")


def _fields(process: int, proc: Path) -> list[str]:
    """Give what the system tells of a process behind its name, which may hold anything: the state comes first."""
    try:
        text = (proc / str(process) / "stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
