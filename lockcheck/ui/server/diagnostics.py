"""Findings as an editor shows them: under the text, with the other steps of the story a click away."""

from __future__ import annotations

from pathlib import Path

from lsprotocol.types import (
    CodeDescription,
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
    MarkupContent,
    MarkupKind,
)

from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.source import Place
from lockcheck.rules.registry import find
from lockcheck.ui.render import URL
from lockcheck.ui.server.project import View

_SEVERITY = {
    Confidence.HIGH: DiagnosticSeverity.Warning,
    Confidence.MEDIUM: DiagnosticSeverity.Warning,
    Confidence.LOW: DiagnosticSeverity.Information,
}
_SHOWN = ("What it does", "Why it hurts", "How to repair it")


def diagnostic(finding: Finding, view: View) -> Diagnostic:
    """Give a finding as a diagnostic of its file."""
    return Diagnostic(
        range=view.lines(finding.place.path).range(finding.place.span),
        severity=_SEVERITY[finding.confidence] if finding.code != "LCK900" else DiagnosticSeverity.Error,
        code=finding.code,
        code_description=CodeDescription(href=URL + finding.code),
        source="lockcheck",
        message="\n".join((finding.message, *finding.notes)),
        related_information=[
            DiagnosticRelatedInformation(_location(step.place, view), step.message) for step in finding.related
        ],
    )


def _location(place: Place, view: View) -> Location:
    return Location(uri(place.path), view.lines(place.path).range(place.span))


def uri(path: str) -> str:
    """Give the URI of an absolute path."""
    return Path(path).as_uri()


def hover(finding: Finding) -> MarkupContent:
    """Give what a rule finds, why that hurts and how it is repaired, below what it says here."""
    parts = [f"**{finding.code} {finding.name}** ({finding.confidence.word}): {finding.message}"]
    rule = find(finding.code)
    if rule is not None:
        sections = rule.documentation.split("\n## ")
        parts += [f"### {section.strip()}" for section in sections if section.partition("\n")[0] in _SHOWN]
    return MarkupContent(MarkupKind.Markdown, "\n\n".join(parts))
