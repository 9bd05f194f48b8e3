"""The literate cases: worked examples out of the rules' documentation and out of `testdata`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from lockcheck.app.pipeline import Options, check
from lockcheck.app.project import Project, locate
from lockcheck.app.selection import Selection
from lockcheck.rules.document import Document, Example, Mark, Step, parse_document
from lockcheck.rules.registry import all_rules

TESTDATA: Final = Path(__file__).parent.parent / "testdata"

CORE: Final = (
    "LCK101",
    "LCK102",
    "LCK201",
    "LCK202",
    "LCK203",
    "LCK301",
    "LCK302",
    "LCK401",
    "LCK501",
    "LCK900",
)
"""The rules under which every program in `testdata/idioms` is looked at, and reports its marks and nothing else."""


BESIDE: Final = {"LCK901": ("LCK101",)}
"""Rules that must be on for the examples of another to mean something."""


def selected(code: str) -> tuple[str, ...]:
    """The rules under which the examples of a rule are checked."""
    return (code, *BESIDE.get(code, ()))


@dataclass(frozen=True, slots=True)
class Case:
    """An example, where it stands, and the rules under which it is checked."""

    origin: str
    example: Example
    select: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the case is called in the output of the tests."""
        return f"{self.origin}:{self.example.row} {self.example.kind} {self.example.title}".rstrip()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What lockcheck said of a program."""

    reports: tuple[Mark, ...]
    traces: tuple[tuple[Step, ...], ...]
    failures: tuple[str, ...]
    messages: tuple[str, ...]


def rule_documents() -> Iterator[tuple[str, Document]]:
    """The documentation of every rule, by code."""
    for rule in all_rules():
        yield rule.code, parse_document(rule.documentation, f"lockcheck/rules/{rule.name.replace('-', '_')}.py")


def literate_documents() -> Iterator[tuple[Path, Document]]:
    """The literate cases beside the rules."""
    for path in [file for folder in ("rules/*", "idioms", "fixes") for file in sorted(TESTDATA.glob(f"{folder}/*.md"))]:
        yield path, parse_document(path.read_text("utf-8"), path.relative_to(TESTDATA.parent).as_posix())


def all_cases() -> Iterator[Case]:
    """Every example there is, each with the rules under which it is checked."""
    for code, document in rule_documents():
        yield from (Case(code, example, selected(code)) for example in document.examples)
    for path, document in literate_documents():
        origin = path.relative_to(TESTDATA).as_posix()
        for example in document.examples:
            yield Case(origin, example, _select(path, document, example))


def fix_cases() -> Iterator[tuple[Case, Example]]:
    """The programs in `testdata/fixes`: each Bad one with what fixing makes of it, which is itself where no Fixed one follows."""
    for path, document in literate_documents():
        if path.parent.name == "fixes":
            repaired = {id(bad): fixed for bad, fixed in document.repairs()}
            for example in document.examples:
                if example.kind == "bad":
                    case = Case(path.relative_to(TESTDATA).as_posix(), example, _select(path, document, example))
                    yield case, repaired.get(id(example), example)


def _select(path: Path, document: Document, example: Example) -> tuple[str, ...]:
    """The rules under which an example beside the rules is checked: in `testdata/fixes` those that its marks name."""
    match path.parent.name:
        case "idioms":
            return CORE
        case "fixes":
            before = itertools.takewhile(lambda each: each is not example, document.examples)
            marked = [each for each in (*before, example) if each.reports]
            return tuple(sorted({mark.code for mark in marked[-1].reports})) if marked else ()
        case code:
            return (code,)


def write(example: Example, directory: Path) -> None:
    """Write the program of an example, under the directory."""
    for file in example.files:
        path = directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, "utf-8")


def project(root: Path, select: tuple[str, ...]) -> Project:
    """The folder as a project of its own, configured by its `pyproject.toml` if it has one."""
    located = locate([str(root)], here=str(root))
    known = {rule.code for rule in all_rules()}
    selection = Selection(select=tuple(code for code in select if code in known))
    config = msgspec.structs.replace(located.config, selections=(selection,))
    return msgspec.structs.replace(located, root=str(root), boundary=str(root), folders=(str(root),), config=config)


def observe(case: Case, directory: Path) -> Outcome:
    """Write the program of a case under the directory, and check it."""
    root = directory.resolve()
    write(case.example, root)
    report = check(project(root, case.select), Options()).report

    def place(path: str) -> str:
        return Path(path).relative_to(root).as_posix()

    found = sorted(report.findings, key=lambda finding: (finding.place, finding.code))
    return Outcome(
        reports=tuple(sorted(Mark(place(each.place.path), each.place.span.row, each.code) for each in found)),
        traces=tuple(
            tuple(Step(place(step.place.path), step.place.span.row) for step in each.related) for each in found
        ),
        failures=tuple(f"{failure.what}: {failure.message}" for failure in report.failures),
        messages=tuple(
            f"{place(each.place.path)}:{each.place.span.row}: {each.code} {each.message} [{each.confidence.word}]"
            for each in found
        ),
    )


def difference(example: Example, outcome: Outcome) -> list[str]:
    """What is wrong with an outcome, a line each; nothing if it is as the example is marked."""
    lines = [f"failure: {failure}" for failure in outcome.failures]
    missing, extra = list(example.reports), list(outcome.reports)
    for mark in example.reports:
        if mark in extra:
            extra.remove(mark)
            missing.remove(mark)
    lines += [f"missing: {mark.file}:{mark.row} {mark.code}" for mark in missing]
    lines += [f"not marked: {mark.file}:{mark.row} {mark.code}" for mark in extra]
    if example.steps and not lines and outcome.traces[0] != example.steps:
        lines.append(f"steps marked: {_steps(example.steps)}")
        lines.append(f"steps found:  {_steps(outcome.traces[0])}")
    return lines


def _steps(steps: tuple[Step, ...]) -> str:
    return ", ".join(f"{step.file}:{step.row}" for step in steps) or "none"
