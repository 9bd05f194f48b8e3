"""The literate cases: worked examples out of the rules' documentation and out of `testdata`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lockcheck.rules.registry import all_rules
from lockcheck.testing import Case, Document, Example, difference, observe, parse_document, project, write

__all__ = ["BESIDE", "CORE", "TESTDATA", "Case", "all_cases", "difference", "literate_documents", "observe"]
__all__ += ["project", "rule_documents", "selected", "write"]

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
