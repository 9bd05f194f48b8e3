"""The commands that look at no project, and what all of them have in common."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lockcheck.rules.registry import all_rules
from lockcheck.ui.commands import ALIASES, COMMANDS, listed, parser_of
from tests.conftest import HAZARD, Lockcheck, Write
from tests.programs import BANK

ROOT = Path(__file__).parent.parent


def test_page_of_a_rule_is_markdown_where_nobody_draws_it(lockcheck: Lockcheck) -> None:
    run = lockcheck("rule", "LCK101")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("# thread-lock-across-await (LCK101)\n\nA coroutine is suspended")
    assert "\n\nOn by default. Since 0.1.0.\n\n## What it does\n" in run.out
    assert run == lockcheck("rule", "LCK101", "--output-format", "markdown", "--color", "always")


def test_page_of_a_rule_is_drawn_where_there_is_colour(lockcheck: Lockcheck) -> None:
    run = lockcheck("rule", "LCK101", "--color", "always")
    assert "## " not in run.out
    assert "```" not in run.out
    assert "\x1b[" in run.out
    assert max(map(len, run.out.replace("\x1b", "").splitlines())) < 300


def test_rule_as_json(lockcheck: Lockcheck) -> None:
    one = json.loads(lockcheck("rule", "missing-release", "--output-format", "json").out)
    assert set(one) == {"code", "name", "summary", "default", "since", "supersedes", "explanation", "url"}
    assert one["explanation"].startswith("## What it does")
    every = json.loads(lockcheck("rule", "--all", "--output-format", "json").out)
    assert [each["code"] for each in every] == [rule.code for rule in all_rules()]
    assert one in every


def test_all_rules_as_one_page(lockcheck: Lockcheck) -> None:
    out = lockcheck("rule", "--all").out
    assert all(f"# {rule.name} ({rule.code})\n" in out for rule in all_rules())


@pytest.mark.parametrize("words", [["rule"], ["rule", "LCK101", "--all"]])
def test_one_rule_or_all(lockcheck: Lockcheck, words: list[str]) -> None:
    run = lockcheck(*words)
    assert (run.status, run.out) == (2, "")
    assert "give the code or name of one rule, or --all" in run.err


def cached(write: Write, lockcheck: Lockcheck) -> Path:
    write({"a.py": HAZARD})
    lockcheck("a.py")
    return Path(os.environ["LOCKCHECK_CACHE_DIR"])


def test_clean_removes_what_was_kept_and_says_so(write: Write, lockcheck: Lockcheck) -> None:
    folder = cached(write, lockcheck)
    kept = list(folder.iterdir())
    assert {file.suffix for file in kept} == {".facts", ".report", ".summaries"}
    (folder / ".facts-abc_123").write_bytes(b"cut off")
    size = sum(file.stat().st_size for file in kept) + len(b"cut off")
    run = lockcheck("clean")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("Removed 4 files (")
    assert run.out.endswith(f") from {folder}\n")
    assert f"({size} bytes)" in run.out or f"({size / 1000:.1f} KB)" in run.out
    assert list(folder.iterdir()) == []
    assert lockcheck("clean") == (0, f"Nothing to remove in {folder}\n", "")


def test_clean_leaves_what_is_not_ours(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    folder = cached(write, lockcheck)
    other = tmp_path / "precious"
    other.write_text("keep")
    (folder / f"{'0' * 32}.facts").symlink_to(other)
    (folder / "notes.txt").write_text("keep")
    (folder / f"{'1' * 32}.facts").mkdir()
    assert lockcheck("clean").out.startswith("Removed 3 files (")
    assert other.read_text() == "keep"
    assert sorted(file.name[:2] for file in folder.iterdir()) == ["00", "11", "no"]


def test_clean_does_not_enter_a_link(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
    folder = cached(write, lockcheck)
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    run = lockcheck("clean", "--cache-dir", link)
    assert (run.status, run.out) == (2, "")
    assert f"{link}: is a link to {folder}: name that folder itself" in run.err
    assert len(list(folder.iterdir())) == 3


def test_clean_where_nothing_ever_was(lockcheck: Lockcheck, tmp_path: Path) -> None:
    assert lockcheck("clean", "--cache-dir", tmp_path / "no") == (0, f"Nothing to remove in {tmp_path / 'no'}\n", "")


@pytest.mark.parametrize("word", [*COMMANDS, *ALIASES, "check"])
def test_every_command_has_its_help(lockcheck: Lockcheck, word: str) -> None:
    run = lockcheck(word, "--help")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("usage: lockcheck ")
    assert lockcheck("help", word).out == run.out


def test_help_lists_every_command(lockcheck: Lockcheck) -> None:
    run = lockcheck("--help")
    assert run == lockcheck("help") == lockcheck("-h")
    lines = [line.split(maxsplit=1) for line in run.out.splitlines()]
    assert all([name, does] in lines for name, does in listed().items())


def test_every_option_says_what_it_does() -> None:
    for name in ("check", *COMMANDS):
        for action in parser_of(name)._actions:
            assert action.help, (name, action.option_strings)


def test_the_same_option_is_called_the_same_everywhere() -> None:
    said: dict[str, set[str | None]] = {}
    for name in ("check", "explain", "graph"):
        for action in parser_of(name)._actions:
            for spelling in action.option_strings:
                if spelling not in ("--output-format", "--output-file"):
                    said.setdefault(spelling, set()).add(action.help)
    assert {spelling: texts for spelling, texts in said.items() if len(texts) > 1} == {}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["chekc"], "lockcheck: chekc: no such file, folder or command; did you mean `check`?"),
        (["grpah", "--output-format", "html"], "did you mean `graph`?"),
        (["Explain", "a.py:3"], "did you mean `explain`?"),
        (["help", "clena"], "lockcheck: help: there is no command `clena`; did you mean `clean`?"),
        (["help", "zebra"], "there are check, "),
        (["zebra"], "lockcheck: zebra: no such file or folder"),
        (["chekc.py"], "lockcheck: chekc.py: no such file or folder"),
        (["completion", "tcsh"], "invalid choice: 'tcsh'"),
    ],
)
def test_a_wrong_word_gets_a_hint(write: Write, lockcheck: Lockcheck, words: list[str], complaint: str) -> None:
    write({"a.py": HAZARD})
    run = lockcheck(*words)
    assert run.status == 2
    assert complaint in run.err


def test_examples_of_the_page_on_commands_are_true(write: Write, lockcheck: Lockcheck) -> None:
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert program == BANK
    write({"bank.py": program})
    for words in (
        ["init", "-q"],
        ["add", "bank.py"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)
    blocks = re.findall(r"^```console\n\$ lockcheck (.*?)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == page.count("```console")
    for command, shown in blocks:
        run = lockcheck(*command.split())
        assert run.status == 0
        pattern = "".join(".*" if line == "…\n" else re.escape(line) for line in shown.splitlines(keepends=True))
        assert re.fullmatch(pattern, run.out, re.DOTALL), (command, run.out)
    assert {words.split()[0] for words, _ in blocks} <= set(COMMANDS)
    assert all(f"\n## {name}\n" in page for name in COMMANDS)


def test_a_file_that_is_nearly_called_as_a_command_is_a_file(write: Write, lockcheck: Lockcheck) -> None:
    write({"graphs/a.py": HAZARD})
    assert lockcheck("graphs").status == 1


@pytest.fixture
def script(tmp_path: Path, lockcheck: Lockcheck) -> dict[str, Path]:
    """The completion of each shell, in a file."""
    found: dict[str, Path] = {}
    for shell in ("bash", "zsh", "fish", "powershell"):
        run = lockcheck("completion", shell)
        assert (run.status, run.err) == (0, "")
        assert run == lockcheck("generate-shell-completion", shell)
        found[shell] = tmp_path / f"completion.{shell}"
        found[shell].write_text(run.out)
    return found


LINES = [
    ("lockcheck gra", "graph", None),
    ("lockcheck --sel", "--select", None),
    ("lockcheck graph --output-format ", "mermaid", "concise"),
    ("lockcheck check --output-format con", "concise", None),
    ("lockcheck rule LCK10", "LCK101", "LCK201"),
    ("lockcheck help cle", "clean", None),
    ("lockcheck graph --si", "--since", None),
    ("lockcheck completion fi", "fish", None),
    ("lockcheck graph mod", "module.py", None),
    ("lockcheck --select LCK101,LCK20", "LCK101,LCK201", None),
]
"""What is typed, a word that must be offered for it, and one that must not."""


def offered_by_bash(script: Path, line: str) -> list[str]:
    words = line.split(" ")
    code = f"""
        source {script}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _lockcheck
        if (( ${{#COMPREPLY[@]}} )); then printf '%s\\n' "${{COMPREPLY[@]}}"; else compgen -f -- '{words[-1]}'; fi
    """
    run = subprocess.run(["bash", "--norc", "-c", code], text=True, capture_output=True)
    assert run.stderr == ""
    return run.stdout.split()


def offered_by_fish(script: Path, line: str) -> list[str]:
    code = f"source {script}; complete --do-complete '{line}'"
    run = subprocess.run(["fish", "--no-config", "-c", code], text=True, capture_output=True)
    assert run.stderr == ""
    return [each.partition("\t")[0] for each in run.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("bash") is None or sys.platform == "win32", reason="needs bash")
@pytest.mark.parametrize(("line", "right", "wrong"), LINES)
def test_bash_completes(script: dict[str, Path], write: Write, line: str, right: str, wrong: str | None) -> None:
    write({"module.py": ""})
    offered = offered_by_bash(script["bash"], line)
    assert right in offered
    assert wrong not in offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(("line", "right", "wrong"), LINES[:-1])
def test_fish_completes(script: dict[str, Path], write: Write, line: str, right: str, wrong: str | None) -> None:
    write({"module.py": ""})
    offered = offered_by_fish(script["fish"], line)
    assert right in offered
    assert wrong not in offered


@pytest.mark.skipif(shutil.which("zsh") is None or sys.platform == "win32", reason="needs zsh")
@pytest.mark.parametrize(("line", "right"), [(line, right) for line, right, _ in LINES[:-1]])
def test_zsh_completes(script: dict[str, Path], write: Write, line: str, right: str) -> None:
    write({"module.py": ""})
    assert right in shown_by_zsh(script["zsh"], line, right)


def shown_by_zsh(script: Path, line: str, awaited: str) -> str:
    """What zsh shows when the tabulator is pressed in a terminal of its own, up to the word that is waited for."""
    code = f"""
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PROMPT='' ; autoload -Uz compinit && compinit -u -D && source {script} && print REA''DY"
        zpty -r -m shell answer '*READY*'
        zpty -w -n shell $'{line}\\t\\t'
        zpty -r -m shell answer '*{awaited}*'
        print -r -- "$answer"
        zpty -d shell
    """
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
    return subprocess.run(["zsh", "-f", "-c", code], text=True, capture_output=True, timeout=60, env=environment).stdout


def test_powershell_is_told_every_option(script: dict[str, Path]) -> None:
    text = script["powershell"].read_text()
    for name in ("check", *COMMANDS):
        for action in parser_of(name)._actions:
            assert all(f"'{spelling}'" in text for spelling in action.option_strings)
    assert text.count("{") == text.count("}")
