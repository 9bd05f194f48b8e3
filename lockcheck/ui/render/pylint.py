"""Lines as Pylint writes them: `path:row: [LCK101] message`."""

from __future__ import annotations

from lockcheck.model.findings import Report
from lockcheck.ui.render.view import View, visible


def render(report: Report, view: View) -> str:
    """Give the findings, one line each."""
    return "".join(
        f"{view.display(each.place.path)}:{each.place.span.row}: [{each.code}] {visible(each.message)}\n"
        for each in report.findings
    )
