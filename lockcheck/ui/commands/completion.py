"""`lockcheck completion SHELL`: what completes the words of lockcheck's commands in a shell."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import cast

from lockcheck.ui.streams import CLEAN, write

SHELLS = ("bash", "zsh", "fish", "powershell")


class _Arguments(argparse.Namespace):
    shell: str


def run(words: list[str]) -> int:
    """Print it, and give the exit status."""
    arguments = parser().parse_args(words, _Arguments())
    module = importlib.import_module(f"lockcheck.ui.shells.{arguments.shell}")
    return write(cast("Callable[[], str]", module.script)(), CLEAN)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck completion",
        description="Print what makes a shell complete the words of lockcheck's commands.",
        epilog='bash: put `eval "$(lockcheck completion bash)"` into ~/.bashrc; the others say it in their first lines',
        allow_abbrev=False,
    )
    made.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    return made
