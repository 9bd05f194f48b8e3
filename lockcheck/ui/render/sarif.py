"""SARIF 2.1.0, which code scanning reads: each hazard with its sides, its fix and the page of its rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from urllib.parse import quote

from lockcheck import __version__
from lockcheck.app.project import is_within, relative_to
from lockcheck.model.findings import Confidence, Edit, Finding, Fix, Related, Report
from lockcheck.model.source import Place
from lockcheck.rules.document import parse_document
from lockcheck.rules.registry import Rule, all_rules
from lockcheck.ui.render import SITE, URL
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import View, severity, storable

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {Confidence.HIGH: "error", Confidence.MEDIUM: "warning", Confidence.LOW: "note"}


def render(report: Report, view: View) -> str:
    """Give the findings as a log of one run."""
    named = dict(sorted({(finding.code, finding.name) for finding in report.findings}))
    numbers = {code: number for number, code in enumerate(named)}
    run: dict[str, Json] = {
        "tool": {
            "driver": {
                "name": "lockcheck",
                "informationUri": SITE,
                "version": __version__,
                "rules": list(_rules(named)),
            }
        },
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {_ROOT: {"uri": _file_uri(view.root).rstrip("/") + "/"}},
        "invocations": [_invocation(report)],
        "results": [_result(finding, numbers[finding.code], view) for finding in report.findings],
    }
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(named: Mapping[str, str]) -> Iterator[Json]:
    """Give the rules with these codes and names; of one that is not ours no more is known."""
    ours = {rule.code: rule for rule in all_rules()}
    for code, name in named.items():
        yield _rule(ours[code]) if code in ours else {"id": code, "name": name, "shortDescription": {"text": name}}


def _rule(rule: Rule) -> Json:
    page = parse_document(rule.documentation, rule.name)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.section("What it does") or page.title},
        "help": {"text": rule.documentation.strip(), "markdown": rule.documentation.strip()},
        "helpUri": URL + rule.code,
        "defaultConfiguration": {"enabled": rule.default, "level": "error"},
        "properties": {
            "id": rule.code,
            "kind": "lockcheck",
            "name": rule.name,
            "problem.severity": "error",
            "tags": ["concurrency", "deadlock"],
        },
    }


def _invocation(report: Report) -> Json:
    notes: list[Json] = [
        {"level": "error", "message": {"text": storable(f"{failure.what}: {failure.message}")}}
        for failure in report.failures
    ]
    return {"executionSuccessful": not notes, "toolExecutionNotifications": notes}


def _result(finding: Finding, number: int, view: View) -> Json:
    text = storable(finding.message)
    result: dict[str, Json] = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": _LEVELS[finding.confidence],
        "message": {"text": "\n".join([text, *(f"also: {storable(note)}" for note in finding.notes)])},
        "locations": [_location(finding.place, view)],
        "partialFingerprints": {"lockcheck/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence.word, "problem.severity": severity(finding)},
    }
    around = _around(finding, view)
    if around:
        result["relatedLocations"] = around
    if finding.related:
        result["codeFlows"] = list(_flows(finding, view))
    if finding.fix is not None and finding.fix.edits and finding.fix.applicability != "display":
        result["fixes"] = [_fix(finding.fix, view)]
    return result


def _around(finding: Finding, view: View) -> list[Json]:
    """Give the steps of the story, and where each lock is made."""
    places = [(each.place, each.message) for each in finding.related]
    places += [(lock.place, f"`{lock.name}` ({lock.kind}) is made here") for lock in finding.locks]
    return [
        {"id": number, **_location(place, view), "message": {"text": storable(message)}}
        for number, (place, message) in enumerate(places, 1)
    ]


def _flows(finding: Finding, view: View) -> Iterator[Json]:
    """Give one flow for each side, the finding's own first: it ends at the finding, or goes through it."""
    groups = sorted({each.group for each in finding.related})
    here = (Related(finding.place, finding.message, groups[0]),)
    for group in groups:
        steps = [each for each in finding.related if each.group == group]
        if group == groups[0] and all(each.place != finding.place for each in steps):
            behind = _taken_before(finding, steps)
            steps = [*steps[:behind], *here, *steps[behind:]]
        locations: list[Json] = [
            {"location": {**_location(each.place, view), "message": {"text": storable(each.message)}}} for each in steps
        ]
        side = "the code" if len(groups) == 1 else f"side {group}"
        yield {"message": {"text": side}, "threadFlows": [{"id": side, "locations": locations}]}


def _taken_before(finding: Finding, steps: list[Related]) -> int:
    """Give how many steps come before the finding: those that lead to it stand above it in its own file."""
    count = 0
    for step in steps:
        if step.place.path != finding.place.path or step.place.span > finding.place.span:
            break
        count += 1
    return count


def _fix(fix: Fix, view: View) -> Json:
    changes: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.place.path, []).append(edit)
    return {
        "description": {"text": storable(fix.message)},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(path, view),
                "replacements": [
                    {
                        "deletedRegion": _region(edit.place, view),
                        "insertedContent": {"text": storable(edit.content)},
                    }
                    for edit in edits
                ],
            }
            for path, edits in changes.items()
        ],
        "properties": {"applicability": fix.applicability},
    }


def _location(place: Place, view: View) -> dict[str, Json]:
    return {"physicalLocation": {"artifactLocation": _artifact(place.path, view), "region": _region(place, view)}}


def _region(place: Place, view: View) -> Json:
    span = place.span
    return {
        "startLine": span.row,
        "startColumn": _column(place.path, span.row, span.column, view),
        "endLine": span.end_row,
        "endColumn": _column(place.path, span.end_row, span.end_column, view),
    }


def _column(path: str, row: int, column: int, view: View) -> int:
    before = view.before(path, row, column)
    return column if before is None else len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1


def _artifact(path: str, view: View) -> Json:
    """Give a file from the root of the repository; one outside by itself."""
    if not is_within(path, view.root):
        return {"uri": _file_uri(path)}
    relative = PurePath(relative_to(path, view.root)).as_posix()
    return {"uri": _quoted(relative), "uriBaseId": _ROOT}


def _file_uri(path: str) -> str:
    posix = PurePath(path).as_posix()
    return f"file://{'' if posix.startswith('/') else '/'}{_quoted(posix)}"


def _quoted(path: str) -> str:
    try:
        return quote(path.encode("utf-8", "surrogateescape"), safe="/:")
    except UnicodeEncodeError:  # what Windows allows in a name, and no URI can say
        return quote(storable(path), safe="/:")
