"""How commands come to their project: where it lies, what is kept of it, and how its user wants to see it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.app.cache import Cache
    from lockcheck.app.cluster import Cluster
    from lockcheck.app.project import Project
    from lockcheck.ui.arguments import RunArguments


def project(paths: Sequence[str], arguments: RunArguments) -> Project:
    """Find the project of some paths, with its configuration."""
    import msgspec

    from lockcheck.app.project import absolute, locate

    found = locate(paths, here=here(), config_file=arguments.config, isolated=arguments.isolated)
    if not arguments.python_path:
        return found
    folders = tuple(absolute(folder, found.here) for folder in arguments.python_path)
    config = msgspec.structs.replace(found.config, python_path=(*folders, *found.config.python_path))
    return msgspec.structs.replace(found, config=config)


def here() -> str:
    """Give the folder that lockcheck is asked in; raises `ConfigError` where somebody has removed it."""
    from lockcheck.app.config import ConfigError

    try:
        return str(Path.cwd())
    except FileNotFoundError as error:
        raise ConfigError("the current folder is there no more: change to another one") from error


def cache(arguments: RunArguments, project: Project) -> Cache | None:
    """Open the store of a project, None where none is wanted."""
    if arguments.no_cache:
        return None
    url = arguments.cache_url or os.environ.get("LOCKCHECK_CACHE_URL")
    if url:
        from lockcheck.app.shared import SharedCache

        read_only = arguments.cache_read_only or os.environ.get("LOCKCHECK_CACHE_READ_ONLY", "0") not in ("", "0")
        return SharedCache(folder(arguments.cache_dir), project.root, url, read_only=read_only)
    from lockcheck.app.cache import Cache

    return Cache(folder(arguments.cache_dir), project.root)


def executor(address: str | None) -> Cluster | None:
    """Give the cluster that extracts facts, None where this machine does."""
    if address is None:
        return None
    from lockcheck.app.cluster import Cluster

    return Cluster(address)


def folder(asked: str | None) -> Path:
    """Give the folder in which stores lie: the one that is asked for, or the user's own."""
    from lockcheck.app.store import cache_folder

    return Path(asked) if asked else cache_folder(dict(os.environ))


def is_coloured(wish: str, *, written: bool = False) -> bool:
    """Whether what is printed, or `written` into a file, is to have colours."""
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR") or written:
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal()


def is_terminal() -> bool:
    """Whether the standard output is a terminal that can draw."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width(*, written: bool = False) -> int:
    """Give where lines should end."""
    if written or not sys.stdout.isatty():
        return 120
    return os.get_terminal_size(sys.stdout.fileno()).columns or 120
