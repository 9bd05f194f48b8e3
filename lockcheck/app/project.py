"""Which project the given paths belong to, and which of its files a run reports on.

The program is always the whole project: the folder of the nearest configuration, else the root of version
control, else what was given itself (a package, a folder, a file). The paths given select what is reported.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lockcheck.app.config import Config, load_config, nearest_config, required_version
from lockcheck.app.exclusion import Exclusion, is_left_out_below, is_there

_VERSION_CONTROL = (".git", ".hg", ".svn", ".jj")


class Given(msgspec.Struct, frozen=True):
    """A path as the user named it, and where it lies."""

    named: str
    path: str


class Project(msgspec.Struct, frozen=True):
    """What is looked at: `root` names the project, `folders` and `files` are where its sources are sought.

    A folder `apart` was named by the user although the project leaves it out: it is a program of its own.
    `boundary` is the folder from which `.gitignore` files count: the root of version control where there is one.
    """

    root: str
    boundary: str
    given: tuple[Given, ...]
    folders: tuple[str, ...]
    apart: tuple[str, ...]
    files: tuple[str, ...]
    here: str
    config: Config

    def covers(self, path: str) -> bool:
        """Whether the user asked about this file."""
        return any(path == given.path or path.startswith(_inside(given.path)) for given in self.given)

    def display(self, path: str) -> str:
        """Give a file's path as the user would name it: relative where the paths given are relative."""
        relative = False
        for given in self.given:
            is_relative = not Path(given.named).is_absolute()
            if path == given.path or path.startswith(_inside(given.path)):
                return relative_to(path, self.here) if is_relative else path
            relative = relative or is_relative
        return relative_to(path, self.here) if relative and path.startswith(_inside(self.here)) else path


def locate(
    paths: Sequence[str],
    *,
    here: str,
    config_file: str | None = None,
    isolated: bool = False,
    config: Config | None = None,
) -> Project:
    """Find the project of the paths, given relative to the folder `here`, and its configuration, if none is given."""
    given = tuple(Given(path, absolute(path, here)) for path in paths)
    start = _common_folder([one.path for one in given])
    found = _configuration(start, here, config_file, isolated) if config is None else _placed(config, here)
    config = _targeted(found, start, isolated=isolated)
    control = _version_control(start)
    root = _root(start, config, control)
    boundary = control or root or start
    apart = _apart(given, root, boundary, config) if root else ()
    rest = [one for one in given if one.path not in apart]
    folders, files = _places(rest, root)
    return Project(
        root=root if root and rest else _common_folder([*apart, *folders, *files]),
        boundary=boundary,
        given=given,
        folders=folders,
        apart=apart,
        files=files,
        here=here,
        config=config,
    )


def _places(given: Sequence[Given], root: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the folders to be walked and the files to be read whatever the walk finds."""
    folders: list[str] = []
    files: list[str] = []
    for one in given:
        path = Path(one.path)
        if root and is_within(one.path, root):
            folders.append(root)
        elif path.is_dir():
            folders.append(_package_root(path))
        elif is_there(path.parent / "__init__.py"):
            folders.append(_package_root(path.parent))
        if not path.is_dir():
            files.append(one.path)
    return _outermost(folders), tuple(sorted(set(files)))


def _apart(given: Sequence[Given], root: str, boundary: str, config: Config) -> tuple[str, ...]:
    """Give the folders that the user named although the project leaves them out."""
    below = [one.path for one in given if one.path != root and is_within(one.path, root) and Path(one.path).is_dir()]
    return _outermost([path for path in below if is_left_out_below(root, path, Exclusion(config, root, boundary))])


def absolute(path: str, here: str) -> str:
    """Give the absolute path without `.` and `..`; symbolic links stay, for users know files by them."""
    return os.path.normpath(Path(here) / path)


def relative_to(path: str, folder: str) -> str:
    """Give the path from a folder, with `..` where it must be."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return path


def is_within(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies below it."""
    return path == folder or path.startswith(_inside(folder))


def _inside(folder: str) -> str:
    return folder if folder.endswith(os.sep) else folder + os.sep


def _common_folder(paths: Sequence[str]) -> str:
    folders = [path if Path(path).is_dir() else str(Path(path).parent) for path in paths]
    try:
        return os.path.commonpath(folders)
    except ValueError:  # several drives
        return folders[0]


def _configuration(start: str, here: str, config_file: str | None, isolated: bool) -> Config:
    if isolated:
        return Config()
    if config_file is not None:
        return _placed(load_config(Path(absolute(config_file, here))), here)
    nearest = nearest_config(Path(start))
    return load_config(nearest) if nearest is not None else Config()


def _targeted(config: Config, start: str, *, isolated: bool) -> Config:
    """The configuration with a version of Python: the one that the project requires, where it names none itself."""
    if config.target_version is not None or isolated:
        return config
    found = required_version(Path(start))
    if found is None:
        return config
    (major, minor), file = found
    table = msgspec.structs.replace(config.table, target_version=f"py{major}{minor}")
    origins = (*config.origins, ("target-version", str(file)))
    return msgspec.structs.replace(config, target_version=found[0], table=table, origins=origins)


def _placed(config: Config, here: str) -> Config:
    """A configuration that was asked for by name speaks of the folder that lockcheck was asked in."""
    return msgspec.structs.replace(config, folder=here)


def _version_control(start: str) -> str | None:
    for folder in (Path(start), *Path(start).parents):
        if any(is_there(folder / name) for name in _VERSION_CONTROL):
            return None if _is_shared(str(folder)) else str(folder)
    return None


def _root(start: str, config: Config, control: str | None) -> str | None:
    folder = config.folder
    if folder is not None and is_within(start, folder) and not _is_shared(folder):
        return folder
    return control


def _is_shared(folder: str) -> bool:
    """Whether a folder holds what does not belong together, and so is never a project."""
    path = Path(folder)
    return path in (Path(path.anchor), Path.home(), Path(tempfile.gettempdir()))


def _package_root(path: Path) -> str:
    while is_there(path / "__init__.py") and is_there(path.parent / "__init__.py"):
        path = path.parent
    return str(path)


def _outermost(folders: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not any(is_within(folder, other) for other in kept):
            kept.append(folder)
    return tuple(kept)
