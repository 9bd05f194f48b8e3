"""What the sources of lockcheck promise of themselves: layers, budgets, words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lockcheck

pytestmark = pytest.mark.once

PACKAGE = Path(lockcheck.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
RULES = [
    module
    for module in sorted((PACKAGE / "rules").glob("*.py"))
    if module.stem not in ("__init__", "registry", "document")
]

modules = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).as_posix())


def test_import_contracts() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=PACKAGE.parent, text=True, capture_output=True, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr


@modules
def test_module_is_short_and_says_what_it_is_for(module: Path) -> None:
    text = module.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    page = tree.body[0].end_lineno or 0 if module in RULES else 0
    assert len(text.splitlines()) - page <= 400
    assert not re.search(r"utils?|helpers?|common|base|misc", module.stem)


@modules
def test_functions_are_short(module: Path) -> None:
    long = [
        f"{node.name}: {rows}" for node in functions(module) if (rows := (node.end_lineno or 0) - node.lineno + 1) > 50
    ]
    assert long == []


@modules
def test_no_class_of_ours_is_a_manager_or_handler(module: Path) -> None:
    names = [node.name for node in ast.walk(parsed(module)) if isinstance(node, ast.ClassDef)]
    model: set[str] = {"Handler"} if module.name == "flow.py" else set()
    assert [name for name in names if re.search(r"(Manager|Handler)$", name) and name not in model] == []


@pytest.mark.parametrize("module", RULES, ids=lambda module: module.stem)
def test_rule_is_short_without_its_page(module: Path) -> None:
    tree = parsed(module)
    page = tree.body[0].end_lineno or 0
    assert len(module.read_text("utf-8").splitlines()) - page <= 150


@pytest.mark.parametrize("module", RULES, ids=lambda module: module.stem)
def test_rules_do_not_import_each_other(module: Path) -> None:
    rules = {f"lockcheck.rules.{other.stem}" for other in RULES}
    assert [name for name in imports(module) if name in rules] == []


def test_blind_except_stands_in_the_named_places_only() -> None:
    blind = [
        module.relative_to(PACKAGE).as_posix()
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "Exception")
    ]
    # A bug costs one rule or stage, one file, and never looks like "something found" (status 1).
    assert blind == ["app/attempt.py", "app/worker.py", "ui/cli.py"]


@modules
def test_nothing_below_the_command_line_prints_or_exits(module: Path) -> None:
    if module.parent.name == "ui" or module.name == "__main__.py":
        return
    called = {ast.unparse(node.func) for node in ast.walk(parsed(module)) if isinstance(node, ast.Call)}
    assert called.isdisjoint({"print", "sys.exit", "exit", "os.getenv", "os.environ.get"})


def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"))


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
