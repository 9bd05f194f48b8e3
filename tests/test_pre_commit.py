"""The hooks under the real pre-commit, in a real repository of git.

What pre-commit does to install a hook needs a network, and is `python -m tests.pre_commit_install`. Here the same hooks are
run from what is installed already.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from tests.conftest import HAZARD, Write
from tests.installed import ROOT

pytestmark = pytest.mark.once

Commit: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]

HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))

CLEAN = "x = 1\n"

CALLER = "import threading\n\nimport callee\n\nLOCK = threading.Lock()\n\n\ndef one():\n    with LOCK:\n        callee.two()\n"
CALLEE = "def two():\n    pass\n"
SLOW_CALLEE = "import time\n\n\ndef two():\n    time.sleep(1)\n"

WRONG_WITH = "import asyncio\n\nLOCK = asyncio.Lock()\n\n\nasync def f():\n    with LOCK:\n        pass\n"


def local(hook: dict[str, Any]) -> dict[str, Any]:
    """The hook as it is, but run from what is installed."""
    command, *rest = shlex.split(hook["entry"])
    assert command == "lockcheck"
    return {**hook, "language": "system", "entry": shlex.join([sys.executable, "-m", "lockcheck", *rest])}


@pytest.fixture
def commit(write: Write, tmp_path: Path) -> Commit:
    """Write files, add them, and commit them through the hooks of these names."""
    root = write({})
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=root, env=environment, text=True, capture_output=True, timeout=120)

    def commit_files(files: Mapping[str, str | bytes], *hooks: str) -> subprocess.CompletedProcess[str]:
        if not (root / ".git").exists():
            run("git", "init", "-q").check_returncode()
            installed = run(sys.executable, "-m", "pre_commit", "install")
            assert installed.returncode == 0, installed.stdout + installed.stderr
        configured = [local(hook) for hook in HOOKS if hook["id"] in hooks]
        config = {"repos": [{"repo": "local", "hooks": configured}]}
        write({**files, ".pre-commit-config.yaml": json.dumps(config)})
        run("git", "add", "-A").check_returncode()
        return run("git", "commit", "-m", "a change", *([] if hooks else ["--no-verify"]))

    return commit_files


def test_hooks_say_what_pre_commit_needs() -> None:
    assert [hook["id"] for hook in HOOKS] == ["lockcheck", "lockcheck-fix"]
    for hook in HOOKS:
        assert (hook["language"], hook["types_or"]) == ("python", ["python", "pyi"])
        assert (hook["require_serial"], hook["pass_filenames"]) == (True, True)


def test_hazard_in_a_changed_file_is_not_committed(commit: Commit) -> None:
    done = commit({"a.py": HAZARD, "b.py": CLEAN}, "lockcheck")
    assert done.returncode == 1
    assert "LCK101" in done.stdout + done.stderr
    assert commit({"a.py": CLEAN}, "lockcheck").returncode == 0


def test_old_finding_elsewhere_blocks_nobody(commit: Commit) -> None:
    assert commit({"old.py": HAZARD, "bad.py": "def f(:\n", "no_text.py": b"\xff", "a.py": CLEAN}).returncode == 0
    done = commit({"a.py": "x = 2\n"}, "lockcheck")
    assert done.returncode == 0, done.stdout + done.stderr
    touched = commit({"old.py": HAZARD + "x = 1\n"}, "lockcheck")
    assert touched.returncode == 1


def test_change_that_makes_a_hazard_of_an_unchanged_file_is_not_committed(commit: Commit) -> None:
    assert commit({"caller.py": CALLER, "callee.py": CALLEE}, "lockcheck").returncode == 0
    done = commit({"callee.py": SLOW_CALLEE}, "lockcheck")
    assert done.returncode == 1
    assert "caller.py" in done.stdout + done.stderr
    assert "LCK202" in done.stdout + done.stderr


def test_fixes_are_made_in_changed_files_only(commit: Commit) -> None:
    assert commit({"old.py": WRONG_WITH, "a.py": CLEAN}).returncode == 0
    refused = commit({"a.py": WRONG_WITH}, "lockcheck-fix")
    assert refused.returncode == 1
    assert "files were modified by this hook" in refused.stdout + refused.stderr
    assert Path("a.py").read_text() == WRONG_WITH.replace("    with", "    async with")
    assert Path("old.py").read_text() == WRONG_WITH
    again = commit({}, "lockcheck-fix", "lockcheck")
    assert again.returncode == 0, again.stdout + again.stderr


def test_commit_without_python_runs_nothing(commit: Commit) -> None:
    done = commit({"README.md": "# A project\n"}, "lockcheck")
    assert done.returncode == 0
    assert "Skipped" in done.stdout + done.stderr


def test_many_files_are_one_run(commit: Commit) -> None:
    done = commit(
        {f"m{number}.py": CLEAN for number in range(300)} | {"a.py": CALLER, "callee.py": SLOW_CALLEE}, "lockcheck"
    )
    assert done.returncode == 1
    assert (done.stdout + done.stderr).count("LCK202") == 1
