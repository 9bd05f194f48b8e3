"""What can be completed, read off the parsers of the commands, so that none is ever forgotten."""

from __future__ import annotations

import argparse
from typing import Literal, TypeAlias

import msgspec

from lockcheck.ui.commands import ALIASES, listed, parser_of

Takes: TypeAlias = Literal["nothing", "file", "folder", "rule", "command", "choice", "anything"]
"""What stands after an option, or in the place of an operand."""

_METAVARS: dict[str, Takes] = {
    "FILE": "file",
    "FILE[:LINE[:COLUMN]]": "file",
    "PATH": "file",
    "FOLDER": "folder",
    "RULES": "rule",
    "CODE|NAME": "rule",
}


class Option(msgspec.Struct, frozen=True):
    """An option by all its spellings, and what it takes; `help` is a line."""

    spellings: tuple[str, ...]
    help: str
    takes: Takes
    choices: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True):
    """A command with its options and what its other words may be."""

    name: str
    help: str
    options: tuple[Option, ...]
    takes: Takes
    choices: tuple[str, ...] = ()


def commands() -> tuple[Command, ...]:
    """Every command, `help` included."""
    return tuple(_command(name, does) for name, does in listed().items())


def names() -> tuple[str, ...]:
    """Every word that is a command; other names of one are understood and not offered."""
    return tuple(listed())


def known() -> tuple[str, ...]:
    """Every word that is understood as a command."""
    return (*listed(), *ALIASES)


def rules() -> tuple[str, ...]:
    """The codes and names of all rules."""
    from lockcheck.rules.registry import all_rules

    found = all_rules()
    return (*(rule.code for rule in found), *(rule.name for rule in found))


def _command(name: str, does: str) -> Command:
    if name == "help":
        return Command(name, does, (), "command")
    parser = parser_of(name)
    options = tuple(_option(action) for action in _actions(parser) if action.option_strings)
    operand = next((action for action in _actions(parser) if not action.option_strings), None)
    if operand is None:
        return Command(name, does, options, "nothing")
    return Command(name, does, options, _takes(operand), _choices(operand))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - the only way to ask a parser what it understands


def _option(action: argparse.Action) -> Option:
    help_text = (action.help or "").partition("\n")[0]
    takes: Takes = "nothing" if action.nargs == 0 else _takes(action)
    return Option(tuple(action.option_strings), help_text, takes, _choices(action))


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(map(str, action.choices)) if action.choices is not None else ()


def _takes(action: argparse.Action) -> Takes:
    if action.choices is not None:
        return "choice"
    return _METAVARS.get(action.metavar if isinstance(action.metavar, str) else "", "anything")
