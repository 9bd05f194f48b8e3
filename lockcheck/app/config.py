"""The configuration: `lockcheck.toml`, `.lockcheck.toml` or `[tool.lockcheck]` in `pyproject.toml`."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import msgspec

from lockcheck.app.selection import Catalogue, Selection
from lockcheck.app.table import CONFIDENCES, KEYS, OUTPUT_FORMATS, TEST_FILES, OutputFormat, SettingsTable
from lockcheck.app.target import Version, required, version
from lockcheck.knowledge.own import Own
from lockcheck.model.errors import LockcheckError
from lockcheck.model.findings import Confidence
from lockcheck.model.settings import precedes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAMES = (".lockcheck.toml", "lockcheck.toml", "pyproject.toml")
_SELECTING = ("ignore", "extend-select")
"""What works on a selection: a file that selects afresh has nothing of it from the files that it extends."""

_LONGEST, _DOTS = 1_000_000, 1_000
"""Characters of a file, and dots of a line, that configurations have less of: a key of many parts is parsed for minutes."""
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")


class ConfigError(LockcheckError):
    """A configuration that can't be obeyed; the message is one line that names the file and what is wrong."""


class Config(msgspec.Struct, frozen=True):
    """The settings of a run. `folder` is where patterns and source roots are relative to.

    `origins` tells for each key that is set which file sets it, `table` has all settings as they were written; `own` is what the project says of its calls and locks.
    `python_path` are absolute folders in which the sources of other packages lie. `target_version` is None where nobody says.
    In `test_files` only findings of `test_confidence` or more are shown: tests have their own habits.
    """

    file: str | None = None
    folder: str | None = None
    origins: tuple[tuple[str, str], ...] = ()
    table: SettingsTable = SettingsTable()
    selections: tuple[Selection, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    src: tuple[str, ...] | None = None
    python_path: tuple[str, ...] = ()
    min_confidence: Confidence = Confidence.MEDIUM
    test_files: tuple[str, ...] = TEST_FILES
    test_confidence: Confidence = Confidence.HIGH
    default_timeout: float = 30.0
    target_version: Version | None = None
    lock_order: tuple[tuple[str, ...], ...] = ()
    own: Own = Own()
    output_format: OutputFormat = "full"
    respect_gitignore: bool = True
    fixable: tuple[str, ...] = ("ALL",)
    unfixable: tuple[str, ...] = ()
    extend_safe_fixes: tuple[str, ...] = ()
    extend_unsafe_fixes: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    show_fixes: bool = False

    @property
    def source(self) -> str:
        """What an error begins with: the file, if there is one."""
        return f"{self.file}: " if self.file is not None else "config: "


class _Layer(msgspec.Struct, frozen=True):
    """One configuration file: what stands in it, and that as settings."""

    file: Path
    raw: dict[str, object]
    table: SettingsTable


def nearest_config(start: Path) -> Path | None:
    """Give the configuration file that governs a folder: its own, or the one of the nearest folder above."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            file = folder / name
            if file.is_file() and (name != "pyproject.toml" or read_table(file) is not None):
                return file
    return None


def required_version(start: Path) -> tuple[Version, Path] | None:
    """Give the oldest Python that the nearest `pyproject.toml` at or above a folder asks for, if one does, and that file."""
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        found = required(_document(file)) if file.is_file() else None
        if found is not None:
            return found, file
    return None


def load_config(file: Path) -> Config:
    """Read a configuration file and those that it extends."""
    return _joined(file, _layers(_layer(file, None)))


def make_config(settings: Mapping[str, object], folder: Path) -> Config:
    """Make a configuration of the keys and values of a file's table; paths in it are relative to the folder."""
    file = folder / "config"  # there is no such file: it is what an error calls the settings
    try:
        config = _joined(file, _layers(_understood(file, dict(settings))))
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(file), file.name)) from error
    origins = tuple((key, file.name if origin == str(file) else origin) for key, origin in config.origins)
    return msgspec.structs.replace(config, file=None, origins=origins)


def _joined(file: Path, layers: list[_Layer]) -> Config:
    """The settings of a file over those of the files that it extends."""
    merged: dict[str, object] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        if layer.table.select is not None:
            origins |= {key: str(layer.file) for key in _SELECTING if merged.pop(key, None) is not None}
        for key, value in layer.raw.items():
            merged[key] = _over(key, merged.get(key), value)
            origins[key] = str(layer.file)
    return _config(file, msgspec.convert(merged, SettingsTable), origins, layers)


def _layers(first: _Layer) -> list[_Layer]:
    """Give a file and those that it extends, the farthest first."""
    layers = [first]
    while (extended := layers[-1].table.extend) is not None:
        last = layers[-1].file
        following = Path(os.path.normpath(last.parent / os.path.expanduser(extended)))  # noqa: PTH111 - that of `Path` may raise
        if any(following == known.file for known in layers):
            raise ConfigError(f"{last}: extend: `{extended}` extends this file in turn")
        layers.append(_layer(following, last))
    return layers[::-1]


def _layer(file: Path, extending: Path | None) -> _Layer:
    try:
        raw = read_table(file)
    except ConfigError as error:
        if extending is None:
            raise
        raise ConfigError(f"{extending}: extend: {error}") from error
    if raw is None:
        if extending is not None:
            raise ConfigError(f"{extending}: extend: {file} has no `[tool.lockcheck]`")
    return _understood(file, {} if raw is None else raw)


def _understood(file: Path, raw: object) -> _Layer:
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: `tool.lockcheck` must be a table")
    settings = cast("dict[str, object]", raw)
    for key in settings:
        if key not in KEYS:
            raise ConfigError(f"{file}: unknown key `{key}`{_hint(_near(key.replace('_', '-'), KEYS))}")
    try:
        table = msgspec.convert(settings, SettingsTable)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ConfigError(f"{file}: {where.rstrip('`') or 'tool.lockcheck'}: {what[:1].lower()}{what[1:]}") from error
    for key in ("min-confidence", "test-confidence"):
        _one_of(file, key, settings.get(key), CONFIDENCES, "level")
    _one_of(file, "output-format", settings.get("output-format"), OUTPUT_FORMATS, "format")
    if table.python_path:
        settings = {**settings, "python-path": [os.path.normpath(file.parent / folder) for folder in table.python_path]}
    return _Layer(file, settings, table)


def _over(key: str, before: object, after: object) -> object:
    """What a key means where a file that is extended has it too.

    Tables are joined, and lists called `extend-…`; so is `ignore`, for what the one selects the other takes from.
    """
    match before, after:
        case dict(), dict():
            return {**cast("dict[str, object]", before), **cast("dict[str, object]", after)}
        case list(), list() if key.startswith("extend-") or key in _SELECTING:
            return [*cast("list[object]", before), *cast("list[object]", after)]
        case _, value:
            return value


def check_selectors(config: Config, catalogue: Catalogue) -> None:
    """Raise `ConfigError` where the configuration names a rule that there is not."""
    origins = dict(config.origins)
    for key, selector in _selectors(config):
        if not catalogue.expand(selector):
            raise ConfigError(
                f"{origins.get(key.partition('.')[0], config.file)}: {unknown_rule(key, selector, catalogue)}"
            )


def unknown_rule(key: str, selector: str, catalogue: Catalogue) -> str:
    """Say that a selector under a key stands for no rule."""
    return f"{key}: unknown rule `{selector}`{_hint(catalogue.nearest(selector))}"


def confidence(word: str) -> Confidence | None:
    """Give the confidence of that name."""
    return next((level for level in Confidence if level.word == word), None)


def _selectors(config: Config) -> Iterator[tuple[str, str]]:
    for selection in config.selections:
        yield from selection.selectors()
    for pattern, selectors in config.per_file_ignores:
        for selector in selectors:
            yield f'per-file-ignores."{pattern}"', selector
    for key, selectors in (
        ("fixable", config.fixable),
        ("unfixable", config.unfixable),
        ("extend-safe-fixes", config.extend_safe_fixes),
        ("extend-unsafe-fixes", config.extend_unsafe_fixes),
    ):
        for selector in selectors:
            yield key, selector


def read_table(file: Path) -> object:
    """Give the table of lockcheck in a file, None where a `pyproject.toml` has none."""
    document = _document(file)
    if file.name != "pyproject.toml":
        return document
    tools: object = document.get("tool")
    return cast("dict[str, object]", tools).get("lockcheck") if isinstance(tools, dict) else None


def _document(file: Path) -> dict[str, object]:
    try:
        text = file.read_text("utf-8")
        if len(text) > _LONGEST or any(_TEXT.sub("", line).count(".") > _DOTS for line in text.splitlines()):
            raise ConfigError(f"{file}: not read, for it is too long or has too many dots in a line")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: not valid TOML: nested too deeply") from error


def _config(file: Path, table: SettingsTable, origins: dict[str, str], layers: list[_Layer]) -> Config:
    selections = tuple(Selection(one.table.select, one.table.extend_select, one.table.ignore) for one in layers)
    return Config(
        file=str(file),
        folder=str(file.parent),
        origins=tuple(origins.items()),
        table=table,
        selections=selections,
        exclude=table.exclude,
        extend_exclude=table.extend_exclude,
        per_file_ignores=tuple(table.per_file_ignores.items()),
        src=table.src,
        python_path=table.python_path,
        min_confidence=Confidence[table.min_confidence.upper()],
        test_files=table.test_files,
        test_confidence=Confidence[table.test_confidence.upper()],
        default_timeout=table.default_timeout,
        target_version=target_version(f"{origins.get('target-version')}: target-version", table.target_version),
        lock_order=_order(origins.get("lock-order", ""), table.lock_order),
        own=Own(
            table.locks, table.queues, table.blocking_calls, table.non_blocking_calls, table.timeouts, table.library
        ),
        output_format=next(known for known in OUTPUT_FORMATS if known == table.output_format),
        respect_gitignore=table.respect_gitignore,
        fixable=table.fixable,
        unfixable=table.unfixable,
        extend_safe_fixes=table.extend_safe_fixes,
        extend_unsafe_fixes=table.extend_unsafe_fixes,
        unsafe_fixes=table.unsafe_fixes,
        show_fixes=table.show_fixes,
    )


def _order(file: str, chains: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Refuse an order that contradicts itself: no program could keep it."""
    for chain in chains:
        for lock in chain:
            if precedes(chains, lock, lock):
                raise ConfigError(f"{file}: lock-order: `{lock}` would have to be taken before itself")
    return chains


def _one_of(file: Path, key: str, word: object, known: tuple[str, ...], what: str) -> None:
    if isinstance(word, str) and word not in known:
        raise ConfigError(f"{file}: {key}: unknown {what} `{word}`{_choice(word, known)}")


def target_version(key: str, word: str | None) -> Version | None:
    """Give the version that a word stands for; `key` is where it was found."""
    found = version(word) if word is not None else None
    if word is not None and found is None:
        raise ConfigError(f"{key}: unknown version `{word}`; write `py311` for Python 3.11")
    return found


def _choice(word: str, known: tuple[str, ...]) -> str:
    return _hint(_near(word, known)) or f"; there are {', '.join(known)}"


def _near(word: str, known: tuple[str, ...]) -> str | None:
    return next(iter(difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)), None)


def _hint(spelling: str | None) -> str:
    return f"; did you mean `{spelling}`?" if spelling else ""
