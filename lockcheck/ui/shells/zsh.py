"""Completion for zsh."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockcheck.ui.shells.words import Command, Option, Takes, commands, known, rules

_HEAD = """\
#compdef lockcheck
# Completion of lockcheck for zsh. Put this into ~/.zshrc, behind `autoload -Uz compinit && compinit`:
#     eval "$(lockcheck completion zsh)"
"""

_TAIL = """\
if [[ "$funcstack[1]" == "_lockcheck" ]]; then
    _lockcheck "$@"
else
    compdef _lockcheck lockcheck
fi
"""


def script() -> str:
    """Give the script."""
    return "".join((_HEAD, *_lists(), *_body(), _TAIL))


def _lists() -> Iterator[str]:
    yield "\n_lockcheck_commands() {\n    local -a commands=(\n"
    yield from (f"        {_quoted(f'{command.name}:{command.help}')}\n" for command in commands())
    yield "    )\n    _describe -t commands command commands\n}\n"
    yield f"\n_lockcheck_rules() {{\n    local -a rules=({' '.join(rules())})\n    _values -s , rule $rules\n}}\n"


def _body() -> Iterator[str]:
    yield '\n_lockcheck() {\n    local command="check" curcontext="$curcontext"\n'
    yield f"    local -a known=({' '.join(known())})\n"
    yield '    if (( CURRENT == 2 )) && [[ "$words[2]" != -* ]]; then\n'
    yield "        _alternative 'commands:command:_lockcheck_commands' 'files:file:_files'\n        return\n    fi\n"
    yield "    if (( ${known[(Ie)$words[2]]} )); then\n"
    yield '        command="$words[2]"\n        shift words\n        (( CURRENT-- ))\n    fi\n'
    yield '    case "$command" in\n'
    for command in commands():
        yield f"        {command.name})\n            _arguments -s -S \\\n"
        yield from (f"                {spec} \\\n" for spec in _specs(command))
        yield "                && return ;;\n"
    yield "    esac\n}\n\n"


def _specs(command: Command) -> Iterator[str]:
    for option in command.options:
        yield from _option(option)
    action = _action(command.takes, command.choices)
    if command.takes != "nothing":
        many = "*" if command.name == "check" or command.takes == "file" else "1"
        yield _quoted(f"{many}:{command.takes}:{action}")


def _option(option: Option) -> Iterator[str]:
    text = re.sub(r"([\[\]:\\])", r"\\\1", option.help)
    for spelling in option.spellings:
        if option.takes == "nothing":
            yield _quoted(f"{spelling}[{text}]")
        else:
            sign = "=" if spelling.startswith("--") else "+"
            yield _quoted(f"*{spelling}{sign}[{text}]:{option.takes}:{_action(option.takes, option.choices)}")


def _action(takes: Takes, choices: tuple[str, ...]) -> str:
    match takes:
        case "choice":
            return f"({' '.join(choices)})"
        case "file":
            return "_files"
        case "folder":
            return "_files -/"
        case "rule":
            return "_lockcheck_rules"
        case "command":
            return "_lockcheck_commands"
        case "nothing" | "anything":
            return " "


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
