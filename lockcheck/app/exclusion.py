"""Which files and folders below a project's root are left out: defaults, `exclude`, and `.gitignore` files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck.app.config import Config
from lockcheck.app.stamps import Seen

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

ALWAYS = frozenset(
    {
        ".bzr",
        ".direnv",
        ".eggs",
        ".git",
        ".git-rewrite",
        ".hg",
        ".ipynb_checkpoints",
        ".jj",
        ".mypy_cache",
        ".nox",
        ".pants.d",
        ".pyenv",
        ".pytest_cache",
        ".pytype",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        ".vscode",
        "__pycache__",
        "__pypackages__",
        "buck-out",
        "node_modules",
        "site-packages",
    }
)
"""Folders that hold no sources of a project, whatever is in them."""

UNLESS_PACKAGE = frozenset({"_build", "build", "dist", "venv"})
"""Folders that hold no sources of a project, unless they are packages."""

MAX_STARS = 3
"""Stars in one part of a pattern, and `**` in a pattern. Each more multiplies the ways to match by the length of a name,
and whoever sends a change can choose both the patterns and the names."""


class Exclusion:
    """The answer to one question: is this path left out?

    Paths are asked for from the root downwards, so that a folder's `.gitignore` is read before its contents are
    judged. The places that decided are `seen`, but for the folders that were entered.
    """

    def __init__(self, config: Config, root: str, boundary: str) -> None:
        """Read what holds from the boundary (the root of version control) down to the root."""
        self._gitignore = config.respect_gitignore
        self._defaults = config.exclude is None
        patterns = [*(config.exclude or ()), *config.extend_exclude]
        self._patterns = _read(patterns) if patterns else None
        self._folder = _prefix(config.folder or root)
        self.seen: list[Seen] = []
        self._specs: dict[str, tuple[tuple[str, GitIgnoreSpec], ...]] = {}
        self._above(root, boundary)

    def enter(self, folder: str, has_gitignore: bool) -> None:
        """Note the `.gitignore` of a folder whose contents are judged next."""
        inherited = self._specs.get(str(Path(folder).parent), ()) if folder not in self._specs else self._specs[folder]
        own = self._spec(folder) if has_gitignore and self._gitignore else None
        self._specs[folder] = ((_prefix(folder), own), *inherited) if own is not None else inherited

    def leaves_out_folder(self, folder: str, path: str, name: str) -> bool:
        """Whether a folder (`path`, inside `folder`) is left out with everything in it."""
        if self._defaults and self._is_no_source(path, name):
            return True
        return self._matches(folder, path + "/")

    def leaves_out_file(self, folder: str, path: str) -> bool:
        """Whether a file directly in `folder` is left out."""
        return self._matches(folder, path)

    def _is_no_source(self, path: str, name: str) -> bool:
        if name in ALWAYS:
            return True
        is_output = name in UNLESS_PACKAGE
        mark = Seen.at(str(Path(path) / ("__init__.py" if is_output else "pyvenv.cfg")))
        is_left_out = (mark.stamp is not None) != is_output
        if is_left_out:
            self.seen.append(mark)
        return is_left_out

    def _spec(self, folder: str) -> GitIgnoreSpec | None:
        file = Path(folder) / ".gitignore"
        self.seen.append(Seen.at(str(file)))
        return _spec(file)

    def _matches(self, folder: str, path: str) -> bool:
        if (
            self._patterns is not None
            and path.startswith(self._folder)
            and self._patterns.match_file(path[len(self._folder) :])
        ):
            return True
        for prefix, spec in self._specs.get(folder, ()):
            decided = spec.check_file(path[len(prefix) :]).include
            if decided is not None:
                return decided
        return False

    def _above(self, root: str, boundary: str) -> None:
        if not self._gitignore or not root.startswith(_prefix(boundary)):
            return
        chain = [
            parent for parent in Path(root).parents if parent == Path(boundary) or Path(boundary) in parent.parents
        ]
        specs: tuple[tuple[str, GitIgnoreSpec], ...] = ()
        for folder in reversed(chain):
            own = self._spec(str(folder))
            if own is not None:
                specs = ((_prefix(str(folder)), own), *specs)
        self._specs[root] = specs


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder. In a folder that may not be entered there is none: reading says so."""
    try:
        return path.exists()
    except PermissionError:
        return False


def is_left_out_below(root: str, path: str, exclusion: Exclusion) -> bool:
    """Whether a folder given by the user lies in a part of the project that the project itself leaves out.

    So does what lies behind a link: it is not followed on the way through the project.
    """
    folder = root
    exclusion.enter(folder, is_there(Path(folder) / ".gitignore"))
    for name in Path(path).relative_to(root).parts:
        below = str(Path(folder) / name)
        if Path(below).is_symlink() or exclusion.leaves_out_folder(folder, below, name):
            return True
        folder = below
        exclusion.enter(folder, is_there(Path(folder) / ".gitignore"))
    return False


def wrong_pattern(patterns: Sequence[str]) -> str | None:
    """Give the first pattern that can't be read, or that could take for ever, if there is one."""
    return next((pattern for pattern in patterns if not _is_pattern(pattern)), None)


def matches(patterns: Sequence[str], path: str) -> bool:
    """Whether a path relative to the project is among the patterns, which read as in `.gitignore`."""
    return _read(patterns).match_file(path)


def _read(patterns: Sequence[str]) -> GitIgnoreSpec:
    """Read patterns of a configuration. In a `.gitignore`, what begins with `./` would match nothing."""
    from pathspec import GitIgnoreSpec  # a run that reads nothing matches nothing

    return GitIgnoreSpec.from_lines(pattern[1:] if pattern.startswith("./") else pattern for pattern in patterns)


def _is_pattern(pattern: str) -> bool:
    from pathspec import GitIgnoreSpec

    parts = pattern.split("/")
    if parts.count("**") > MAX_STARS or any(part.count("*") > MAX_STARS for part in parts):
        return False
    try:
        GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        return False
    return True


def _prefix(folder: str) -> str:
    return folder if folder.endswith(os.sep) else folder + os.sep


def _spec(file: Path) -> GitIgnoreSpec | None:
    """Read a `.gitignore`; what can't be read of it, or could take for ever, leaves nothing out."""
    from pathspec import GitIgnoreSpec

    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    spec = GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))
    return spec if len(spec) else None
