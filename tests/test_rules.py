"""The documentation is the test: every worked example reports exactly its marks."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest

import lockcheck.rules
from lockcheck.rules.document import Document
from lockcheck.rules.registry import Rule, all_rules, find
from tests.cases import CORE, TESTDATA, Case, all_cases, difference, literate_documents, observe, rule_documents
from tests.catalogue import CATALOGUE

MACHINERY = {"registry", "document"}
SECTIONS = ("What it does", "Why it hurts", "How to repair it", "When it is quiet")
DOCUMENTS = dict(rule_documents())
CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_example_reports_exactly_its_marks(case: Case, tmp_path: Path) -> None:
    outcome = observe(case, tmp_path)
    assert not difference(case.example, outcome), "\n".join(outcome.messages)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_example_is_python(case: Case) -> None:
    reported = {mark.file for mark in case.example.reports if mark.code == "LCK900"}
    for file in case.example.files:
        if file.name.endswith(".py") and file.name not in reported:
            compile(file.text, file.name, "exec", dont_inherit=True)


def test_every_file_of_the_package_declares_one_rule() -> None:
    files = {module.name for module in pkgutil.iter_modules(lockcheck.rules.__path__)} - MACHINERY
    assert sorted(rule.name.replace("-", "_") for rule in all_rules()) == sorted(files)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
class TestContract:
    """What every rule must satisfy."""

    def test_code_name_and_default_are_those_of_the_catalogue(self, rule: Rule) -> None:
        entry = CATALOGUE[rule.code]
        assert (rule.name, rule.default) == (entry.name, entry.default)

    def test_it_is_found_by_code_and_by_name(self, rule: Rule) -> None:
        assert find(rule.code) is rule
        assert find(rule.name) is rule

    def test_it_supersedes_rules_of_the_catalogue(self, rule: Rule) -> None:
        assert set(rule.supersedes) <= set(CATALOGUE) - {rule.code}

    def test_its_page_is_complete(self, rule: Rule) -> None:
        document = DOCUMENTS[rule.code]
        assert [section.heading for section in document.sections] == list(SECTIONS)
        assert all(section.text for section in document.sections)

    def test_it_shows_what_is_bad_and_what_is_good(self, rule: Rule) -> None:
        kinds = {example.kind for example in DOCUMENTS[rule.code].examples}
        assert {"bad", "good"} <= kinds

    def test_its_examples_are_its_own(self, rule: Rule) -> None:
        codes = {mark.code for example in DOCUMENTS[rule.code].examples for mark in example.reports}
        assert codes == {rule.code}

    def test_what_it_is_quiet_on_is_shown(self, rule: Rule) -> None:
        titles = [example.title for example in DOCUMENTS[rule.code].examples if example.kind == "good"]
        missing = [word for word in CATALOGUE[rule.code].quiet if not any(word in title for title in titles)]
        assert not missing


def test_unknown_rules_are_not_found() -> None:
    assert find("LCK999") is None


def test_rules_are_sorted_by_code() -> None:
    codes = [rule.code for rule in all_rules()]
    assert codes == sorted(set(codes))


def test_the_core_is_part_of_the_catalogue() -> None:
    assert set(CORE) <= set(CATALOGUE)


TESTDATA_DOCUMENTS = list(literate_documents())


@pytest.mark.parametrize(
    ("path", "document"),
    TESTDATA_DOCUMENTS,
    ids=[path.relative_to(TESTDATA).as_posix() for path, _ in TESTDATA_DOCUMENTS],
)
def test_testdata_speaks_of_the_rules_it_is_checked_under(path: Path, document: Document) -> None:
    codes = {mark.code for example in document.examples for mark in example.reports}
    select = {"idioms": set(CORE), "fixes": set(CATALOGUE)}.get(path.parent.name, {path.parent.name})
    assert document.examples
    assert codes <= select <= set(CATALOGUE)
