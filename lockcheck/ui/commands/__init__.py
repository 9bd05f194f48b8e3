"""The commands beside `check`: each is a module with `run(words) -> status`, loaded when it is asked for."""

from __future__ import annotations

import difflib
import importlib
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import cast

COMMANDS = {
    "rule": "show the page of a rule",
    "explain": "tell what is known of a place: findings, locks held, what it comes to",
    "graph": "draw the order in which locks are taken, or what a change adds to it",
    "config": "show every setting and where it comes from",
    "server": "serve an editor by the language server protocol",
    "clean": "remove what was kept of earlier runs",
    "completion": "print what completes the words of commands in a shell",
}
"""Names of commands, which are names of modules here, and what they do in a few words."""

ALIASES = {"generate-shell-completion": "completion"}
"""Names that users of ruff know."""

CHECK = "find lock and await hazards: what is done where no command is named"
HELP = "show the options of a command"


def command(name: str) -> Callable[[list[str]], int]:
    """Give what runs the command of that name on its words."""
    module = importlib.import_module(f"{__name__}.{ALIASES.get(name, name)}")
    return cast("Callable[[list[str]], int]", module.run)


def parser_of(name: str) -> ArgumentParser:
    """Give the parser of a command."""
    if name == "check":
        from lockcheck.ui.arguments import check_parser

        return check_parser()
    module = importlib.import_module(f"{__name__}.{ALIASES.get(name, name)}")
    return cast("Callable[[], ArgumentParser]", module.parser)()


def listed() -> dict[str, str]:
    """Give every command with what it does, `check` and `help` included."""
    return {"check": CHECK, **COMMANDS, "help": HELP}


def overview() -> str:
    """Give the commands as lines of a help text."""
    names = listed()
    width = max(map(len, names)) + 2
    lines = "\n".join(f"  {name:<{width}}{does}" for name, does in names.items())
    return f"commands:\n{lines}\n\n`lockcheck help COMMAND` shows the options of a command; these are those of `check`."


def mistaken(word: str) -> str | None:
    """Give the command that a word was probably meant to be: it is no option, no path, and nearly a command."""
    if word.startswith("-") or not word.replace("-", "").isalpha() or Path(word).exists():
        return None
    return next(iter(difflib.get_close_matches(word.lower(), (*listed(), *ALIASES), n=1, cutoff=0.6)), None)
