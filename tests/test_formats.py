"""Every form of a report: the shape that its readers expect, and nothing in it that could be taken for more."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from lockcheck.app.config import Config
from lockcheck.app.project import Given, Project
from lockcheck.app.table import OUTPUT_FORMATS, OutputFormat
from lockcheck.model.findings import Confidence, Edit, Failure, Finding, Fix, Related, Report
from lockcheck.model.source import Place, SourceFile, Span
from lockcheck.rules.registry import all_rules
from lockcheck.ui.render import RENDERERS, render
from lockcheck.ui.render.statistics import render_statistics
from lockcheck.ui.render.view import View
from tests.cases import TESTDATA
from tests.conftest import HAZARD, Lockcheck, Write

HERE = str(Path.cwd())
JSON_FORMS: tuple[OutputFormat, ...] = ("json", "gitlab", "rdjson", "sarif")
TEXT_FORMS: tuple[OutputFormat, ...] = ("full", "concise", "grouped", "github", "pylint", "azure")
WIDE = 'print("😀é"); wait()'
INVERSION = {
    "app/__init__.py": "",
    "app/one.py": """\
import threading

FIRST = threading.Lock()
SECOND = threading.Lock()


def forward() -> None:
    with FIRST:
        with SECOND:
            print("both")
""",
    "app/two.py": """\
from app.one import FIRST, SECOND


def take() -> None:
    with FIRST:
        print("one")


def backward() -> None:
    with SECOND:
        take()
""",
}


def at(row: int, column: int, width: int = 4, name: str = "room.py") -> Place:
    return Place(str(Path(HERE) / name), Span(row, column, row, column + width))


def finding(
    message: str = "a hazard", place: Place | None = None, confidence: Confidence = Confidence.HIGH, **more: object
) -> Finding:
    where = place or at(1, 14, 6)
    return Finding("LCK301", "inconsistent-lock-order", message, confidence, where, fingerprint="f00", **more)  # type: ignore[arg-type]


def shown(
    form: OutputFormat,
    *findings: Finding,
    failures: tuple[Failure, ...] = (),
    repository: str | None = None,
    **texts: str,
) -> str:
    sources = {
        str(Path(HERE) / f"{name}.py"): SourceFile("", "", name, False, text)
        for name, text in (texts or {"room": WIDE}).items()
    }
    project = Project(HERE, HERE, (Given(".", HERE),), (HERE,), (), (), HERE, Config())
    return render(Report(findings, failures, 1), View(project, sources, closing=False, repository=repository), form)


def sarif(*findings: Finding, **more: object) -> dict[str, Any]:
    return checked(shown("sarif", *findings, **more))  # type: ignore[arg-type]


def checked(text: str) -> dict[str, Any]:
    """The run of a log that satisfies the schema of the standard."""
    log: dict[str, Any] = json.loads(text)
    schema = json.loads((TESTDATA / "sarif" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in Draft4Validator(schema).iter_errors(log)]
    assert errors == []
    (run,) = log["runs"]
    return dict(run)


def test_every_form_that_can_be_asked_for_is_there() -> None:
    assert tuple(RENDERERS) == OUTPUT_FORMATS


# Nothing found, and not everything looked at


@pytest.mark.parametrize("failures", [(), (Failure("a\x07.py", "cannot be read: <&\x00>"),)])
def test_every_form_is_valid_without_findings(failures: tuple[Failure, ...]) -> None:
    for form in ("full", "concise", "grouped", "github", "pylint", "azure", "json-lines"):
        assert shown(form, failures=failures) == "", form
    assert json.loads(shown("json", failures=failures)) == []
    assert json.loads(shown("gitlab", failures=failures)) == []
    assert json.loads(shown("rdjson", failures=failures))["diagnostics"] == []
    assert sarif(failures=failures)["results"] == []
    document = ET.fromstring(shown("junit", failures=failures))
    assert (document.get("failures"), document.get("errors")) == ("0", str(len(failures)))


def test_junit_says_that_all_is_well_or_what_could_not_be_done() -> None:
    (suite,) = ET.fromstring(shown("junit"))
    assert [(case.get("name"), len(case)) for case in suite] == [("No errors found", 0)]
    (suite,) = ET.fromstring(shown("junit", failures=(Failure("rule LCK101", "it <broke>"),)))
    (case,) = suite
    assert case.get("name") == "rule LCK101"
    assert [(error.tag, error.get("message")) for error in case] == [("error", "it <broke>")]


def test_sarif_says_what_could_not_be_done() -> None:
    run = sarif(failures=(Failure("a.py", "cannot be read"),))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [note["message"]["text"] for note in invocation["toolExecutionNotifications"]] == ["a.py: cannot be read"]
    assert sarif()["invocations"][0]["executionSuccessful"] is True


# Shapes


def test_grouped_heads_each_file_and_aligns_the_places() -> None:
    found = (finding(), finding("another", at(10, 5)), finding("elsewhere", at(2, 3, name="hall.py")))
    assert shown("grouped", *found) == (
        "room.py:\n  1:14 LCK301 a hazard\n  10:5 LCK301 another\n\nhall.py:\n  2:3 LCK301 elsewhere\n\n"
    )


def test_pylint() -> None:
    assert shown("pylint", finding()) == "room.py:1: [LCK301] a hazard\n"


def test_json_lines_are_the_objects_of_json() -> None:
    found = (finding(), finding("another", at(10, 5)))
    lines = shown("json-lines", *found).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(shown("json", *found))


def test_junit_has_a_suite_for_each_file() -> None:
    step = Related(at(4, 2, name="hall.py"), "taken <here>")
    document = ET.fromstring(shown("junit", finding(related=(step,)), finding("b", at(2, 3, name="hall.py"))))
    assert (document.tag, document.get("tests"), document.get("failures")) == ("testsuites", "2", "2")
    suite = document[0]
    assert (suite.get("name"), suite.get("package")) == (str(Path(HERE) / "room.py"), "org.lockcheck")
    (case,) = suite
    assert {name: case.get(name) for name in ("name", "classname", "line", "column")} == {
        "name": "org.lockcheck.LCK301",
        "classname": str(Path(HERE) / "room"),
        "line": "1",
        "column": "14",
    }
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "a hazard"
    assert failure.text == "line 1, col 14, a hazard\nhall.py:4:2: taken <here>"


def test_github() -> None:
    fix = Fix("unsafe", "swap them")
    path = str(Path(HERE) / "room.py")
    assert shown("github", finding(fix=fix, confidence=Confidence.MEDIUM)) == (
        f"::warning title=lockcheck (LCK301),file={path},line=1,col=14,endLine=1,endColumn=20"
        "::room.py:1:14: LCK301 a hazard%0A  help: swap them\n"
    )


def test_azure() -> None:
    path = str(Path(HERE) / "room.py")
    assert shown("azure", finding()) == (
        f"##vso[task.logissue type=error;sourcepath={path};linenumber=1;columnnumber=14;code=LCK301;]a hazard\n"
    )


def test_gitlab_knows_an_issue_by_its_fingerprint() -> None:
    (issue,) = json.loads(shown("gitlab", finding(confidence=Confidence.MEDIUM)))
    assert issue == {
        "check_name": "LCK301",
        "description": "LCK301: a hazard",
        "severity": "minor",
        "fingerprint": "f00",
        "location": {
            "path": "room.py",
            "positions": {"begin": {"line": 1, "column": 14}, "end": {"line": 1, "column": 20}},
        },
    }
    (issue,) = json.loads(shown("gitlab", finding(), repository=str(Path(HERE).parent)))
    assert issue["location"]["path"] == f"{Path(HERE).name}/room.py"


def test_rdjson_counts_bytes_and_suggests_whole_fixes_of_the_file() -> None:
    edit = Edit(at(1, 14, 6), "go()")
    (found,) = json.loads(shown("rdjson", finding(fix=Fix("unsafe", "m", (edit,)))))["diagnostics"]
    span = {"start": {"line": 1, "column": 18}, "end": {"line": 1, "column": 24}}
    assert found["location"] == {"path": str(Path(HERE) / "room.py"), "range": span}
    assert found["suggestions"] == [{"range": span, "text": "go()"}]
    assert found["code"] == {"value": "LCK301", "url": "https://lockcheck.readthedocs.io/rules/LCK301"}
    elsewhere = Edit(at(1, 1, name="hall.py"), "")
    for fix in (Fix("unsafe", "m", (edit, elsewhere)), Fix("display", "m", (edit,))):
        (found,) = json.loads(shown("rdjson", finding(fix=fix)))["diagnostics"]
        assert "suggestions" not in found


# SARIF


def test_sarif_carries_both_witnesses_of_an_inversion(write: Write, lockcheck: Lockcheck) -> None:
    write(INVERSION)
    run = checked(lockcheck("--output-format", "sarif", ".").out)
    (result,) = run["results"]
    assert result["ruleId"] == "LCK301"
    flows = [
        [
            (where["artifactLocation"]["uri"], where["region"]["startLine"])
            for step in thread["locations"]
            for where in [step["location"]["physicalLocation"]]
        ]
        for flow in result["codeFlows"]
        for thread in flow["threadFlows"]
    ]
    assert flows == [
        [("app/one.py", 8), ("app/one.py", 9)],
        [("app/two.py", 10), ("app/two.py", 11), ("app/two.py", 5)],
    ]
    assert len(result["codeFlows"]) == 2
    messages = [each["message"]["text"] for each in result["relatedLocations"]]
    assert messages[-2:] == ["`FIRST` (threading.Lock) is made here", "`SECOND` (threading.Lock) is made here"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "app/one.py"
    (replacement,) = change["replacements"]
    assert "with SECOND" in replacement["insertedContent"]["text"]


def test_sarif_has_the_page_of_each_rule_that_reports() -> None:
    driver = sarif(finding())["tool"]["driver"]
    (rule,) = driver["rules"]
    page = next(rule.documentation for rule in all_rules() if rule.code == "LCK301").strip()
    assert rule["id"] == "LCK301"
    assert rule["help"]["markdown"] == page
    assert page.startswith(rule["shortDescription"]["text"])
    assert "## " not in rule["fullDescription"]["text"]


def test_sarif_pages_of_all_rules_are_valid() -> None:
    found = [Finding(rule.code, rule.name, "m", Confidence.LOW, at(1, 1)) for rule in all_rules()]
    run = sarif(*found)
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == [rule.code for rule in all_rules()]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]


def test_sarif_names_a_rule_of_another_package() -> None:
    run = sarif(Finding("XYZ001", "of-another", "m", Confidence.HIGH, at(1, 1)))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["XYZ001"]


def test_sarif_columns_count_utf16_code_units() -> None:
    run = sarif(finding())
    assert run["columnKind"] == "utf16CodeUnits"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 15, "endLine": 1, "endColumn": 21}


def test_sarif_names_files_from_the_root_of_the_repository() -> None:
    outside = Place(str(Path(HERE).parent / "other" / "x y.py"), Span(1, 1, 1, 2))
    run = sarif(finding(place=at(1, 1, name="a b%/ü\udcff.py"), related=(Related(outside, "here"),)))
    base = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
    assert base == Path(HERE).as_uri() + "/"
    (result,) = run["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "a%20b%25/%C3%BC%FF.py", "uriBaseId": "%SRCROOT%"}
    artifact = result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": Path(outside.path).as_uri()}


def test_sarif_has_fingerprints_confidence_and_only_fixes_that_can_be_made() -> None:
    (result,) = sarif(finding(confidence=Confidence.LOW, fix=Fix("display", "m", (Edit(at(1, 1), ""),))))["results"]
    assert result["partialFingerprints"] == {"lockcheck/v1": "f00"}
    assert (result["level"], result["properties"]["confidence"]) == ("note", "low")
    assert "fixes" not in result
    (result,) = sarif(finding(fix=Fix("unsafe", "no edits")))["results"]
    assert "fixes" not in result


def test_sarif_flow_of_one_side_leads_through_the_finding() -> None:
    steps = (Related(at(1, 1), "taken"), Related(at(9, 1, name="hall.py"), "waits"))
    (result,) = sarif(finding(related=steps, place=at(3, 5)))["results"]
    (flow,) = result["codeFlows"]
    texts = [step["location"]["message"]["text"] for step in flow["threadFlows"][0]["locations"]]
    assert texts == ["taken", "a hazard", "waits"]


# Nothing that is shown is obeyed

EVIL = "a\n::error file=x::%0A\r##vso[task.complete]]\x1b[31m;,:\u202e\x00.py"


@pytest.mark.parametrize("form", TEXT_FORMS)
def test_no_text_moves_the_cursor_or_begins_a_line(form: OutputFormat) -> None:
    evil = finding(EVIL, at(1, 1, name=EVIL), related=(Related(at(1, 1, name=EVIL), EVIL),), fix=Fix("unsafe", EVIL))
    text = shown(form, evil)
    assert not [each for each in text if each != "\n" and (each < " " or each in "\u202e\x7f")]
    assert not [line for line in text.splitlines() if line.startswith("::error file=x")]
    if form != "azure":
        assert not [line for line in text.splitlines() if line.startswith("##vso")]
    if form in ("concise", "github", "pylint", "azure"):
        assert text.count("\n") == 1


def test_a_file_name_ends_no_property_of_a_command() -> None:
    evil = finding("m", at(1, 1, name="a,line=9::b%0A:\n.py"))
    command = shown("github", evil)
    properties = command[: command.index("::", 2)].split(",")
    assert [each.partition("=")[0] for each in properties[1:]] == ["file", "line", "col", "endLine", "endColumn"]
    assert properties[1].endswith("a%2Cline=9%3A%3Ab%250A%3A%0A.py")
    command = shown("azure", finding("m%0A", at(1, 1, name="a;code=x]%.py")))
    inside, _, data = command.partition("]")
    assert [each.partition("=")[0] for each in inside.split(";")] == [
        "##vso[task.logissue type",
        "sourcepath",
        "linenumber",
        "columnnumber",
        "code",
        "",
    ]
    assert "a%3Bcode=x%5D%AZP25.py" in inside
    assert data == "m%AZP250A\n"


@pytest.mark.parametrize("form", [*JSON_FORMS, "json-lines", "junit"])
def test_what_is_no_text_leaves_the_document_valid(form: OutputFormat) -> None:
    name = "\udcff\ud800\x00\x0b\ufffe]]>&<.py"
    evil = finding(name, at(1, 1, name=name), related=(Related(at(1, 1, name=name), name),))
    text = shown(form, evil).encode()
    if form == "junit":
        (suite,) = ET.fromstring(text)
        assert str(suite.get("name")).endswith(r"\udcff\ud800\x00\x0b\ufffe]]>&<.py")
    else:
        assert json.loads(text)


# Statistics


def test_statistics_tell_what_can_be_fixed() -> None:
    safe, unsafe = Fix("safe", "m"), Fix("unsafe", "m")
    report = Report((finding(fix=safe), finding(fix=unsafe), finding()), (), 1)
    other = Finding("LCK101", "thread-lock-across-await", "m", Confidence.HIGH, at(1, 1), fix=safe)
    report = Report((*report.findings, other), (), 1)
    assert render_statistics(report, "full", unsafe=False) == (
        "3\tLCK301\t[-] inconsistent-lock-order\n1\tLCK101\t[*] thread-lock-across-await\n"
    )
    for form in (*JSON_FORMS, "json-lines"):
        counted = json.loads(render_statistics(report, form, unsafe=True))
        assert counted[0] == {
            "code": "LCK301",
            "name": "inconsistent-lock-order",
            "count": 3,
            "fixable": False,
            "fixable_count": 2,
        }
        assert counted[1]["fixable"] is True


def test_statistics_go_into_the_output_file(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    run = lockcheck("--statistics", "-o", "counts.txt", "a.py")
    assert (run.status, run.out) == (1, "")
    assert (root / "counts.txt").read_text() == "1\tLCK101\t[ ] thread-lock-across-await\n".replace("[ ] ", "")


# The output file


def test_output_file_holds_the_report_and_nothing_else_is_printed(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD})
    (root / "old.txt").write_text("x" * 10_000)
    (root / "old.txt").chmod(0o640)
    for name in ("old.txt", "new/deep/report.txt"):
        run = lockcheck("--output-format", "concise", "--output-file", name, "--color", "auto", "a.py")
        assert (run.status, run.out, run.err) == (1, "", "")
        assert (root / name).read_text().startswith("a.py:9:9: LCK101 ")
    assert (root / "old.txt").stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in root.iterdir() if each.name.startswith(".")) == []


def test_output_file_that_cannot_be_written_is_named(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD, "file": ""})
    (root / "folder").mkdir()
    for name in ("folder", "file/report.json"):
        run = lockcheck("-o", name, "a.py")
        assert run.status == 2
        assert run.err.startswith(f"lockcheck: {name}: cannot be written: ")
    assert (root / "file").read_text() == ""


def test_output_file_may_be_a_link_or_a_device(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": HAZARD, "target.txt": ""})
    (root / "link.txt").symlink_to("target.txt")
    assert lockcheck("--output-format", "pylint", "-o", "link.txt", "a.py").status == 1
    assert (root / "link.txt").is_symlink()
    assert (root / "target.txt").read_text().startswith("a.py:9: [LCK101]")
    assert lockcheck("-o", "/dev/null", "a.py").status == 1


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_every_form_by_the_command_line_and_the_configuration(
    form: OutputFormat, write: Write, lockcheck: Lockcheck
) -> None:
    write({"a.py": HAZARD, "lockcheck.toml": f'output-format = "{form}"\n'})
    configured = lockcheck("-q", "a.py")
    assert configured.status == 1
    assert "LCK101" in configured.out
    assert lockcheck("-q", "--isolated", "--output-format", form, "a.py").out == configured.out


_READERS: dict[OutputFormat, Callable[[str], object]] = {
    "json": json.loads,
    "gitlab": json.loads,
    "rdjson": json.loads,
    "sarif": checked,
    "junit": ET.fromstring,
}


@pytest.mark.parametrize("form", sorted(_READERS))
def test_documents_are_whole_when_nothing_is_found_and_when_a_file_fails(
    form: OutputFormat, write: Write, lockcheck: Lockcheck
) -> None:
    write({"a.py": "x = 1\n", "b.py": b"\xff\xfe"})
    run = lockcheck("--output-format", form, "a.py")
    assert (run.status, run.err) == (0, "")
    assert _READERS[form](run.out) is not None
    run = lockcheck("--output-format", form, ".")
    assert run.status == 2
    assert "b.py" in run.err
    assert _READERS[form](run.out) is not None
