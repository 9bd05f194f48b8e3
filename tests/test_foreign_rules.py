"""Rules that other packages bring: found by entry point, tested by our machinery, and never out of the analysed tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lockcheck.testing import cases, check_case
from tests.conftest import Write
from tests.installed import ROOT, install

PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
RULE = next(re.finditer(r"````python\n# file: acme_rules/three_locks\.py\n(.*?)````", PAGE, re.DOTALL))[1]
RULES = {"acme_rules/__init__.py": "", "acme_rules/three_locks.py": RULE}
ENTRY = {"lockcheck.rules": {"acme": "acme_rules"}}

PROGRAM = """\
import threading

A = threading.Lock()
B = threading.Lock()
C = threading.Lock()
D = threading.Lock()


def move() -> None:
    with A, B, C:
        pass


def one() -> None:
    D.acquire()
    print("lost")
    D.acquire()
"""


def run(*arguments: str, path: tuple[Path, ...] = (), module: str = "lockcheck") -> subprocess.CompletedProcess[str]:
    folders = os.pathsep.join(map(str, (*path, ROOT)))
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, text=True, capture_output=True, env={**os.environ, "PYTHONPATH": folders}, timeout=120
    )


def check(*arguments: str, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    return run("check", "--no-cache", "--output-format", "concise", "--color", "never", *arguments, path=path)


def codes(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split()[1] for line in done.stdout.splitlines()]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_rule_of_another_package_is_a_rule_like_the_others(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    install(site, "acme-rules", ENTRY, RULES)
    everything = check(path=(site,))
    assert (everything.stderr, everything.returncode) == ("", 1)
    assert "a.py:10:16: ACM001 `C` is the third lock that `move` holds" in everything.stdout
    assert set(codes(check())) == set(codes(everything)) - {"ACM001"}
    assert codes(check("--select", "ACM", path=(site,))) == ["ACM001"]
    assert codes(check("--select", "three-locks", path=(site,))) == ["ACM001"]
    assert "ACM001" not in codes(check("--ignore", "ACM001", path=(site,)))
    assert run("rule", "ACM001", path=(site,)).stdout.startswith("# three-locks (ACM001)\n\nA third lock is taken")
    assert "unknown rule `ACM002`; did you mean `ACM001`?" in check("--select", "ACM002", path=(site,)).stderr


def test_its_report_can_be_suppressed(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM.replace("A, B, C:", "A, B, C:  # noqa: ACM001")})
    install(site, "acme-rules", ENTRY, RULES)
    assert "ACM001" not in codes(check(path=(site,)))


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"acme_rules.py": "import nowhere_to_be_found"}, "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ({"acme_rules.py": "raise SystemExit(0)"}, "it ends the program with 0"),
        ({"acme_rules.py": "def f(:"}, "SyntaxError"),
        ({"acme_rules.py": "x = 1"}, "`acme_rules` declares no rule with `@lockcheck.rule(…)`"),
        ({}, "ModuleNotFoundError: No module named 'acme_rules'"),
        ({"acme_rules.py": RULE.replace("ACM001", "LCK999")}, "`LCK999` is no code for it"),
        ({"acme_rules.py": RULE.replace("ACM001", "acme1")}, "`acme1` is no code for it"),
    ],
)
def test_package_that_is_broken_costs_its_own_rules(
    write: Write, site: Path, files: dict[str, str], complaint: str
) -> None:
    write({"a.py": PROGRAM})
    install(site, "acme-rules", ENTRY, files)
    broken = check(path=(site,))
    assert broken.returncode == 2
    assert broken.stdout == check().stdout != ""
    assert broken.stderr.startswith("lockcheck: rules of acme-rules: `acme_rules` could not be loaded: ")
    assert complaint in broken.stderr
    assert broken.stderr.endswith("; update, repair or uninstall acme-rules\n")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("    raise KeyError('gone')\n    yield", "raised KeyError: 'gone'"),
        ("    yield 'a text'", "it reports what is no finding of ACM001 acme-rules"),
    ],
)
def test_rule_that_raises_costs_itself(write: Write, site: Path, body: str, complaint: str) -> None:
    write({"a.py": PROGRAM})
    source = f'"""A page."""\nimport lockcheck\n\n\n@lockcheck.rule(code="ACM001", default=True, since="1.0")\ndef check(analysis):\n{body}\n'
    install(site, "acme-rules", ENTRY, {"acme_rules.py": source})
    done = check(path=(site,))
    assert done.returncode == 2
    assert done.stdout == check().stdout
    assert done.stderr.startswith("lockcheck: rule ACM001 of acme-rules: raised ")
    assert complaint in done.stderr
    assert "--ignore ACM001" in done.stderr
    assert check("--ignore", "ACM001", path=(site,)).returncode == 1


def test_what_is_installed_since_is_looked_at(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    before = run("--output-format", "concise")
    install(site, "acme-rules", ENTRY, {"acme_rules/__init__.py": "raise ValueError('broken')"})
    broken = run("--output-format", "concise", path=(site,))
    assert (broken.returncode, broken.stdout) == (2, before.stdout)
    assert "`acme_rules` could not be loaded: ValueError: broken" in broken.stderr


def test_changed_rule_in_a_package_that_shares_its_name_is_asked_anew(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    for word in ("third", "last"):
        rule = RULE.replace("is the third lock", f"is the {word} lock")
        install(site, "acme-rules", {"lockcheck.rules": {"acme": "acme.three_locks"}}, {"acme/three_locks.py": rule})
        assert f"is the {word} lock" in run("--output-format", "concise", path=(site,)).stdout


def test_other_version_of_what_a_rule_uses_is_asked_anew(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    rule = RULE.replace("import lockcheck\n", "import lockcheck\nfrom acme_words import WORD\n", 1)
    install(site, "acme-rules", ENTRY, {**RULES, "acme_rules/three_locks.py": rule.replace("the third", "the {WORD}")})
    for version, word in (("1.0", "third"), ("1.1", "hindmost")):
        metadata = install(site, "acme-words", {}, {"acme_words.py": f"WORD = '{word}'\n"}) / "acme_words-1.0.dist-info"
        metadata.rename(site / f"acme_words-{version}.dist-info")
        assert f"is the {word} lock" in run("--output-format", "concise", path=(site,)).stdout


def test_two_rules_with_one_code_are_an_error_that_names_both_packages(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    install(site, "acme-rules", ENTRY, RULES)
    install(site, "other-rules", {"lockcheck.rules": {"other": "other_rules"}}, {"other_rules.py": RULE})
    done = check(path=(site,))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "lockcheck: two rules have the code `ACM001`: ACM001 three-locks of acme-rules and "
        "ACM001 other-rules of other-rules; uninstall one of the packages\n"
    )


def test_two_rules_with_one_name_are_an_error_too(write: Write, site: Path) -> None:
    write({"a.py": PROGRAM})
    install(
        site,
        "acme-rules",
        {"lockcheck.rules": {"acme": "acme_rules.sleep_under_lock"}},
        {"acme_rules/__init__.py": "", "acme_rules/sleep_under_lock.py": RULE},
    )
    done = check(path=(site,))
    assert done.returncode == 2
    assert "two rules have the name `sleep-under-lock`: ACM001 sleep-under-lock of acme-rules and LCK202" in done.stderr


PLANTED = {"acme_rules.py": "print('executed')\n" + RULE}


@pytest.mark.parametrize("module", ["lockcheck", "flake8"])
def test_nothing_in_the_analysed_tree_is_loaded(write: Write, module: str) -> None:
    root = write({"src/a.py": PROGRAM, "lockcheck.toml": ""})
    for folder in (root, root / "src"):
        install(folder, "acme-rules", ENTRY, PLANTED)
    done = run("src", module=module, path=(Path(), root, root / "src"))
    assert "executed" not in done.stdout + done.stderr
    assert "acme" not in done.stderr


def test_installed_package_whose_code_lies_in_the_analysed_tree_is_refused(write: Write, site: Path) -> None:
    root = write({"a.py": PROGRAM, **PLANTED})
    install(site, "acme-rules", ENTRY, {})
    done = check(path=(site, root))
    assert "executed" not in done.stdout + done.stderr
    assert done.returncode == 2
    assert "it lies in the tree that is analysed" in done.stderr


def test_configuration_cannot_name_code(write: Write) -> None:
    write({"a.py": PROGRAM, **PLANTED, "lockcheck.toml": 'rules = ["acme_rules"]'})
    done = check()
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown key `rules`" in done.stderr


def test_examples_of_a_rule_are_its_tests(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "examples", {}, {"example_rules/__init__.py": "", "example_rules/three_locks.py": RULE})
    monkeypatch.syspath_prepend(str(site))
    from importlib import import_module

    module = import_module("example_rules.three_locks")
    further = tmp_path / "further.md"
    further.write_text("Further\n\n## Bad: unmarked\n```python\nx = 1  # ACM001\n```\n")
    *own, wrong = cases(module, further)
    assert [case.example.kind for case in own] == ["bad", "good"]
    for number, case in enumerate(own):
        check_case(case, tmp_path / str(number))
    with pytest.raises(AssertionError, match=r"further\.md:3 bad unmarked\nmissing: example\.py:1 ACM001"):
        check_case(wrong, tmp_path / "wrong")


def test_what_the_page_says_of_tests_is_so(site: Path, tmp_path: Path) -> None:
    test = next(re.finditer(r"```python\n# file: tests/test_three_locks\.py\n(.*?)```", PAGE, re.DOTALL))[1]
    install(site, "acme-rules", ENTRY, RULES)
    (tmp_path / "test_three_locks.py").write_text(test)
    done = run("-q", "-p", "no:cacheprovider", str(tmp_path / "test_three_locks.py"), path=(site,), module="pytest")
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        if "# file: " not in block
    ],
)
def test_what_the_page_says_of_calls_is_so(write: Write, block: str) -> None:
    write({"src/a.py": PROGRAM})
    done = subprocess.run(
        [sys.executable, "-c", block],
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
