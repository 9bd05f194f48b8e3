"""GitLab's code quality report: an array of issues, each known by its fingerprint."""

from __future__ import annotations

from lockcheck.model.findings import Finding, Report
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import View, severity, storable


def render(report: Report, view: View) -> str:
    """Give the findings as a JSON array."""
    return dump([_issue(finding, view) for finding in report.findings])


def _issue(finding: Finding, view: View) -> Json:
    span = finding.place.span
    return {
        "check_name": finding.code,
        "description": f"{finding.code}: {storable(finding.message)}",
        "severity": "major" if severity(finding) == "error" else "minor",
        "fingerprint": finding.fingerprint,
        "location": {
            "path": storable(view.in_repository(finding.place.path)),
            "positions": {
                "begin": {"line": span.row, "column": span.column},
                "end": {"line": span.end_row, "column": span.end_column},
            },
        },
    }
