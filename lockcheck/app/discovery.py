"""Stage 1, read: the files of the project, their texts and their names. Nothing else opens sources."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import msgspec

from lockcheck.app.config import Config, ConfigError
from lockcheck.app.decoding import UndecodableError, decode
from lockcheck.app.exclusion import MAX_STARS, Exclusion, is_there, wrong_pattern
from lockcheck.app.naming import Ground, name_modules
from lockcheck.app.project import Project, absolute
from lockcheck.app.stamps import Index, Seen, Stamp, now
from lockcheck.app.store import digest
from lockcheck.model.findings import Failure
from lockcheck.model.source import SourceFile

_SUFFIXES = (".py", ".pyi")
_INSTALLED = (".dist-info", ".egg-info")


class Replacement(msgspec.Struct, frozen=True):
    """A text that stands for the contents of a file: an editor's buffer, the standard input."""

    path: str
    text: str


class Reading(msgspec.Struct, frozen=True):
    """What was read, by path, and what could not be; `index` is how all of that looked from outside."""

    sources: tuple[SourceFile, ...]
    failures: tuple[Failure, ...]
    index: Index = Index()


class Text(msgspec.Struct, frozen=True):
    """What a file holds, and how it looked before it was opened."""

    text: str
    seen: Seen


class _Found:
    """What the walk has come upon so far."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self.installed: set[str] = set()
        self.failures: list[Failure] = []
        self.places: list[Seen] = []


def read(project: Project, replacements: Sequence[Replacement] = ()) -> Reading:
    """Read all sources of a project. A failure names the file by its absolute path."""
    _check_patterns(project.config)
    taken = now()
    texts = {replacement.path: replacement.text for replacement in replacements}
    files: list[Seen] = []
    found = _find(project, texts)
    found.files.update(dict.fromkeys(texts))
    failures = found.failures
    for path in _without_shadowed_stubs(found.files):
        if path not in texts:
            read = read_text(path)
            if isinstance(read, Failure):
                failures.append(read)
            else:
                texts[path] = read.text
                files.append(read.seen)
    paths = sorted(texts)
    ground = Ground((*project.folders, *project.apart), _source_roots(project, found))
    names = name_modules(paths, ground, texts.values)
    sources = tuple(
        SourceFile(path, project.display(path), names[path].name, names[path].is_package, texts[path]) for path in paths
    )
    index = Index(taken, tuple(files), tuple(found.places))
    return Reading(sources, tuple(sorted(failures, key=lambda failure: failure.what)), index)


def _check_patterns(config: Config) -> None:
    globs = tuple(pattern for pattern, _ in config.per_file_ignores)
    for key, patterns in (
        ("exclude", config.exclude or ()),
        ("extend-exclude", config.extend_exclude),
        ("per-file-ignores", globs),
        ("test-files", config.test_files),
    ):
        wrong = wrong_pattern(patterns)
        if wrong is not None:
            raise ConfigError(
                f"{config.source}{key}: `{wrong}` is not a pattern as in `.gitignore`, or has more than {MAX_STARS} stars in one "
                "part: write it with fewer"
            )


def _find(project: Project, replaced: Container[str]) -> _Found:
    found = _Found()
    asked = [given.path for given in project.given]
    for folder in project.folders:
        exclusion = Exclusion(project.config, folder, project.boundary)
        _walk(folder, exclusion, found, explicit=folder in asked)
    if project.apart:
        config = msgspec.structs.replace(project.config, extend_exclude=())
        config = msgspec.structs.replace(config, exclude=() if config.exclude is not None else None)
        for folder in project.apart:
            _walk(folder, Exclusion(config, folder, folder), found, explicit=True)
    for path in project.files:
        found.files[path] = None
    for path in asked:
        if not is_there(Path(path)) and path not in replaced:
            found.failures.append(Failure(path, "no such file or folder"))
            found.files.pop(path, None)
    return found


def _walk(top: str, exclusion: Exclusion, found: _Found, *, explicit: bool) -> None:
    pending = [top]
    while pending:
        folder = pending.pop()
        found.places.append(Seen.at(folder))
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if explicit or folder != top:
                found.failures.append(Failure(folder, f"cannot be listed: {error.strerror or error}"))
            continue
        found.places += [Seen.at(entry.path) for entry in entries if _is_link_to_source(entry)]
        exclusion.enter(folder, any(entry.name == ".gitignore" for entry in entries))
        pending.extend(reversed(list(_folders(folder, entries, exclusion, found))))
        for entry in entries:
            if (
                entry.name.endswith(_SUFFIXES)
                and _is_source(entry)
                and not exclusion.leaves_out_file(folder, entry.path)
            ):
                found.files[entry.path] = None
    found.places += exclusion.seen


def _folders(folder: str, entries: list[os.DirEntry[str]], exclusion: Exclusion, found: _Found) -> Iterator[str]:
    """Give the folders to go on with. A symbolic link to a folder is not followed: its target has its own place."""
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            continue
        if entry.name.endswith(_INSTALLED):
            found.installed.add(folder)
        if not exclusion.leaves_out_folder(folder, entry.path, entry.name):
            yield entry.path


def _is_source(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file to be read. A link counts where its target is not found by itself."""
    if not entry.is_symlink():
        return entry.is_file(follow_symlinks=False)
    target = Path(entry.path)
    return target.is_file() and not target.resolve().is_relative_to(target.parent.resolve())


def _is_link_to_source(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is read or not as another place decides, which may change without the folder."""
    return entry.name.endswith(_SUFFIXES) and entry.is_symlink()


def read_text(path: str) -> Text | Failure:
    """Read a source."""
    stamp = Stamp.of(path)
    try:
        if stamp is not None and not stamp.is_file:
            return Failure(path, "is not a file")
        content = Path(path).read_bytes()
        return Text(decode(content), Seen(path, stamp, digest(content)))
    except OSError as error:
        return Failure(path, f"cannot be read: {error.strerror or error}")
    except UndecodableError as error:
        return Failure(path, f"cannot be decoded: {error}")


def _without_shadowed_stubs(files: dict[str, None]) -> Iterator[str]:
    """Where a module has both a source and a stub, the source is the program."""
    for path in files:
        if not (path.endswith(".pyi") and path.removesuffix("i") in files):
            yield path


def _source_roots(project: Project, found: _Found) -> tuple[str, ...]:
    """Give the folders that certainly lie on the import path: configured ones, `src`, and unpacked wheels."""
    config = project.config
    if config.src is not None and config.folder is not None:
        return tuple(absolute(folder, config.folder) for folder in config.src)
    layout = [str(Path(folder) / "src") for folder in (*project.folders, *project.apart)]
    found.places += [Seen.at(str(Path(folder) / "__init__.py")) for folder in layout]
    usual = [folder for folder in layout if Path(folder).is_dir() and not is_there(Path(folder) / "__init__.py")]
    return (*usual, *sorted(found.installed))
