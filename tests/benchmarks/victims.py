"""Which files are changed, and how: chosen by a rule, from who imports whom, so that nobody picks what is fast."""

from __future__ import annotations

import ast
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.corpora import sources
from tests.benchmarks.figures import MeasurementError, Victim

ROLES = ("leaf", "middling", "central")

_ADDED = """

import threading as _threading_of_the_benchmark
import time as _time_of_the_benchmark

_outer_lock_of_the_benchmark = _threading_of_the_benchmark.Lock()
_inner_lock_of_the_benchmark = _threading_of_the_benchmark.Lock()


def _two_locks_of_the_benchmark():
    with _outer_lock_of_the_benchmark:
        with _inner_lock_of_the_benchmark:
            _time_of_the_benchmark.sleep({number})
"""


def victims(folder: Path) -> tuple[Victim, ...]:
    """Choose the files to be changed of all Python files in a folder."""
    return choose(importers(folder))


def choose(counts: Mapping[str, int]) -> tuple[Victim, ...]:
    """Choose three files by how many others import each.

    The leaf is the middle one, by path, of those that nobody imports and that are no `__init__.py`; the central one is imported by the most; the
    middling one is imported by as many as the geometric mean of one and that. Ties go to the first by path.
    """
    leaves = sorted(file for file, count in counts.items() if count == 0 and Path(file).name != "__init__.py")
    imported = sorted(file for file, count in counts.items() if count > 0)
    central = max(imported, key=lambda file: counts[file], default=None)
    between = [file for file in imported if file != central]
    if not leaves or central is None or not between:
        raise MeasurementError("too few files import one another for a leaf, a middling and a central one")
    middle = math.sqrt(counts[central])
    middling = min(between, key=lambda file: abs(math.log(counts[file] / middle)))
    files = (leaves[len(leaves) // 2], middling, central)
    return tuple(Victim(role, file, counts[file]) for role, file in zip(ROLES, files, strict=True))


def importers(folder: Path) -> dict[str, int]:
    """Count for every file of a folder, by its path in it, the other files with an import that names it."""
    names = {module(path.relative_to(folder)): path.relative_to(folder).as_posix() for path in sources(folder)}
    counts: Counter[str] = Counter()
    for name, file in names.items():
        found = {names[one] for one in _imported(folder / file, name, file.endswith("__init__.py")) if one in names}
        counts.update(found - {file})
    return {file: counts[file] for file in names.values()}


def module(path: Path) -> str:
    """Give the dotted name of a file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def changed(text: bytes, number: int) -> bytes:
    """Add a function that nests two locks and sleeps for so many seconds, which lockcheck reports in the last row."""
    return text + _ADDED.format(number=number).encode("ascii")


def _imported(path: Path, name: str, is_package: bool) -> Iterator[str]:
    """Give the modules that a file's imports may name; of `from a import b` both `a` and `a.b`, whichever there is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            return
    parts = name.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = node.level - 1 if is_package else node.level
            base = parts[: len(parts) - up] if node.level else []
            source = ".".join([*base, *((node.module,) if node.module else ())])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
