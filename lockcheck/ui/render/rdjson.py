"""Reviewdog's diagnostic format. Its columns count bytes of UTF-8."""

from __future__ import annotations

from lockcheck.model.findings import Finding, Report
from lockcheck.model.source import Place
from lockcheck.ui.render import SITE, URL
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import View, severity, storable


def render(report: Report, view: View) -> str:
    """Give the findings as one JSON object."""
    return dump(
        {
            "source": {"name": "lockcheck", "url": SITE},
            "severity": "WARNING",
            "diagnostics": [_diagnostic(finding, view) for finding in report.findings],
        }
    )


def _diagnostic(finding: Finding, view: View) -> Json:
    found: dict[str, Json] = {
        "message": storable(finding.message),
        "location": _location(finding.place, view),
        "severity": severity(finding).upper(),
        "code": {"value": finding.code, "url": URL + finding.code},
    }
    suggestions = _suggestions(finding, view)
    if suggestions:
        found["suggestions"] = suggestions
    if finding.related:
        found["related_locations"] = [
            {"message": storable(each.message), "location": _location(each.place, view)} for each in finding.related
        ]
    return found


def _suggestions(finding: Finding, view: View) -> list[Json]:
    """Give the edits of the fix: suggestions are about the finding's own file, and half a fix is none."""
    edits = finding.fix.edits if finding.fix is not None and finding.fix.applicability != "display" else ()
    if any(edit.place.path != finding.place.path for edit in edits):
        return []
    return [{"range": _range(edit.place, view), "text": storable(edit.content)} for edit in edits]


def _location(place: Place, view: View) -> Json:
    return {"path": storable(place.path), "range": _range(place, view)}


def _range(place: Place, view: View) -> Json:
    span = place.span
    return {
        "start": {"line": span.row, "column": _column(place.path, span.row, span.column, view)},
        "end": {"line": span.end_row, "column": _column(place.path, span.end_row, span.end_column, view)},
    }


def _column(path: str, row: int, column: int, view: View) -> int:
    before = view.before(path, row, column)
    return column if before is None else len(before.encode("utf-8", "surrogatepass")) + 1
