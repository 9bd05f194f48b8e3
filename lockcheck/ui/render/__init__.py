"""The forms in which a report is shown: each turns a report into text, none prints."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from lockcheck.app.table import OutputFormat
    from lockcheck.model.findings import Report
    from lockcheck.ui.render.view import View

SITE = "https://lockcheck.readthedocs.io/"
URL = f"{SITE}rules/"

RENDERERS: dict[OutputFormat, str] = {
    "full": "full",
    "concise": "concise",
    "grouped": "grouped",
    "json": "structured",
    "json-lines": "lines",
    "junit": "junit",
    "github": "github",
    "gitlab": "gitlab",
    "pylint": "pylint",
    "rdjson": "rdjson",
    "azure": "azure",
    "sarif": "sarif",
}
"""The module of each form, loaded when it is asked for; each has `render(report, view)`."""

WITH_FIXES: frozenset[OutputFormat] = frozenset({"full", "json", "json-lines", "github", "rdjson", "sarif"})
"""The forms that tell of fixes: for the others none is made."""


class _Renderer(Protocol):
    def render(self, report: Report, view: View) -> str: ...


def render(report: Report, view: View, form: OutputFormat) -> str:
    """Give the report in the form that was asked for."""
    renderer = cast("_Renderer", importlib.import_module(f"{__name__}.{RENDERERS[form]}"))
    return renderer.render(report, view)
