"""README and docs: every command line and every block of code in them is tried."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lockcheck.app.table import json_schema
from lockcheck.knowledge.load import parse
from lockcheck.rules.document import parse_document
from lockcheck.rules.registry import all_rules
from tests.conftest import Lockcheck, Run, Write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
ELSEWHERE = {
    "api.md": "test_foreign_rules.py",
    "commands.md": "test_commands.py",
}
"""Pages whose blocks belong together and are run by tests of their own."""

SOURCE = "https://github.com/lockcheck/lockcheck/archive/v0.1.0.tar.gz"
"""Where the pages install lockcheck from."""

PICTURES = {"text", "diff"}
"""Output: compared where the command before it is run."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, the row it begins in, its language and its text."""

    page: str
    row: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.row} {self.language}"


def blocks() -> Iterator[Block]:
    """Every fenced block of the pages."""
    for page in PAGES:
        text = page.read_text("utf-8")
        if page.name in ELSEWHERE:
            continue
        for match in re.finditer(r"^(`{3,})(\w*)\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE):
            yield Block(page.name, text.count("\n", 0, match.start()) + 1, match[2], match[3])


def of(*languages: str) -> list[Block]:
    """The blocks in some languages."""
    return [block for block in blocks() if block.language in languages]


def test_every_block_has_a_language_that_is_tried() -> None:
    tried = {"console", "toml", "yaml", "ini", "json", "python", "lua", "elisp"} | PICTURES
    assert [str(block) for block in blocks() if block.language not in tried] == []


def test_pages_that_are_tried_elsewhere_are() -> None:
    for page, test in ELSEWHERE.items():
        if (ROOT / "docs" / page).exists():
            assert page in (ROOT / "tests" / test).read_text("utf-8")


ROOMS = next(block for block in blocks() if block.page == "index.md" and block.language == "python").text


@pytest.fixture
def project(write: Write) -> Path:
    """A project with the names that the pages use, under version control."""
    root = write(
        {
            "rooms.py": ROOMS,
            "src/app/__init__.py": "",
            "src/app/rooms.py": ROOMS,
            "lockcheck.toml": "",
        }
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-qm", "a"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *words], check=True, capture_output=True)
    return root


def commands() -> Iterator[tuple[Block, str]]:
    """Every command line of the pages, and the runs in the recipes of CI."""
    for block in of("console"):
        for line in block.text.splitlines():
            yield block, line.removeprefix("$ ").partition("  #")[0].strip()
    for block in of("yaml"):
        for line in block.text.splitlines():
            found = re.match(r"\s*-(?: run:)? ((?:lockcheck|pip) .*)", line)
            if found is not None:
                yield block, found[1]


@pytest.mark.parametrize(
    "line", sorted({line for _, line in commands() if line.startswith("lockcheck")}), ids=lambda line: line
)
def test_command_does_what_it_is_shown_for(project: Path, lockcheck: Lockcheck, line: str) -> None:
    if "--baseline" in line:
        assert lockcheck("--write-baseline", "lockcheck-baseline.json").status == 0
    run: Run = lockcheck(*shlex.split(line)[1:])
    assert run.status in (0, 1), run.err
    assert "lockcheck: " not in run.err


def test_everything_else_that_is_typed_is_known() -> None:
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for block, line in commands():
        match shlex.split(line):
            case ["lockcheck", *_]:
                pass
            case [*_, "install", requirement] if requirement.startswith("lockcheck"):
                extra = re.fullmatch(rf"lockcheck(?:\[(\w+)\])? @ {re.escape(SOURCE)}", requirement)
                assert extra is not None, f"{block}: the name alone is another tool's on PyPI"
                assert extra[1] is None or extra[1] in extras, block
            case ["python", "-m", "flake8", *_]:
                assert "flake8" in extras, block
            case ["python3", "-m", "venv", *_]:
                assert "readme_" in ci, "the commands of the README are run by .ci/run"
                assert block.page == "README.md"
            case ["python", "-m", module, *_] if module.startswith("tests."):
                assert importlib.util.find_spec(module) is not None, block
            case _:
                pytest.fail(f"{block}: nobody tries {line!r}")


def test_pages_of_rules_have_no_names_that_markdown_takes_for_emphasis() -> None:
    for rule in all_rules():
        prose = re.sub(r"^(`{3,}).*?^\1$|`[^`\n]+`", "", rule.documentation, flags=re.DOTALL | re.MULTILINE)
        assert re.findall(r"\b__\w+__\b", prose) == [], rule.code


def test_report_and_diff_of_the_first_page_are_what_lockcheck_prints(write: Write, lockcheck: Lockcheck) -> None:
    write({"rooms.py": ROOMS.partition("\n")[2]})
    shown = [block for block in of(*PICTURES) if block.page == "index.md"]
    report, diff = (block.text for block in shown)
    assert lockcheck("--output-format", "full").out == report
    assert lockcheck("--diff", "--unsafe-fixes").out == diff


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_settings_are_settings(block: Block, write: Write, lockcheck: Lockcheck) -> None:
    document = tomllib.loads(block.text)
    if block.page == "describing-a-library.md":
        assert parse(block.text, str(block)).types
    elif "tool" in document:
        write(
            {"pyproject.toml": block.text, "app/native.py": "class Mutex: ...\ndef ask(question, timeout=None): ...\n"}
        )
        run = lockcheck("app")
        assert (run.status, run.err) == (0, "")
        assert set(document["tool"]["lockcheck"]) <= set(json_schema()["properties"])
    else:
        assert document["language-server"]["lockcheck"] == {"command": "lockcheck", "args": ["server"]}


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_recipes_are_yaml_and_name_hooks_that_there_are(block: Block) -> None:
    document = yaml.safe_load(block.text)
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    repositories = document.get("repos", []) if isinstance(document, dict) else document
    assert {hook["id"] for repository in repositories for hook in repository.get("hooks", ())} <= hooks


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_ini_files_can_be_read(block: Block) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(block.text)
    assert parser.sections()


@pytest.mark.parametrize("block", of("json", "lua", "elisp"), ids=str)
def test_editors_are_told_the_command_of_the_server(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    assert re.search(r'"lockcheck"[^\n]*(\n[^\n]*)?"server"', block.text)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_programs_are_python(block: Block) -> None:
    ast.parse(textwrap.dedent(block.text))


def test_pages_of_rules_can_be_made() -> None:
    for rule in all_rules():
        assert parse_document(rule.documentation, rule.name).examples
