"""The forms in which a report is shown: each turns a report into text, none prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.app.table import OutputFormat
    from lockcheck.model.findings import Report
    from lockcheck.ui.render.view import View

URL = "https://lockcheck.readthedocs.io/rules/"


def render(report: Report, view: View, form: OutputFormat, *, closing: bool = True) -> str:
    """Give the report in the form that was asked for; `closing` is whether a line for people may end it."""
    match form:
        case "concise":
            from lockcheck.ui.render.concise import render_concise

            return render_concise(report, view)
        case "json":
            from lockcheck.ui.render.structured import render_json

            return render_json(report, view)
        case "full":
            from lockcheck.ui.render.full import render_full

            return render_full(report, view, closing=closing)
