"""What slower tools take for a smaller corpus, each with its rules about locks and awaits, pylint also with its defaults."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

import lockcheck as ours
from tests.benchmarks.corpora import Unpacked, copy
from tests.benchmarks.figures import MeasurementError, Others, Tool
from tests.benchmarks.running import parsing
from tests.comparison import tools
from tests.comparison.tools import OURS, TOOLS, ToolError, ask, version
from tests.realbugs import measure as realbugs

_SHORT = 20.0
"""What takes fewer seconds is run three times; the fastest counts."""


def measure(corpus: Unpacked, programs: Path, tell: Callable[[str], None]) -> Others:
    """Run every tool that is installed in a folder of programs, without caches and with one process of its own."""
    with tempfile.TemporaryDirectory(prefix="lockcheck-others-") as place:
        tree = Path(place).resolve() / corpus.name.replace(" ", "-")
        copy(corpus.folder, tree)
        parse = min(parsing(tree) for _ in range(3))
        found = []
        for tool in _tools(tree, programs):
            tell(f"{corpus.name}: {tool.name} {tool.seconds:.1f} s")
            found.append(tool)
    return Others(corpus.name, corpus.files, corpus.lines, parse, tuple(found))


def asked() -> tuple[tools.Tool, ...]:
    """Give the tools of the comparison, and pylint once more with the rules that it has on by default."""
    found: list[tools.Tool] = []
    for tool in TOOLS:
        if tool.form is tools.Form.PYLINT:
            words = tuple(word for word in tool.words if not word.startswith(("--disable=", "--enable=")))
            found.append(tools.Tool("pylint, its defaults", words, tool.form))
            found.append(tools.Tool("pylint, its rules of this matter", tool.words, tool.form))
        else:
            found.append(tool)
    return tuple(found)


def _tools(tree: Path, programs: Path) -> Iterator[Tool]:
    yield _fastest(OURS, ours.__version__, functools.partial(_ours, tree))
    for tool in asked():
        package = msgspec.structs.replace(tool, name=tool.name.partition(",")[0])
        yield _fastest(tool.name, version(package, programs), functools.partial(_answer, tool, programs, tree))


def _fastest(name: str, release: str, once: Callable[[], tuple[float, int]]) -> Tool:
    seconds, reports = once()
    if seconds < _SHORT:
        seconds = min(seconds, *(once()[0] for _ in range(2)))
    return Tool(name, release, seconds, reports)


def _answer(tool: tools.Tool, programs: Path, tree: Path) -> tuple[float, int]:
    try:
        answer = ask(tool, programs.absolute(), tree, [tree])
    except ToolError as error:
        raise MeasurementError(str(error)) from None
    return answer.seconds, len(answer.reports)


def _ours(tree: Path) -> tuple[float, int]:
    found = realbugs.measure(tree, ())
    return found.seconds, len(found.reports)
