"""Commands of GitHub Actions, which show each finding at its line in a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.model.findings import Finding, Report
from lockcheck.ui.render.view import View, severity, storable, visible

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(report: Report, view: View) -> str:
    """Give the findings, one command each."""
    return "".join(f"{_command(finding, view)}\n" for finding in report.findings)


def _command(finding: Finding, view: View) -> str:
    span = finding.place.span
    properties = {
        "title": f"lockcheck ({finding.code})",
        "file": storable(finding.place.path),
        "line": str(span.row),
        "col": str(span.column),
        "endLine": str(span.end_row),
        "endColumn": str(span.end_column),
    }
    told = ",".join(f"{name}={_escaped(value)}" for name, value in properties.items())
    data = "\n".join(_said(finding, view)).translate(_DATA)
    return f"::{severity(finding)} {told}::{data}"


def _said(finding: Finding, view: View) -> Iterator[str]:
    span = finding.place.span
    place = f"{view.display(finding.place.path)}:{span.row}:{span.column}"
    yield f"{place}: {finding.code} {visible(finding.message)}"
    for related in finding.related:
        yield f"  {view.display(related.place.path)}:{related.place.span.row}: {visible(related.message)}"
    if finding.fix is not None:
        yield f"  help: {visible(finding.fix.message)}"


def _escaped(value: str) -> str:
    """Escape a property: what would end it is percent-encoded, what a terminal would obey is shown."""
    return "".join(each if each in "\r\n" else visible(each) for each in value).translate(_PROPERTY)
