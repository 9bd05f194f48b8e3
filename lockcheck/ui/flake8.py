"""The plugin of flake8: what `lockcheck check` reports, file by file.

flake8 hands over one file at a time, in several processes. So the whole program is analysed where flake8 hands over its
options, in the parent, before its processes start. Forked children have the findings then; those that are started afresh
are told by the environment where the parent left them.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from flake8.exceptions import ExecutionError

from lockcheck import __version__
from lockcheck.app.project import Project, absolute
from lockcheck.app.sharing import Found, Reported, find
from lockcheck.app.store import DAMAGED
from lockcheck.app.worker import internal_error
from lockcheck.model.errors import LockcheckError
from lockcheck.model.findings import Failure
from lockcheck.ui.flake8_options import Asked, add_options
from lockcheck.ui.render.view import visible
from lockcheck.ui.streams import say

if TYPE_CHECKING:
    from flake8.options.manager import OptionManager

HANDED_OVER: Final = "LOCKCHECK_FLAKE8_FINDINGS"
"""The variable that tells a child of flake8 whose findings lie where."""

OWN_OF_FLAKE8: Final = frozenset({"LCK900"})
"""What flake8 reports itself: a file that is not Python is its E999."""

NOT_DONE: Final = "LCK999"
"""No rule: what lockcheck could not do, for flake8 has no exit status for that."""


class Plugin:
    """What flake8 makes for each file."""

    name: ClassVar[str] = "lockcheck"
    version: ClassVar[str] = __version__
    _session: ClassVar[_Session | None] = None

    def __init__(self, tree: ast.AST, filename: str) -> None:
        """Take a file; flake8 has parsed it, which shows that it is Python."""
        del tree
        self._filename = filename

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Give what there is to say of the file: the row, the column from 0, and the text with its code."""
        session = self._session
        assert session is not None, "flake8 hands over its options before the first file"
        for one in session.reports(self._filename):
            yield one.row, one.column - 1, f"{one.code} {one.message}", type(self)

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """Declare our options."""
        add_options(manager)

    @classmethod
    def parse_options(cls, manager: OptionManager, options: argparse.Namespace, files: Sequence[str]) -> None:
        """Analyse the program that the files are a part of."""
        del manager
        try:
            cls._session = _Session(options, files)
        except LockcheckError as error:
            raise ExecutionError(f"lockcheck: {error}") from error
        except TypeError as error:  # flake8 would take it for a signature of earlier times, and call again
            raise ExecutionError(f"lockcheck: {internal_error(error)}") from error


class _Session:
    """What is known while flake8 runs."""

    def __init__(self, options: argparse.Namespace, files: Sequence[str]) -> None:
        self._here = str(Path.cwd())
        self._asked = Asked.of(options, self._here)
        self._projects: list[Project] = []
        self._found: list[Found] = []
        self._look_at(self._asked.paths(files), may_be_known=True)

    def reports(self, filename: str) -> list[Reported]:
        """What there is to say of a file."""
        path = absolute(filename, self._here)
        if not any(project.covers(path) for project in self._projects):
            self._look_at([filename])  # flake8 did not speak of it when it handed over its options
        return [one for found in self._found for one in found.reports.get(path, ())]

    def _look_at(self, paths: Sequence[str], *, may_be_known: bool = False) -> None:
        project = self._asked.project(paths)
        self._projects.append(project)
        if not self._asked.wants(project):
            return
        found = _handed_over(project) if may_be_known else None
        if found is None:
            found = find(project, self._asked.options, self._asked.folder, self._asked.patience)
            failures = _failures(found, project)
            for failure in failures:
                say(visible(f"{project.display(failure.what)}: {failure.message}"))
            found = _of_flake8(found, failures, project)
            if may_be_known:
                _hand_over(found, project)
        self._found.append(found)


def _failures(found: Found, project: Project) -> list[Failure]:
    return [
        failure
        for failure in found.failures
        if not PurePath(failure.what).is_absolute() or project.covers(failure.what)
    ]


def _of_flake8(found: Found, failures: Sequence[Failure], project: Project) -> Found:
    """What flake8 is told: not what it says itself; and each failure as a report, for it knows no failures."""
    reports = {
        path: [one for one in reports if one.code not in OWN_OF_FLAKE8] for path, reports in found.reports.items()
    }
    first = min((path for path in found.files if project.covers(path)), default=None)
    for failure in failures:
        path = failure.what if failure.what in found.files else first
        if path is not None:
            text = f"not everything was checked: {failure.what}: {failure.message}"
            reports.setdefault(path, []).append(Reported(1, 1, NOT_DONE, visible(text)))
    return msgspec.structs.replace(found, reports=reports)


def _hand_over(found: Found, project: Project) -> None:
    """Leave what was found for children that are not forked."""
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if method == "fork":
        return
    handle, name = tempfile.mkstemp(prefix="lockcheck-flake8-")
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.msgpack.encode(_Handed(_asked(project), found)))
    os.environ[HANDED_OVER] = f"{os.getpid()}:{name}"
    atexit.register(Path(name).unlink, missing_ok=True)


def _handed_over(project: Project) -> Found | None:
    """Give what the parent found, in a child of its."""
    parent = multiprocessing.parent_process()
    process, _, name = os.environ.get(HANDED_OVER, "").partition(":")
    if parent is None or process != str(parent.pid):
        return None
    try:
        handed = msgspec.msgpack.decode(Path(name).read_bytes(), type=_Handed)
    except (OSError, *DAMAGED):
        return None
    return handed.found if handed.asked == _asked(project) else None


class _Handed(msgspec.Struct, frozen=True):
    """What a parent found, and of what: a server that forks may have been started for an earlier run."""

    asked: bytes
    found: Found


def _asked(project: Project) -> bytes:
    return hashlib.blake2b(repr(project).encode("utf-8", "backslashreplace"), digest_size=16).digest()
