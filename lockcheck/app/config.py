"""The configuration: `lockcheck.toml`, `.lockcheck.toml` or `[tool.lockcheck]` in `pyproject.toml`."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, cast, get_args

import msgspec

from lockcheck.app.selection import Catalogue, Selection
from lockcheck.model.findings import Confidence
from lockcheck.model.settings import precedes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OutputFormat: TypeAlias = Literal["full", "concise", "json"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
CONFIDENCES = tuple(confidence.word for confidence in sorted(Confidence, reverse=True))
TEST_FILES = ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py")
"""Patterns of test files, as in `.gitignore`."""
FILE_NAMES = (".lockcheck.toml", "lockcheck.toml", "pyproject.toml")


_LockPath: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\w+(\.\w+)+$")]
_Chain: TypeAlias = Annotated[tuple[_LockPath, ...], msgspec.Meta(min_length=2)]


class ConfigError(Exception):
    """A configuration that can't be obeyed; the message is one line that names the file and what is wrong."""


class Config(msgspec.Struct, frozen=True):
    """The settings of a run. `folder` is where patterns and source roots are relative to.

    `python_path` are absolute folders in which the sources of other packages lie.
    In `test_files` only findings of `test_confidence` or more are shown: tests have their own habits.
    """

    file: str | None = None
    folder: str | None = None
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
    lock_order: tuple[tuple[str, ...], ...] = ()
    output_format: OutputFormat = "full"
    respect_gitignore: bool = True
    fixable: tuple[str, ...] = ("ALL",)
    unfixable: tuple[str, ...] = ()
    extend_safe_fixes: tuple[str, ...] = ()
    extend_unsafe_fixes: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    show_fixes: bool = False


class _Table(msgspec.Struct, frozen=True, rename="kebab"):
    """The table as users write it."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    src: tuple[str, ...] | None = None
    python_path: tuple[str, ...] = ()
    min_confidence: str = "medium"
    test_files: tuple[str, ...] = TEST_FILES
    test_confidence: str = "high"
    default_timeout: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    lock_order: tuple[_Chain, ...] = ()
    output_format: str = "full"
    respect_gitignore: bool = True
    fixable: tuple[str, ...] = ("ALL",)
    unfixable: tuple[str, ...] = ()
    extend_safe_fixes: tuple[str, ...] = ()
    extend_unsafe_fixes: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    show_fixes: bool = False


_KEYS = tuple(field.encode_name for field in msgspec.structs.fields(_Table))


def nearest_config(start: Path) -> Path | None:
    """Give the configuration file that governs a folder: its own, or the one of the nearest folder above."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            file = folder / name
            if file.is_file() and (name != "pyproject.toml" or _table(file) is not None):
                return file
    return None


def load_config(file: Path) -> Config:
    """Read a configuration file."""
    raw = _table(file)
    return _config(file, raw if raw is not None else {})


def check_selectors(config: Config, catalogue: Catalogue) -> None:
    """Raise `ConfigError` where the configuration names a rule that there is not."""
    for key, selector in _selectors(config):
        if not catalogue.expand(selector):
            raise ConfigError(f"{config.file}: {unknown_rule(key, selector, catalogue)}")


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


def _table(file: Path) -> object:
    """Give the table of lockcheck in a file, None where a `pyproject.toml` has none."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    if file.name != "pyproject.toml":
        return document
    tools: object = document.get("tool")
    return cast("dict[str, object]", tools).get("lockcheck") if isinstance(tools, dict) else None


def _config(file: Path, raw: object) -> Config:
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: `tool.lockcheck` must be a table")
    for key in cast("dict[str, object]", raw):
        if key not in _KEYS:
            raise ConfigError(f"{file}: unknown key `{key}`{_hint(_near(key.replace('_', '-'), _KEYS))}")
    try:
        table = msgspec.convert(raw, _Table)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ConfigError(f"{file}: {where.rstrip('`') or 'tool.lockcheck'}: {what[:1].lower()}{what[1:]}") from error
    return Config(
        file=str(file),
        folder=str(file.parent),
        selections=(Selection(table.select, table.extend_select, table.ignore),),
        exclude=table.exclude,
        extend_exclude=table.extend_exclude,
        per_file_ignores=tuple(table.per_file_ignores.items()),
        src=table.src,
        python_path=tuple(os.path.normpath(file.parent / folder) for folder in table.python_path),
        min_confidence=_level(file, "min-confidence", table.min_confidence),
        test_files=table.test_files,
        test_confidence=_level(file, "test-confidence", table.test_confidence),
        default_timeout=table.default_timeout,
        lock_order=_order(file, table.lock_order),
        output_format=_format(file, table.output_format),
        respect_gitignore=table.respect_gitignore,
        fixable=table.fixable,
        unfixable=table.unfixable,
        extend_safe_fixes=table.extend_safe_fixes,
        extend_unsafe_fixes=table.extend_unsafe_fixes,
        unsafe_fixes=table.unsafe_fixes,
        show_fixes=table.show_fixes,
    )


def _order(file: Path, chains: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Refuse an order that contradicts itself: no program could keep it."""
    for chain in chains:
        for lock in chain:
            if precedes(chains, lock, lock):
                raise ConfigError(f"{file}: lock-order: `{lock}` would have to be taken before itself")
    return chains


def _level(file: Path, key: str, word: str) -> Confidence:
    level = confidence(word)
    if level is None:
        raise ConfigError(f"{file}: {key}: unknown level `{word}`{_choice(word, CONFIDENCES)}")
    return level


def _format(file: Path, word: str) -> OutputFormat:
    for known in OUTPUT_FORMATS:
        if known == word:
            return known
    raise ConfigError(f"{file}: output-format: unknown format `{word}`{_choice(word, OUTPUT_FORMATS)}")


def _choice(word: str, known: tuple[str, ...]) -> str:
    return _hint(_near(word, known)) or f"; there are {', '.join(known)}"


def _near(word: str, known: tuple[str, ...]) -> str | None:
    return next(iter(difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)), None)


def _hint(spelling: str | None) -> str:
    return f"; did you mean `{spelling}`?" if spelling else ""
