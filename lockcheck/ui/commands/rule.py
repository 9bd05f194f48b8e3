"""`lockcheck rule CODE|NAME|--all`: the page of a rule."""

from __future__ import annotations

import argparse

from lockcheck.app.config import ConfigError, unknown_rule
from lockcheck.app.project import locate
from lockcheck.app.rulebook import rulebook
from lockcheck.app.selection import Catalogue
from lockcheck.rules.registry import Rule
from lockcheck.ui import opening
from lockcheck.ui.render import URL
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import visible
from lockcheck.ui.streams import CLEAN, write

FORMATS = ("text", "markdown", "json")
WIDEST = 100
"""Characters of a line of prose that reads well."""


class _Arguments(argparse.Namespace):
    rule: str | None
    all: bool
    output_format: str
    color: str


def run(words: list[str]) -> int:
    """Print the page, and give the exit status."""
    made = parser()
    arguments = made.parse_args(words, _Arguments())
    if (arguments.rule is None) != arguments.all:
        made.error("give the code or name of one rule, or --all")
    known = rulebook(locate(["."], here=opening.here(), isolated=True)).rules
    rules = known if arguments.rule is None else (_named(arguments.rule, known),)
    if arguments.output_format == "json":
        data = [_data(rule) for rule in rules]
        return write(dump(data if arguments.all else data[0]), CLEAN)
    pages = [_page(rule) for rule in rules]
    if arguments.output_format == "text" and opening.is_coloured(arguments.color):
        pages = [_drawn(page) for page in pages]
    return write("\n".join(pages), CLEAN)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(prog="lockcheck rule", description="Show the page of a rule.", allow_abbrev=False)
    made.add_argument("rule", metavar="CODE|NAME", nargs="?", help="such as LCK101 or thread-lock-across-await")
    made.add_argument("--all", action="store_true", help="show the pages of all rules")
    group = made.add_argument_group("output")
    group.add_argument("--output-format", choices=FORMATS, default="text", help="default: text, drawn in a terminal")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")
    return made


def _named(asked: str, known: tuple[Rule, ...]) -> Rule:
    for rule in known:
        if asked.upper() == rule.code or asked.lower() == rule.name:
            return rule
    begun = [rule.code for rule in known if asked and rule.code.startswith(asked.upper())]
    if begun:
        raise ConfigError(f"rule: `{visible(asked)}` is no one rule; with it begin {', '.join(begun)}")
    raise ConfigError(unknown_rule("rule", asked, Catalogue.of(known)))


def _page(rule: Rule) -> str:
    """The page as Markdown: what the rule is called, whether it is on, and its documentation."""
    summary, _, rest = rule.documentation.strip().partition("\n")
    default = "On by default" if rule.default else "Off by default"
    return f"# {rule.name} ({rule.code})\n\n{summary.lstrip('# ')}\n\n{default}. Since {rule.since}.\n{rest}\n"


def _data(rule: Rule) -> Json:
    summary, _, rest = rule.documentation.strip().partition("\n")
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": summary.lstrip("# "),
        "default": rule.default,
        "since": rule.since,
        "supersedes": list(rule.supersedes),
        "explanation": rest.strip(),
        "url": URL + rule.code,
    }


def _drawn(text: str) -> str:
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.text import Text

    from lockcheck.ui.render.drawing import drawn

    title, _, rest = text.partition("\n")
    page = Group(Text(title.lstrip("# "), "bold"), Markdown(rest, code_theme="ansi_dark"))
    return drawn(page, colour=True, width=min(opening.width(), WIDEST), wraps=True)
