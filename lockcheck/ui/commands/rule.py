"""`lockcheck rule CODE|NAME`: the page of a rule."""

from __future__ import annotations

import argparse
from pathlib import Path

from lockcheck.app.config import unknown_rule
from lockcheck.app.project import locate
from lockcheck.app.rulebook import rulebook
from lockcheck.app.selection import Catalogue
from lockcheck.ui.streams import CLEAN, complain, write


def run(words: list[str]) -> int:
    """Print the page, and give the exit status."""
    asked: str = _parser().parse_args(words).rule
    rules = rulebook(locate(["."], here=str(Path.cwd()), isolated=True)).rules
    for rule in rules:
        if asked.upper() == rule.code or asked.lower() == rule.name:
            return write(f"{rule.documentation.strip()}\n", CLEAN)
    return complain(unknown_rule("rule", asked, Catalogue.of(rules)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lockcheck rule", description="Show the page of a rule.", allow_abbrev=False)
    parser.add_argument("rule", metavar="CODE|NAME", help="such as LCK101 or thread-lock-across-await")
    return parser
