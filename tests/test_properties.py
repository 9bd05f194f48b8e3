"""What must hold of every program in the literate cases, whatever it is about."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeGuard

import pytest

import lockcheck as package
from lockcheck.analysis.extract import extract, visit
from lockcheck.analysis.link import link
from lockcheck.analysis.summarise import summarise
from lockcheck.app.headroom import with_headroom
from lockcheck.knowledge.load import load
from lockcheck.model.facts import FunctionFacts, Unit
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.flow import Node
from lockcheck.rules.registry import all_rules
from tests.cases import CORE, Case, all_cases, write

pytestmark = pytest.mark.once
"""What holds of the analysis holds under every Python; the cases themselves are run under each."""

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


@pytest.mark.parametrize("case", [c for c in programs() if c.example.kind == "bad" and "LCK301" in str(c)], ids=name)
def test_if_every_lock_is_an_rlock_the_order_stays_what_it_was(case: Case) -> None:
    reentrant = {file: re.sub(r"\bthreading\.Lock\b", "threading.RLock", text) for file, text in texts(case).items()}
    assert _verdicts(reentrant, "LCK301") == _verdicts(texts(case), "LCK301")


def _verdicts(program: dict[str, str], *codes: str) -> list[tuple[str, int, str]]:
    return [(f.code, f.place.span.row, f.subject) for f in findings(program) if f.code in codes]


@pytest.mark.parametrize("case", [c for c in programs() if c.example.kind == "bad"], ids=name)
def test_another_name_for_a_resolved_lock_changes_messages_only(case: Case) -> None:
    program = texts(case)
    found = findings(program)
    words = sorted({lock.name.rpartition(".")[2] for f in found for lock in f.locks})
    lock_names = [word for word in words if word.isidentifier() and _is_own(word, program)]
    again = findings({file: _renamed(text, lock_names) for file, text in program.items()})
    assert [_told(f) for f in found] == [_told(f) for f in again]


def _told(finding: Finding) -> tuple[str, str, int, Confidence]:
    """What a finding says, without the column of a lambda and without what renaming put to a name."""
    message = re.sub(r":\d+>", ">", finding.message.replace("_RENAMED", ""))
    return message, finding.code, finding.place.span.row, finding.confidence


def _is_own(word: str, program: dict[str, str]) -> bool:
    """Whether a name belongs to the program: it is assigned to in it, and is not called or imported."""
    text = "\n".join(program.values())
    return bool(re.search(rf"\b{word}\b(: [\w.]+)? = ", text)) and not re.search(
        rf"(import|from|def|class) .*\b{word}\b|\b{word}=", text
    )


def _renamed(text: str, words: list[str]) -> str:
    return re.sub(rf"\b(?:{'|'.join(words)})\b", lambda m: f"{m[0]}_RENAMED", text) if words else text


@pytest.mark.parametrize("case", [c for c in programs() if c.example.kind == "bad"], ids=name)
def test_a_body_that_moves_into_a_helper_is_judged_as_before(case: Case) -> None:
    program = texts(case)
    plain = {file: ast.unparse(ast.parse(text)) if _parses(text) else text for file, text in program.items()}
    moved = {file: _with_helpers(text) if _parses(text) else text for file, text in program.items()}
    assert _subjects(moved) == _subjects(plain)


def _subjects(program: dict[str, str]) -> set[tuple[str, str]]:
    return {(f.code, f.subject) for f in findings(program) if f.code in {"LCK101", "LCK301", "LCK501"}}


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _with_helpers(text: str) -> str:
    """Have each plain function of a module call another, which does what it did."""
    module = ast.parse(text)
    body: list[ast.stmt] = []
    for statement in module.body:
        if _is_plain(statement):
            names = ", ".join(each.arg for each in statement.args.args)
            called = f"moved_{statement.name}({names})"
            wait = "await " if isinstance(statement, ast.AsyncFunctionDef) else ""
            head = ast.parse(ast.unparse(statement)).body[0]
            assert isinstance(head, ast.FunctionDef | ast.AsyncFunctionDef)
            head.body = ast.parse(f"async def f():\n    return {wait}{called}").body[0].body  # type: ignore[attr-defined]
            statement.name = f"moved_{statement.name}"
            body += [statement, head]
        else:
            body.append(statement)
    module.body = body
    return ast.unparse(module)


def _is_plain(function: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Whether this is a function with nothing of its own: no decorators, no yields, no other arguments than names."""
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    given = function.args
    has_others = given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
    return not (function.decorator_list or has_others or yields)


def test_the_seed_of_hashes_does_not_matter(tmp_path: Path) -> None:
    for number, case in enumerate(c for c in all_cases() if len(c.example.files) > 1):
        write(case.example, tmp_path / f"case{number}")
    runs = [_command(seed, "--no-cache", "--output-format", "json", tmp_path) for seed in ("1", "2")]
    assert len(json.loads(runs[0].stdout)) > 50
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stderr == runs[1].stderr


def test_neither_processes_nor_what_is_kept_nor_the_order_of_the_paths_matter(tmp_path: Path) -> None:
    """Many programs as one, that is large enough for several processes; in the last run but one a file has changed."""
    chosen = (*programs()[::4], *(c for c in all_cases() if len(c.example.files) > 1))
    for number, case in enumerate(chosen):
        write(case.example, tmp_path / "all" / f"case{number}")
    changed = tmp_path / "all" / "changed.py"
    changed.write_text("x = 1\n")
    paths = sorted((tmp_path / "all").iterdir())
    plain = ("--output-format", "gitlab")
    kept = ("--cache-dir", tmp_path / "cache", *plain)
    first = _command("1", "--no-cache", "--jobs", "1", *plain, *paths)
    others = [_command("2", "--no-cache", "--jobs", "2", *plain, *reversed(paths)), _command("3", *kept, *paths)]
    changed.write_text("x = 2\n")
    others += [_command("4", *kept, *paths), _command("5", *kept, *paths)]
    assert len(json.loads(first.stdout)) > 300
    assert [other.stderr for other in others] == [first.stderr] * 4
    assert [other.stdout == first.stdout for other in others] == [True] * 4


def _command(hashes: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A run of the command under all rules, with a seed of hashes."""
    return subprocess.run(
        [sys.executable, "-m", "lockcheck", "--isolated", "--select", "ALL", "--min-confidence", "low", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(Path(package.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _rlock(match: re.Match[str]) -> str:
    return "threading.RLock()" if match[0].endswith(")") else "threading.RLock"
