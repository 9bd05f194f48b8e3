"""A block for each file: its name, and below it a line for each finding, the places in a column."""

from __future__ import annotations

import itertools

from lockcheck.model.findings import Report
from lockcheck.ui.render.view import View, visible


def render(report: Report, view: View) -> str:
    """Give the findings file by file."""
    blocks: list[str] = []
    for path, group in itertools.groupby(report.findings, key=lambda finding: finding.place.path):
        findings = list(group)
        places = [f"{each.place.span.row}:{each.place.span.column}" for each in findings]
        width = max(map(len, places))
        lines = [
            f"  {place:<{width}} {finding.code} {visible(finding.message)}\n"
            for place, finding in zip(places, findings, strict=True)
        ]
        blocks.append(f"{view.display(path)}:\n{''.join(lines)}\n")
    return "".join(blocks)
