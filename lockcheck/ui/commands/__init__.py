"""The commands beside `check`: each is a module with `run(words) -> status`, loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

COMMANDS = {
    "config": "show every setting and where it comes from",
    "explain": "tell what is known of a place",
    "graph": "draw the order of locks",
    "rule": "show the page of a rule",
}
"""Names of commands, which are names of modules here, and what they do in a few words."""


def command(name: str) -> Callable[[list[str]], int]:
    """Give what runs the command of that name on its words."""
    module = importlib.import_module(f"{__name__}.{name}")
    return cast("Callable[[list[str]], int]", module.run)
