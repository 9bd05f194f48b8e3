"""pre-commit installs the hooks from a clone and runs them: `python -m tests.pre_commit_install` (needs a network).

The clone has what is committed here. A file with a hazard must be refused by `lockcheck`, and repaired by `lockcheck-fix`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import HAZARD
from tests.test_pre_commit import WRONG_WITH

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Say what both hooks did, and give 0 if that was right."""
    with tempfile.TemporaryDirectory() as folder:
        clone, tree = Path(folder, "lockcheck"), Path(folder, "tree")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        tree.mkdir()
        subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
        (tree / "hazard.py").write_text(HAZARD)
        (tree / "wrong.py").write_text(WRONG_WITH)
        subprocess.run(["git", "add", "-A"], cwd=tree, check=True)
        found = _try(clone, tree, "lockcheck", "hazard.py")
        fixed = _try(clone, tree, "lockcheck-fix", "wrong.py")
        repaired = "async with" in (tree / "wrong.py").read_text()
        right = found.returncode == 1 and "LCK101" in found.stdout and fixed.returncode == 1 and repaired
        sys.stdout.write(
            f"{found.stdout}{found.stderr}{fixed.stdout}{fixed.stderr}\n{'as it should be' if right else 'WRONG'}\n"
        )
        return 0 if right else 1


def _try(clone: Path, tree: Path, hook: str, file: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(clone), hook, "--files", file]
    return subprocess.run(command, cwd=tree, text=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
