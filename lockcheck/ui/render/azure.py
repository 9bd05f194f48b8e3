"""Commands of Azure Pipelines, which list each finding as an issue of the build."""

from __future__ import annotations

from lockcheck.model.findings import Finding, Report
from lockcheck.ui.render.view import View, severity, storable, visible

_DATA = str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%AZP25", "\r": "%0D", "\n": "%0A", "]": "%5D", ";": "%3B"})


def render(report: Report, view: View) -> str:
    """Give the findings, one command each."""
    del view
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    span = finding.place.span
    properties = {
        "type": severity(finding),
        "sourcepath": storable(finding.place.path),
        "linenumber": str(span.row),
        "columnnumber": str(span.column),
        "code": finding.code,
    }
    told = "".join(f"{name}={_escaped(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {told}]{visible(finding.message).translate(_DATA)}"


def _escaped(value: str) -> str:
    """Escape a property: what would end it is encoded, what a terminal would obey is shown."""
    return "".join(each if each in "\r\n" else visible(each) for each in value).translate(_PROPERTY)
