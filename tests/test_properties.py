"""What must hold of every program in the literate cases, whatever it is about."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath

import pytest

from lockcheck.analysis.extract import extract, visit
from lockcheck.analysis.link import link
from lockcheck.analysis.summarise import summarise
from lockcheck.app.headroom import with_headroom
from lockcheck.knowledge.load import load
from lockcheck.model.facts import FunctionFacts, Unit
from lockcheck.model.findings import Finding
from lockcheck.model.flow import Node
from lockcheck.rules.registry import all_rules
from tests.cases import CORE, Case, all_cases

AWAITING = {"LCK101", "LCK102"}


@cache
def programs() -> tuple[Case, ...]:
    """Cases of the first rules whose files are all Python, several hundred programs."""
    chosen = [c for c in all_cases() if c.select == CORE or (len(c.select) == 1 and c.select[0] in CORE)]
    return tuple(c for c in chosen if all(f.name.endswith(".py") for f in c.example.files))


def findings(texts: dict[str, str], *, visit_all: bool = False, backwards: bool = False) -> list[Finding]:
    """What the first rules say of a program, given as the text of each file by its name."""
    units = [_unit(name, text, visit_all) for name, text in sorted(texts.items(), reverse=backwards)]

    def visited(unit: Unit, function: FunctionFacts) -> tuple[Node, ...] | None:
        return visit(texts[unit.path], function)

    def run() -> list[Finding]:
        analysis = summarise(link(units, load(), visited))
        asked = [r.check for r in all_rules() if r.code in CORE and r.check is not None]
        found = [finding for check in asked for finding in check(analysis)]
        return sorted(found, key=lambda f: (f.place, f.code, f.message))

    return with_headroom(run)


def _unit(name: str, text: str, visit_all: bool) -> Unit:
    path = PurePosixPath(name).with_suffix("")
    is_package = path.name == "__init__"
    parts = path.parts[:-1] if is_package else path.parts
    return Unit(name, name, ".".join(parts), is_package, extract(text, visit_all=visit_all))


def texts(case: Case) -> dict[str, str]:
    """The files of a case."""
    return {file.name: file.text for file in case.example.files}


def name(case: Case) -> str:
    """What a case is called."""
    return case.name


@pytest.mark.parametrize("case", [c for c in programs() if len(c.example.files) > 1], ids=name)
def test_the_order_of_the_files_does_not_matter(case: Case) -> None:
    assert findings(texts(case), backwards=True) == findings(texts(case))


@pytest.mark.parametrize("case", programs(), ids=name)
def test_following_every_function_finds_what_following_the_chosen_ones_finds(case: Case) -> None:
    assert findings(texts(case), visit_all=True) == findings(texts(case))


@pytest.mark.parametrize("case", [c for c in programs() if c.example.kind == "bad"], ids=name)
def test_without_async_the_rules_on_awaiting_are_silent(case: Case) -> None:
    stripped = {file: re.sub(r"\b(?:async|await) ", "", text) for file, text in texts(case).items()}
    assert [f.message for f in findings(stripped) if f.code in AWAITING] == []


@pytest.mark.parametrize("case", [c for c in programs() if c.example.kind == "bad"], ids=name)
def test_if_every_lock_of_threads_is_an_rlock_no_thread_waits_for_itself(case: Case) -> None:
    reentrant = {
        file: re.sub(r"\bthreading\.(?:Lock|Semaphore|BoundedSemaphore)\b(?:\(\d\))?", _rlock, text)
        for file, text in texts(case).items()
    }
    reentrant = {
        file: re.sub(
            r"from (_?thread(?:ing)?) import (?:Lock|allocate_lock)\b", r"from threading import RLock as Lock", text
        )
        for file, text in reentrant.items()
    }
    again = [f for f in findings(reentrant) if f.code == "LCK501"]
    assert [f.message for f in again if any(lock.kind == "threading.Lock" for lock in f.locks)] == []


def _rlock(match: re.Match[str]) -> str:
    return "threading.RLock()" if match[0].endswith(")") else "threading.RLock"
