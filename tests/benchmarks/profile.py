"""Where the time of one run goes: `python -m tests.benchmarks.profile FOLDER [--json FILE]`.

Runs lockcheck on a folder with an empty cache in this process, and counts the processors' seconds of every stage: those of
this process and of all that it starts. A stage that another one calls is not counted twice. Then what no run can do
without, by the clock. Prints tables in Markdown; status 0, or 2 where something could not be measured.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import importlib
import io
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar, cast

from lockcheck.rules.registry import Rule
from tests.benchmarks.__main__ import machine
from tests.benchmarks.corpora import copy, unpacked
from tests.benchmarks.figures import Figures, MeasurementError, Profile, add
from tests.benchmarks.memory import family, processor_seconds
from tests.benchmarks.running import parsing, run
from tests.benchmarks.table import machine as on_what
from tests.benchmarks.table import profile as as_table

REST = "starting, and what lies between"
RULES = "rules"
LINKING, SUMMARISING = "linking", "summarising"
STAGES = {
    "reading the files": ("lockcheck.app.discovery", "read"),
    "extracting, in worker processes": ("lockcheck.app.extraction", "extract_units"),
    LINKING: ("lockcheck.analysis.link", "link"),
    SUMMARISING: ("lockcheck.analysis.summarise", "summarise"),
    "asking astroid": ("lockcheck.analysis.link.outside", "Outside.ask"),
    RULES: ("lockcheck.app.pipeline", "apply"),
    "triage": ("lockcheck.app.triage", "triage"),
    "fixes to be told of": ("lockcheck.app.fixing", "with_fixes"),
    "writing the report": ("lockcheck.ui.render", "render"),
    "writing the cache": ("lockcheck.app.cache", "Cache.save"),
}
"""The functions that are the stages, in the order of the table."""
_SHARED = {"lockcheck.analysis.link": LINKING, "lockcheck.analysis.summarise": SUMMARISING}
"""Stages that are mixed, since a program is linked where it is asked about: told apart by looking which code runs."""
_PAUSE = 0.005
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Clock:
    """Counts what stages take, each without the stages that it calls."""

    def __init__(self, spent: Callable[[], float]) -> None:
        """Begin with no stage."""
        self.taken: dict[str, float] = {}
        self._spent = spent
        self._within: list[str] = []
        self._since = spent()
        self.thread = 0
        """The thread that came into a stage last."""

    @property
    def current(self) -> str:
        """The stage that something happens for now, empty between stages."""
        return self._within[-1] if self._within else ""

    @contextlib.contextmanager
    def stage(self, name: str) -> Generator[None, None, None]:
        """Count what happens now for a stage."""
        self._turn()
        self._within.append(name)
        self.thread = threading.get_ident()
        try:
            yield
        finally:
            self._turn()
            self._within.pop()

    def timed(self, name: str, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Give a function that counts for a stage whenever it is called."""

        @functools.wraps(function)
        def counted(*arguments: _P.args, **named: _P.kwargs) -> _R:
            with self.stage(name):
                return function(*arguments, **named)

        return counted

    def _turn(self) -> None:
        now = self._spent()
        if self._within:
            name = self._within[-1]
            self.taken[name] = self.taken.get(name, 0.0) + now - self._since
        self._since = now


def spent() -> float:
    """Give the processors' seconds of this process, of those that it started and that run, and of those that ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(map(processor_seconds, family(os.getpid())[1:]))
    return time.process_time() + ended.ru_utime + ended.ru_stime + running


@contextlib.contextmanager
def looking(clock: Clock) -> Generator[dict[str, int], None, None]:
    """Look every few milliseconds which of the mixed stages the code belongs to that runs now, and count."""
    seen = dict.fromkeys(_SHARED.values(), 0)
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(_PAUSE):
            if clock.current in seen:
                stage = _stage(sys._current_frames().get(clock.thread))
                if stage is not None:
                    seen[stage] += 1

    thread = threading.Thread(target=look, name="looking")
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def divided(taken: Mapping[str, float], seen: Mapping[str, int]) -> dict[str, float]:
    """Divide the seconds of the mixed stages among them by how often each was seen."""
    together, times = sum(taken.get(name, 0.0) for name in seen), sum(seen.values())
    return {**taken, **{name: together * some / times for name, some in seen.items() if times}}


def _stage(frame: FrameType | None) -> str | None:
    """Give the mixed stage of the innermost function that belongs to one."""
    while frame is not None:
        module = f"{frame.f_globals.get('__name__')}."
        for prefix, stage in _SHARED.items():
            if module.startswith(f"{prefix}."):
                return stage
        frame = frame.f_back
    return None


def profiled(folder: Path) -> tuple[dict[str, float], dict[str, float], float]:
    """Run lockcheck once, and give the seconds of stages and of rules, and those of the clock."""
    from lockcheck.ui.cli import main as lockcheck

    clock = Clock(spent)
    begin, before = time.perf_counter(), spent()
    with (
        tempfile.TemporaryDirectory(prefix="lockcheck-profile-") as cache,
        _patched(clock),
        looking(clock) as seen,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        status = lockcheck(["check", "--isolated", "--cache-dir", cache, "--exit-zero", str(folder)])
        wall, total = time.perf_counter() - begin, spent() - before
    if "internal error" in err.getvalue() or status not in (0, 2):
        raise MeasurementError(f"{folder}: status {status}: {err.getvalue()[-500:]}")
    taken = divided(clock.taken, seen)
    rules = {name: seconds for name, seconds in taken.items() if name not in STAGES}
    stages = {name: taken.get(name, 0.0) for name in STAGES}
    stages[RULES] += sum(rules.values())
    stages[REST] = total - sum(stages.values())
    return stages, rules, wall


def floor(folder: Path) -> dict[str, float]:
    """Measure what no run can do without, each three times: the fastest counts."""
    python = [sys.executable, "-c"]
    modules = "import lockcheck.ui.cli, lockcheck.ui.arguments, lockcheck.app.replay, lockcheck.app.cache"
    return {
        "starting Python": min(run([*python, "pass"]).seconds for _ in range(3)),
        "the same, importing what a run with nothing to do needs": min(
            run([*python, modules]).seconds for _ in range(3)
        ),
        "walking the folder and asking for the state of every file": min(_walked(folder) for _ in range(3)),
        "reading every file": min(_taken(folder) for _ in range(3)),
        "`ast.parse` of every file in one process": min(parsing(folder) for _ in range(3)),
    }


@contextlib.contextmanager
def _patched(clock: Clock) -> Generator[None, None, None]:
    """Put counting functions in the place of the stages, wherever a module has them by name."""
    for name in ("lockcheck.app.pipeline", "lockcheck.app.replay"):
        importlib.import_module(name)
    undo: list[tuple[object, str, object]] = []
    for stage, (module, path) in STAGES.items():
        original = cast("Callable[..., object]", _found(module, path))
        counted = clock.timed(stage, _asking(clock, original) if stage == RULES else original)
        attribute = path.rpartition(".")[2]
        modules = [one for key, one in sorted(sys.modules.items()) if key.partition(".")[0] == "lockcheck"]
        owners: list[object] = [_found(module, path.rpartition(".")[0])] if "." in path else [*modules]
        for owner in owners:
            if vars(owner).get(attribute) is original:
                undo.append((owner, attribute, original))
                setattr(owner, attribute, counted)
    try:
        yield
    finally:
        for owner, attribute, before in undo:
            setattr(owner, attribute, before)


def _asking(clock: Clock, apply: Callable[..., object]) -> Callable[..., object]:
    """Count every rule for itself, under its code."""

    def timed(rule: Rule) -> Rule:
        check = rule.check
        if check is None:
            return rule
        # A rule gives its findings one by one: what it takes is the time until it has no more.
        return dataclasses.replace(rule, check=clock.timed(rule.code, lambda analysis: iter(list(check(analysis)))))

    def counted(rules: Sequence[Rule], *rest: object, **named: object) -> object:
        return apply([timed(rule) for rule in rules], *rest, **named)

    return counted


def _found(module: str, path: str) -> object:
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is None:
        raise MeasurementError(f"{module} has no {path}: the profile has to learn what this stage is now")
    return found


def _walked(folder: Path) -> float:
    begin = time.perf_counter()
    for file in _files(str(folder)):
        os.stat(file)  # noqa: PTH116 - the least that it can take
    return time.perf_counter() - begin


def _taken(folder: Path) -> float:
    files = list(_files(str(folder)))
    begin = time.perf_counter()
    for file in files:
        Path(file).read_bytes()
    return time.perf_counter() - begin


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.endswith((".py", ".pyi")):
                yield entry.path


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.profile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there, beside those it has already")
    parser.add_argument("--trial", action="store_true", help="mark the figures as not meant to be shown")
    arguments = parser.parse_args(words)
    try:
        found = measure(arguments.folder.resolve())
        figures = Figures(machine(), profile=found, is_trial=arguments.trial)
        if arguments.json is not None:
            add(arguments.json, figures)
    except MeasurementError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join([on_what(figures.machine), "", *as_table(found), ""]))
    return 0


def measure(folder: Path) -> Profile:
    """Profile a run on a copy of a folder, and measure the floor under it."""
    corpus = unpacked(folder.name.replace("-", " "), folder)
    with tempfile.TemporaryDirectory(prefix="lockcheck-profile-") as place:
        tree = Path(place).resolve() / folder.name
        copy(folder, tree)
        stages, rules, wall = profiled(tree)
        return Profile(corpus.name, corpus.lines, wall, stages, rules, floor(tree))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
