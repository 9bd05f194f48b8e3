"""The library of a run: the shipped tables, and before them what the project's configuration says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.app.config import Config, ConfigError
from lockcheck.knowledge.load import Library, load
from lockcheck.knowledge.own import DESCRIBING, Own, extend
from lockcheck.knowledge.schema import TableError
from lockcheck.model.findings import Failure

if TYPE_CHECKING:
    from lockcheck.analysis.summarise import Analysis


def library(config: Config) -> Library:
    """Give what is known of libraries; raises `ConfigError` where the configuration says what cannot be."""
    if config.own == Own():
        return load()
    try:
        return extend(load(), config.own, dict(config.origins))
    except TableError as error:
        raise ConfigError(str(error)) from error


def unknown_names(analysis: Analysis | Failure, config: Config) -> Iterator[Failure]:
    """Complain of names that the configuration describes and the program does not have: they would do nothing."""
    if isinstance(analysis, Failure):
        return
    origins = dict(config.origins)
    keys = {name: key for key in DESCRIBING for name in getattr(config.own, key.replace("-", "_"))}
    for name in analysis.program.unknown:
        key = keys.get(name, "library")
        yield Failure(
            f"{origins[key]}: {key}",
            f"`{name}` is described, but there is no such class or function; name it where it is defined",
        )
