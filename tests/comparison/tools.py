"""The other tools: which of their rules concern locks, awaits, blocking or tasks, how they are run and what they print."""

from __future__ import annotations

import enum
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.realbugs.measure import Place, Report

_LIMIT = 900
_USAGE = 32
"""The bit of pylint's status that is an error of its own; the others say what kinds of message there are."""
_LINE = re.compile(r"(?P<file>.+?):(?P<row>\d+):\d+: (?P<code>[A-Z]+\d+T?)\b")


class ToolError(Exception):
    """A tool is not there or gave no answer; the message names it."""


class Form(enum.Enum):
    """How a tool prints what it found."""

    RUFF = "ruff"
    LINES = "lines"
    PYLINT = "pylint"
    CODEHOUND = "codehound"
    THREAD_SAFETY = "thread-safety"


class Tool(msgspec.Struct, frozen=True):
    """A tool with all those of its rules that concern the matter, also those that are off without configuration.

    `whole` tools look at several files together; the others at one file at a time, whatever else they are given.
    `words` may hold `{out}`, the file that the answer is written to.
    """

    name: str
    words: tuple[str, ...]
    form: Form
    whole: bool = False
    optional: str = ""
    """The pattern of rules that are counted apart: a second column shows the tool with them, the first one without."""


TOOLS = (
    Tool(
        "ruff",
        (
            *("ruff", "check", "--isolated", "--no-cache", "--preview", "--output-format", "json", "--select"),
            "ASYNC,RUF006,PLW2101,PLW1509,PLE1142,PLE1700,S113",
        ),
        Form.RUFF,
    ),
    # ASYNC9xx, off unless asked for, want a checkpoint on every path: many reports, most of them of another matter.
    Tool(
        "flake8-async",
        ("flake8", "--isolated", "--jobs", "1", "--select", "ASYNC"),
        Form.LINES,
        optional="ASYNC(9|106)",
    ),
    Tool(
        "pylint",
        (
            *("pylint", "--rcfile=/dev/null", "--persistent=n", "--recursive=y", "--output-format=json2"),
            *("--disable=all", "--enable=W2101,R1732,E1142,E1145,E1700,E1701,W1506,W1509,W3101"),
        ),
        Form.PYLINT,
    ),
    Tool(
        "thread-safety",
        (
            *("thread-safety", "analyze", "--experimental", "--language", "python"),
            *("--output", "json", "--file", "{out}"),
            # Not TS001 to TS013, TS033, TS035: data races.
            *(word for number in (20, 21, 22, 23, 30, 31, 32, 34, 36) for word in ("--rule", f"TS0{number}")),
        ),
        Form.THREAD_SAFETY,
    ),
    Tool(
        "codehound",
        (
            *("codehound", "scan", "--include-tests", "--format", "json", "--select"),
            "CH001,CH006,CH007,CH008,CH009,CH012,CH013,CH014,CH018,CH027,CH028,CH031,CH039,CH064,CH086,CH093",
        ),
        Form.CODEHOUND,
    ),
    Tool(
        "ty-async",
        ("ty-async", "--async200-stdlib", "--async200-transitive", "--async201"),
        Form.LINES,
        whole=True,
    ),
)

OURS = "lockcheck"
NAMES = (
    OURS,
    *(name for tool in TOOLS for name in ((tool.name, f"{tool.name} (all)") if tool.optional else (tool.name,))),
)


class Answer(msgspec.Struct, frozen=True):
    """What a tool reported, and how long it took."""

    reports: tuple[Report, ...]
    seconds: float


def ask(tool: Tool, programs: Path, root: Path, paths: Sequence[Path]) -> Answer:
    """Run a tool that is installed in a folder of programs on paths below `root`, away from any configuration."""
    with tempfile.TemporaryDirectory() as empty:
        out = Path(empty, "answer")
        words = [word.replace("{out}", str(out)) for word in tool.words]
        begin = time.perf_counter()
        try:
            run = subprocess.run(
                [programs / words[0], *words[1:], *paths], cwd=empty, capture_output=True, text=True, timeout=_LIMIT
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"{tool.name}: {error}") from None
        seconds = time.perf_counter() - begin
        text = out.read_text("utf-8") if out.is_file() else run.stdout
    failed = run.returncode & _USAGE if tool.form is Form.PYLINT else run.returncode not in (0, 1)
    if failed or not (text or tool.form is Form.LINES):
        raise ToolError(f"{tool.name}: status {run.returncode}: {run.stderr[-500:]}")
    return Answer(tuple(parse(tool, text, root)), seconds)


def columns(tool: Tool, reports: Sequence[Report]) -> dict[str, tuple[Report, ...]]:
    """Give the reports of a tool for each of its columns."""
    if not tool.optional:
        return {tool.name: tuple(reports)}
    fewer = tuple(report for report in reports if not re.match(tool.optional, report.code))
    return {tool.name: fewer, f"{tool.name} (all)": tuple(reports)}


def version(tool: Tool, programs: Path) -> str:
    """Ask the installation which release of the tool it holds."""
    code = f"import importlib.metadata as m; print(m.version({tool.name!r}))"
    run = subprocess.run([programs / "python", "-c", code], capture_output=True, text=True)
    return run.stdout.strip() or "?"


class _Row(msgspec.Struct, frozen=True):
    row: int


class _Ruff(msgspec.Struct, frozen=True):
    code: str | None
    filename: str
    location: _Row


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    message_id: str
    absolute_path: str
    line: int


class _Pylint(msgspec.Struct, frozen=True):
    messages: tuple[_Message, ...]


class _Codehound(msgspec.Struct, frozen=True):
    code: str
    path: str
    line: int


class _Spot(msgspec.Struct, frozen=True):
    file: str
    line: int


class _Finding(msgspec.Struct, frozen=True):
    rule_id: str
    location: _Spot
    related_locations: tuple[_Spot, ...] = ()


class _ThreadSafety(msgspec.Struct, frozen=True):
    findings: tuple[_Finding, ...]


def parse(tool: Tool, text: str, root: Path) -> Iterable[Report]:
    """Read what a tool printed. What has no code (a file that it cannot read) is no report."""
    try:
        yield from _parse(tool.form, text, root)
    except msgspec.DecodeError as error:
        raise ToolError(f"{tool.name}: {error}: {text[:200]}") from None


def _parse(form: Form, text: str, root: Path) -> Iterable[Report]:
    match form:
        case Form.RUFF:
            found = msgspec.json.decode(text, type=tuple[_Ruff, ...])
            return [Report(one.code, _place(one.filename, one.location.row, root)) for one in found if one.code]
        case Form.LINES:
            lines = [hit for line in text.splitlines() if (hit := _LINE.match(line)) is not None]
            return [Report(hit["code"], _place(hit["file"], int(hit["row"]), root)) for hit in lines]
        case Form.PYLINT:
            messages = msgspec.json.decode(text, type=_Pylint).messages
            # Files that it cannot parse it reports whatever is enabled; that is not asked here.
            wanted = [one for one in messages if one.message_id not in ("E0001", "F0001", "F0002")]
            return [Report(one.message_id, _place(one.absolute_path, one.line, root)) for one in wanted]
        case Form.CODEHOUND:
            issues = msgspec.json.decode(text, type=tuple[_Codehound, ...])
            return [Report(one.code, _place(one.path, one.line, root)) for one in issues]
        case Form.THREAD_SAFETY:
            findings = msgspec.json.decode(text, type=_ThreadSafety).findings
            return [
                Report(
                    one.rule_id,
                    _place(one.location.file, one.location.line, root),
                    tuple(_place(spot.file, spot.line, root) for spot in one.related_locations),
                )
                for one in findings
            ]


def _place(file: str, row: int, root: Path) -> Place:
    path = Path(file)
    for folder in (root, root.resolve()):
        if path.is_relative_to(folder):
            return Place(path.relative_to(folder).as_posix(), row)
    return Place(path.as_posix(), row)
