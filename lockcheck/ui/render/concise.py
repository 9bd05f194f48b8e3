"""One line for each finding, as editors and `grep` like it: `path:row:col: LCK101 message`."""

from __future__ import annotations

from lockcheck.model.findings import Report
from lockcheck.ui.render.view import View, visible


def render(report: Report, view: View) -> str:
    """Give the findings, one line each."""
    lines: list[str] = []
    for finding in report.findings:
        span = finding.place.span
        place = f"{view.display(finding.place.path)}:{span.row}:{span.column}"
        lines.append(f"{place}: {finding.code} {visible(finding.message)}\n")
    return "".join(lines)
