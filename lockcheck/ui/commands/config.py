"""`lockcheck config [PATH]`: every setting, its value, and where that comes from."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import msgspec

from lockcheck.app.config import Config
from lockcheck.app.project import locate
from lockcheck.app.table import KEYS, json_schema
from lockcheck.ui import opening
from lockcheck.ui.streams import CLEAN, write

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("text", "json")


class Setting(msgspec.Struct, frozen=True):
    """A setting as it holds: `origin` is the file that sets it, None for the default."""

    key: str
    value: object
    origin: str | None


def run(words: list[str]) -> int:
    """Print the settings that hold for a path, and give the exit status."""
    asked = parser().parse_args(words)
    if asked.schema:
        return write(json.dumps(json_schema(), indent=2) + "\n", CLEAN)
    config = locate([asked.path], here=opening.here(), config_file=asked.config, isolated=asked.isolated).config
    settings = list(_settings(config))
    if asked.output_format == "json":
        listed = {one.key: {"value": one.value, "origin": one.origin} for one in settings}
        return write(json.dumps({"file": config.file, "settings": listed}, indent=2) + "\n", CLEAN)
    return write(_text(config, settings), CLEAN)


def _settings(config: Config) -> Iterator[Setting]:
    given = dict(config.origins)
    for key in KEYS:
        yield Setting(key, msgspec.to_builtins(getattr(config.table, key.replace("-", "_"))), given.get(key))


def _text(config: Config, settings: list[Setting]) -> str:
    lines = [f"# {config.file or 'no configuration file: every setting has its default'}"]
    width = max(len(one.key) for one in settings)
    for one in settings:
        value = "-" if one.value is None else json.dumps(one.value, ensure_ascii=False)
        lines.append(f"{one.key:<{width}} = {value}  # {one.origin or 'default'}")
    return "\n".join(lines) + "\n"


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck config",
        description="Show every setting that holds for a path, and which file sets it.",
        allow_abbrev=False,
    )
    made.add_argument("path", metavar="PATH", nargs="?", default=".", help="a file or folder (default: .)")
    made.add_argument("--config", metavar="FILE", help="use this configuration file and no other")
    made.add_argument("--isolated", action="store_true", help="use no configuration file")
    made.add_argument("--schema", action="store_true", help="print the JSON schema of the settings instead")
    made.add_argument("--output-format", choices=FORMATS, default="text", help="default: text")
    return made
