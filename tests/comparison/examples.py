"""What every tool says of the programs in the documentation of the rules."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from lockcheck.app.pipeline import check
from lockcheck.app.run import Options
from lockcheck.rules.document import Example
from lockcheck.rules.registry import all_rules
from tests.cases import project, rule_documents, write
from tests.comparison.counting import Sight, marked
from tests.comparison.table import head, row
from tests.comparison.tools import NAMES, OURS, TOOLS, Tool, ask, columns
from tests.realbugs.measure import Place, Report

Reports: TypeAlias = Mapping[Path, Sequence[Report]]
"""By program's folder: what a tool reports of it, paths relative to the folder."""


class _Program(msgspec.Struct, frozen=True):
    """An example as it was written: the rule that it is about, and its folder."""

    rule: str
    folder: Path
    example: Example


def about_examples(programs: Path) -> Iterator[str]:
    """Draw a row for each rule.

    Of the marked rows, how many have a report in the row and (in brackets) in the row or the function around it; of
    the Good programs, how many have any report. Below: how often each code counted.
    """
    with tempfile.TemporaryDirectory() as place:
        written = list(_written(Path(place).resolve()))
        answers: dict[str, Reports] = {OURS: {one.folder: _checked(one) for one in written}}
        for tool in TOOLS:
            found = _answers(tool, programs, Path(place).resolve(), written)
            by_folder = {folder: columns(tool, reports) for folder, reports in found.items()}
            answers |= {name: {folder: said[name] for folder, said in by_folder.items()} for name in columns(tool, ())}
        rules = sorted({one.rule for one in written})
        codes: Counter[tuple[str, str, str]] = Counter()
        yield from head("rule", "marked", *NAMES, "Good", *NAMES)
        for rule in rules:
            yield _row(rule, [one for one in written if one.rule == rule], answers, codes)
        yield _row("all", written, answers, Counter())
        yield ""
        yield from head("tool", "where", "code", "times")
        yield from (row(*key, times) for key, times in sorted(codes.items()))


def _written(root: Path) -> Iterator[_Program]:
    for code, document in rule_documents():
        for example in document.examples:
            # LCK9xx are about files and comments of lockcheck's own.
            if example.kind != "fixed" and not code.startswith("LCK9"):
                folder = root / f"{code}_{example.row}"
                write(example, folder)
                yield _Program(code, folder, example)


def _checked(program: _Program) -> list[Report]:
    """Check with the default rules and the one that the program is about."""
    select = {rule.code for rule in all_rules() if rule.default} | {program.rule}
    findings = check(project(program.folder, tuple(sorted(select))), Options()).report.findings
    return [Report(one.code, Place(_within(program.folder, one.place.path), one.place.span.row)) for one in findings]


def _answers(tool: Tool, programs: Path, root: Path, written: Sequence[_Program]) -> Reports:
    """Ask about all files at once, or about each program where the tool looks at files together."""
    if tool.whole:
        return {one.folder: ask(tool, programs, one.folder, [one.folder]).reports for one in written}
    paths = [one.folder / file.name for one in written for file in one.example.files if file.name.endswith(".py")]
    found: dict[Path, list[Report]] = {one.folder: [] for one in written}
    for report in ask(tool, programs, root, paths).reports:
        folder, _, file = report.at.file.partition("/")
        found[root / folder].append(Report(report.code, Place(file, report.at.row)))
    return found


def _row(
    rule: str, written: Sequence[_Program], answers: Mapping[str, Reports], codes: Counter[tuple[str, str, str]]
) -> str:
    bad = [one for one in written if one.example.kind == "bad"]
    good = [one for one in written if one.example.kind == "good"]
    cells: list[str] = []
    for name in NAMES:
        sights = [sight for one in bad for sight in _sights(one, answers[name][one.folder])]
        for sight in sights:
            codes.update((name, f"{rule} row", code) for code in sight.place)
            codes.update((name, f"{rule} function", code) for code in sight.function if code not in sight.place)
        around = sum(bool(one.place or one.function) for one in sights)
        cells.append(f"{sum(bool(one.place) for one in sights)} ({around})")
    alarms: list[str] = []
    for name in NAMES:
        loud = [one for one in good if answers[name][one.folder]]
        codes.update((name, f"{rule} good", code) for one in loud for code in _codes(answers[name][one.folder]))
        alarms.append(str(len(loud)))
    marks = sum(len(set(one.example.reports)) for one in bad)
    return row(rule, marks, *cells, len(good), *alarms)


def _sights(program: _Program, reports: Sequence[Report]) -> list[Sight]:
    """Look at each marked row once, however often it is to be reported."""
    return [marked(mark, reports, program.folder) for mark in sorted(set(program.example.reports))]


def _codes(reports: Sequence[Report]) -> set[str]:
    return {report.code for report in reports}


def _within(folder: Path, path: str) -> str:
    return Path(path).relative_to(folder).as_posix()
