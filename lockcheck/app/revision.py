"""A project as it was in an earlier commit: its sources are read out of git, and the work tree is not touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lockcheck.app.config import FILE_NAMES, Config, ConfigError
from lockcheck.app.project import Given, Project, is_within, relative_to

_SOURCES = (".py", ".pyi")
_CONFIGURING = (*FILE_NAMES, ".gitignore")
_REGULAR = (b"100644", b"100755", b"100664")


class _File(msgspec.Struct, frozen=True):
    """A file of a commit: its path from the root of the repository, and the name of its content."""

    path: str
    blob: str


@contextmanager
def as_of(project: Project, ref: str, environment: Mapping[str, str]) -> Generator[Project, None, None]:
    """Give the project as it was in a commit, under the configuration of today, as long as the context lasts.

    It lies in a temporary folder that holds only its sources. Raises `ConfigError` where there is no repository or no
    such commit. `environment` is what git runs in.
    """
    git = _Git(project.root, ref, environment)
    top = os.path.realpath(os.fsdecode(git.said("rev-parse", "--show-toplevel").removesuffix(b"\n")))
    with tempfile.TemporaryDirectory(prefix="lockcheck-") as temporary:
        there = os.path.realpath(temporary)
        _write_out(git, git.commit(), there)
        yield _moved(project, top, there)


def _write_out(git: _Git, commit: str, there: str) -> None:
    """Write the sources of a commit and what configures their discovery; links are left out."""
    files = list(_files(git.said("ls-tree", "-r", "-z", "--full-tree", commit)))
    for file, content in zip(files, _contents(git, files), strict=True):
        target = os.path.normpath(Path(there) / file.path)
        if is_within(target, there):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(target).write_bytes(content)


def _files(listing: bytes) -> Iterator[_File]:
    for line in listing.split(b"\0"):
        head, _, path = line.partition(b"\t")
        name = os.fsdecode(path)
        wanted = name.endswith(_SOURCES) or name.rpartition("/")[2] in _CONFIGURING
        if wanted and head.startswith(_REGULAR):
            yield _File(name, head.split()[2].decode())


def _contents(git: _Git, files: Sequence[_File]) -> Iterator[bytes]:
    answer = git.said("cat-file", "--batch", given="".join(f"{file.blob}\n" for file in files).encode())
    start = 0
    for _ in files:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[2])
        yield answer[end + 1 : end + 1 + size]
        start = end + size + 2


def _moved(project: Project, top: str, there: str) -> Project:
    """Give the project as it lies in another folder; what lies outside the repository stays where it is."""

    def move(path: str) -> str:
        real = os.path.realpath(path)
        return os.path.normpath(Path(there) / relative_to(real, top)) if is_within(real, top) else path

    folders = tuple(move(folder) for folder in (*project.folders, *project.apart))
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
    files = tuple(file for file in map(move, project.files) if Path(file).exists())
    root = move(project.root)
    return Project(
        root=root,
        boundary=move(project.boundary),
        given=tuple(Given(path, path) for path in (root, *folders, *files)),
        folders=folders[: len(project.folders)],
        apart=folders[len(project.folders) :],
        files=files,
        here=there,
        config=_config(project.config, move),
    )


def _config(config: Config, move: Callable[[str], str]) -> Config:
    folder = move(config.folder) if config.folder is not None else None
    return msgspec.structs.replace(config, folder=folder, python_path=tuple(map(move, config.python_path)))


class _Git:
    """The git of a folder, asked about a commit."""

    def __init__(self, folder: str, ref: str, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._ref = ref
        self._environment = environment

    def commit(self) -> str:
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{self._ref}^{{commit}}")
        if done.returncode:
            raise ConfigError(f"there is no commit `{self._ref}` in the repository of {self._folder}")
        return done.stdout.decode().strip()

    def said(self, *words: str, given: bytes = b"") -> bytes:
        done = self._run(*words, given=given)
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise ConfigError(f"{self._folder}: {reason or 'git failed'}")
        return done.stdout

    def _run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - no shell, and the words are git's
                ["git", "-C", self._folder, *words],  # noqa: S607 - the user's git
                input=given,
                capture_output=True,
                check=False,
                env=dict(self._environment),
            )
        except OSError as error:
            raise ConfigError(f"git cannot be run: {error.strerror or error}") from error
