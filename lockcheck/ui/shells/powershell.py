"""Completion for PowerShell."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.ui.shells.words import Command, commands, names, rules

_HEAD = """\
# Completion of lockcheck for PowerShell. Put this into $PROFILE:
#     lockcheck completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName lockcheck -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
"""

_TAIL = """\
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    if ($wordToComplete -ne '' -and $words.Count -gt 1) { $words = @($words[0..($words.Count - 2)]) }
    $command = 'check'
    if ($words.Count -gt 1 -and $options.ContainsKey($words[1])) { $command = $words[1] }
    $before = $words[-1]
    $offered = @()
    if ($values.ContainsKey("${command}:$before")) { $offered = $values["${command}:$before"] }
    elseif ($wordToComplete.StartsWith('-')) { $offered = $options[$command] }
    elseif ($words.Count -eq 1) { $offered = $names }
    elseif ($operands.ContainsKey($command)) { $offered = $operands[$command] }
    $offered | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
"""


def script() -> str:
    """Give the script."""
    return "".join((_HEAD, *_tables(), _TAIL))


def _tables() -> Iterator[str]:
    yield f"    $names = {_array(names())}\n    $rules = {_array(rules())}\n    $options = @{{\n"
    for command in commands():
        yield f"        {_quoted(command.name)} = {_array(s for option in command.options for s in option.spellings)}\n"
    yield "    }\n    $values = @{\n"
    for command in commands():
        yield from _values(command)
    yield "    }\n    $operands = @{\n"
    for command in commands():
        offered = _offered(command.takes, command.choices)
        if offered:
            yield f"        {_quoted(command.name)} = {offered}\n"
    yield "    }\n"


def _values(command: Command) -> Iterator[str]:
    for option in command.options:
        offered = _offered(option.takes, option.choices)
        for spelling in option.spellings if offered else ():
            yield f"        {_quoted(f'{command.name}:{spelling}')} = {offered}\n"


def _offered(takes: str, choices: tuple[str, ...]) -> str:
    match takes:
        case "choice":
            return _array(choices)
        case "rule":
            return "$rules"
        case "command":
            return "$names"
        case _:
            return ""


def _array(words: Iterator[str] | tuple[str, ...]) -> str:
    return f"@({', '.join(map(_quoted, words))})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
