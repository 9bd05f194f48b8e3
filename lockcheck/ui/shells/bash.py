"""Completion for bash."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.ui.shells.words import Command, commands, known, names, rules

_HEAD = """\
# Completion of lockcheck for bash. Put this into ~/.bashrc:
#     eval "$(lockcheck completion bash)"

_lockcheck() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="" command="check" options="" before
    COMPREPLY=()
    if (( COMP_CWORD > 0 )); then prev="${COMP_WORDS[COMP_CWORD-1]}"; fi
    if [[ "$cur" == "=" ]]; then cur=""; elif [[ "$prev" == "=" ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi
"""

_TAIL = """\
    if [[ "$cur" == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W "$names" -- "$cur"))
    fi
}

complete -o bashdefault -o default -F _lockcheck lockcheck
"""


def script() -> str:
    """Give the script."""
    return "".join((_HEAD, *_body(), _TAIL))


def _body() -> Iterator[str]:
    yield f'    local names="{" ".join(names())}"\n'
    yield f'    local rules="{" ".join(rules())}"\n'
    yield f'    case " {" ".join(known())} " in\n'
    yield '        *" ${COMP_WORDS[1]} "*) if (( COMP_CWORD > 1 )); then command="${COMP_WORDS[1]}"; fi ;;\n    esac\n'
    yield '    case "$command" in\n'
    for command in commands():
        spellings = " ".join(spelling for option in command.options for spelling in option.spellings)
        yield f'        {command.name}) options="{spellings}" ;;\n'
    yield '    esac\n    case "$command:$prev" in\n'
    for command in commands():
        yield from _values(command)
    yield "    esac\n"
    yield '    case "$command:$cur" in\n        *:-*) ;;\n'
    for command in commands():
        if command.name != "check" and (words := _words(command.takes, command.choices)):
            yield f'        {command.name}:*) COMPREPLY=($(compgen -W "{words}" -- "$cur")); return ;;\n'
    yield "    esac\n"


def _values(command: Command) -> Iterator[str]:
    """What may stand behind each option of a command; behind those that take a file bash knows what to do."""
    for option in command.options:
        place = "|".join(f"{command.name}:{spelling}" for spelling in option.spellings)
        words = _words(option.takes, option.choices)
        if option.takes == "rule":
            yield f'        {place}) before="${{cur%"${{cur##*,}}"}}"\n'
            yield f'            COMPREPLY=($(compgen -P "$before" -W "{words}" -- "${{cur##*,}}")); return ;;\n'
        elif option.takes == "folder":
            yield f'        {place}) COMPREPLY=($(compgen -d -- "$cur")); return ;;\n'
        elif words:
            yield f'        {place}) COMPREPLY=($(compgen -W "{words}" -- "$cur")); return ;;\n'
        elif option.takes != "nothing":
            yield f"        {place}) return ;;\n"


def _words(takes: str, choices: tuple[str, ...]) -> str:
    match takes:
        case "choice":
            return " ".join(choices)
        case "rule":
            return "$rules"
        case "command":
            return "$names"
        case _:
            return ""
