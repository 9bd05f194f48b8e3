"""Attacks by those who send a change: each is tried, and must fail. `SECURITY.md` tells which tests try the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import HAZARD, Lockcheck, Write

NEEDS_WORKERS = f"X = {'(' * 60}1{')' * 60}\n"
"""A text that nests enough to be read in a process of its own."""

SHADOWS = [
    "ast",
    "astroid",
    "collections",
    "conftest",
    "contextlib",
    "dataclasses",
    "encodings",
    "enum",
    "functools",
    "importlib",
    "io",
    "json",
    "libcst",
    "msgspec",
    "pathlib",
    "re",
    "signal",
    "sitecustomize",
    "struct",
    "tempfile",
    "tokenize",
    "tomli",
    "tomllib",
    "types",
    "typing",
    "usercustomize",
    "warnings",
]


def test_no_module_of_the_checked_folder_stands_for_one_of_ours_not_even_in_workers(
    write: Write, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    trap = f"open({str(marker)!r}, 'a').write(__name__ + ' ')\n"
    root = write({**{f"{name}.py": trap for name in SHADOWS}, "checked.py": NEEDS_WORKERS + HAZARD})
    command = (
        tmp_path / "command.py"
    )  # as an installed command: Python puts its folder on the path, not the current one
    command.write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from lockcheck.ui.cli import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(command), "--no-cache", "--output-format", "concise", "."],
        cwd=root,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "checked.py:10:9: LCK101 " in done.stdout
    assert (done.returncode, done.stderr) == (1, "")
    assert not marker.exists(), marker.read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/a/" * 40 + "b"], ids=["stars", "folders"])
@pytest.mark.parametrize("key", ["exclude", "extend-exclude", "per-file-ignores", "test-files"])
def test_a_pattern_that_could_be_matched_for_ever_is_refused(
    write: Write, lockcheck: Lockcheck, key: str, pattern: str
) -> None:
    value = f"{{ '{pattern}' = ['LCK1'] }}" if key == "per-file-ignores" else f"['{pattern}']"
    write({"lockcheck.toml": f"{key} = {value}\n", f"{'a' * 100}.py": HAZARD})
    run = lockcheck(".")
    assert run.status == 2
    assert f"{key}: `{pattern}` is not a pattern" in run.err


def test_a_gitignore_that_could_be_matched_for_ever_leaves_nothing_out(write: Write, lockcheck: Lockcheck) -> None:
    patterns = ["*a" * 60 + "b", "**/a/" * 40 + "b", "left_out.py"]
    write(
        {
            ".git/HEAD": "",
            ".gitignore": "\n".join(patterns),
            f"{'a' * 100}.py": HAZARD,
            f"{'a/' * 60}a.py": HAZARD,
            "left_out.py": HAZARD,
        }
    )
    run = lockcheck("--output-format", "concise", ".")
    assert len(run.out.splitlines()) == 2
    assert "left_out" not in run.out


@pytest.mark.once
@pytest.mark.parametrize(
    "line",
    [
        f"x = 1  # noqa: {'A1,' * 30_000}!",
        f"x = 1  # noqa{': A' * 20_000}",
        f"x = 1  # noqa:{' ' * 50_000}x",
        f"# lockcheck: ignore[{'A,' * 30_000}",
        f"# lockcheck: noqa {'a-' * 30_000}",
        f"# flake8: noqa: {'A1 ' * 30_000}?",
        f"def f(): pass  # lockcheck: holds {'(a.' * 20_000}",
        f"import logging; logging.info('{'%-' * 50_000}', 1)",
        f"x_{'lock_' * 20_000} = 1",
        f"def on_{'read_' * 20_000}lock(): pass",
        "from a.b import (\n" * 20_000,
    ],
    ids=["noqa", "entries", "spaces", "ignore", "own", "flake8", "holds", "format", "name", "hook", "imports"],
)
def test_no_line_of_a_source_keeps_our_expressions_busy(write: Write, lockcheck: Lockcheck, line: str) -> None:
    """None of these is timed: an expression that goes through all ways to match would not come back."""
    write({"evil.py": f"{line}\n", "good.py": HAZARD})
    run = lockcheck("--no-cache", "--select", "ALL", "--output-format", "concise", ".")
    assert "good.py:9:9: LCK101 " in run.out
    assert "internal error" not in run.err


def test_the_project_cannot_say_where_the_cache_lies(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": "cache-dir = 'planted'\n", "a.py": HAZARD})
    run = lockcheck(".")
    assert run.status == 2
    assert "cache-dir" in run.err
