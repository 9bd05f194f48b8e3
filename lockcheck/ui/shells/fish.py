"""Completion for fish."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.ui.shells.words import Command, Option, Takes, commands, known, names, rules

_HEAD = """\
# Completion of lockcheck for fish. Put this into ~/.config/fish/completions/lockcheck.fish:
#     lockcheck completion fish | source

"""


def script() -> str:
    """Give the script."""
    return "".join((_HEAD, *_functions(), *_names(), *(line for command in commands() for line in _command(command))))


def _functions() -> Iterator[str]:
    yield "function __lockcheck_command\n    set -l words (commandline -opc)\n"
    yield f"    if set -q words[2]; and contains -- $words[2] {' '.join(known())}\n"
    yield "        echo $words[2]\n    else\n        echo check\n    end\nend\n\n"
    yield "function __lockcheck_is_first\n    test (count (commandline -opc)) -eq 1\nend\n\n"
    yield f"set -g __lockcheck_rules {' '.join(rules())}\n\n"


def _names() -> Iterator[str]:
    for command in commands():
        yield f"complete -c lockcheck -n __lockcheck_is_first -a {command.name} -d {_quoted(command.help)}\n"


def _command(command: Command) -> Iterator[str]:
    condition = f"complete -c lockcheck -n 'test (__lockcheck_command) = {command.name}'"
    for option in command.options:
        yield f"{condition}{_option(option)} -d {_quoted(option.help)}\n"
    if command.takes not in ("file", "nothing"):
        yield f"{condition} -f{_values(command.takes, command.choices)}\n"


def _option(option: Option) -> str:
    spellings = "".join(f" -l {s[2:]}" if s.startswith("--") else f" -s {s[1:]}" for s in option.spellings)
    match option.takes:
        case "nothing":
            return spellings
        case "file":
            return f"{spellings} -r -F"
        case _:
            return f"{spellings} -x{_values(option.takes, option.choices)}"


def _values(takes: Takes, choices: tuple[str, ...]) -> str:
    match takes:
        case "choice":
            return f" -a {_quoted(' '.join(choices))}"
        case "rule":
            return " -a '$__lockcheck_rules'"
        case "command":
            return f" -a {_quoted(' '.join(names()))}"
        case "folder":
            return " -a '(__fish_complete_directories)'"
        case "file" | "nothing" | "anything":
            return ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
