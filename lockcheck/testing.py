"""Tests of rules by worked examples, as lockcheck's own rules are tested.

The documentation of a rule holds programs under `## Bad`, `## Fixed` and `## Good`, with marks on the rows that must be
reported (see `lockcheck.rules.document`). A test takes them one by one:

    import pytest
    from lockcheck.testing import Case, cases, check_case

    from acme_rules import three_locks

    @pytest.mark.parametrize("case", cases(three_locks), ids=str)
    def test_example(case: Case, tmp_path: Path) -> None:
        check_case(case, tmp_path)

Nothing here needs pytest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import msgspec

from lockcheck.app.config import ConfigError
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project, locate
from lockcheck.app.rulebook import Rulebook
from lockcheck.app.run import Options
from lockcheck.app.selection import Selection
from lockcheck.rules.document import Document, DocumentError, Example, ExampleFile, Mark, Section, Step, parse_document
from lockcheck.rules.registry import Rule, all_rules, rules_of

__all__ = [
    "Case",
    "Document",
    "DocumentError",
    "Example",
    "ExampleFile",
    "Mark",
    "Outcome",
    "Section",
    "Step",
    "cases",
    "check_case",
    "difference",
    "observe",
    "parse_document",
    "project",
    "write",
]


@dataclass(frozen=True, slots=True)
class Case:
    """An example, where it stands, and the codes of the rules under which it is checked.

    `rules` are those that are not lockcheck's own; they need not be installed.
    """

    origin: str
    example: Example
    select: tuple[str, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """What the case is called in the output of the tests."""
        return f"{self.origin}:{self.example.row} {self.example.kind} {self.example.title}".rstrip()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What lockcheck said of a program."""

    reports: tuple[Mark, ...]
    traces: tuple[tuple[Step, ...], ...]
    failures: tuple[str, ...]
    messages: tuple[str, ...]


def cases(rule: ModuleType, *further: Path, select: Sequence[str] = ()) -> tuple[Case, ...]:
    """Every example of a rule's module, and of further Markdown documents, with the rule and those selected on."""
    rules = tuple(rules_of(rule, rule.__name__.partition(".")[0]))
    codes = (*(each.code for each in rules), *select)
    texts = [(rule.__name__, rule.__doc__ or ""), *((path.as_posix(), path.read_text("utf-8")) for path in further)]
    documents = [(name, parse_document(text, name)) for name, text in texts]
    return tuple(Case(name, example, codes, rules) for name, document in documents for example in document.examples)


def check_case(case: Case, directory: Path) -> None:
    """Raise `AssertionError` unless an example, written below an empty directory, reports exactly its marks."""
    outcome = observe(case, directory)
    wrong = difference(case.example, outcome)
    if wrong:
        raise AssertionError("\n".join([case.name, *wrong, *(f"found: {message}" for message in outcome.messages)]))


def observe(case: Case, directory: Path) -> Outcome:
    """Write the program of a case under the directory, and check it."""
    root = directory.resolve()
    write(case.example, root)
    rules = sorted((*all_rules(), *case.rules), key=lambda rule: rule.code)
    book = Rulebook(tuple(rules), ())
    report = check(project(root, case.select, book.rules), Options(), book).report

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


def write(example: Example, directory: Path) -> None:
    """Write the program of an example, under the directory."""
    for file in example.files:
        path = directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, "utf-8")


def project(root: Path, select: Sequence[str], rules: Sequence[Rule] | None = None) -> Project:
    """The folder as a project of its own, with these codes selected beside what its `pyproject.toml` says."""
    located = locate([str(root)], here=str(root))
    known = {rule.code for rule in (all_rules() if rules is None else rules)}
    unknown = sorted(set(select) - known)
    if unknown:
        raise ConfigError(f"select: there is no rule {', '.join(unknown)}")
    config = msgspec.structs.replace(located.config, selections=(Selection(select=tuple(select)),))
    return msgspec.structs.replace(located, root=str(root), boundary=str(root), folders=(str(root),), config=config)


def _steps(steps: tuple[Step, ...]) -> str:
    return ", ".join(f"{step.file}:{step.row}" for step in steps) or "none"
