"""JSON for programs that read as it comes: the objects of the JSON form, one on each line."""

from __future__ import annotations

import msgspec

from lockcheck.model.findings import Report
from lockcheck.ui.render.structured import diagnostic
from lockcheck.ui.render.view import View


def render(report: Report, view: View) -> str:
    """Give the findings, one line each."""
    del view
    return "".join(f"{msgspec.json.encode(diagnostic(finding)).decode()}\n" for finding in report.findings)
