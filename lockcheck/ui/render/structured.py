"""JSON for programs: an array in the shape of ruff's."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from lockcheck.model.findings import Edit, Finding, Fix, LockNote, Related, Report
from lockcheck.ui.render import URL
from lockcheck.ui.render.view import View, severity, storable

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def render(report: Report, view: View) -> str:
    """Give the findings as a JSON array."""
    del view
    return dump([diagnostic(finding) for finding in report.findings])


def dump(value: Json) -> str:
    """Give a JSON document, two spaces for each level."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def diagnostic(finding: Finding) -> Json:
    """Give one finding as programs read it."""
    span = finding.place.span
    return {
        "code": finding.code,
        "name": finding.name,
        "message": storable(finding.message),
        "severity": severity(finding),
        "confidence": finding.confidence.word,
        "filename": storable(finding.place.path),
        "location": _location(span.row, span.column),
        "end_location": _location(span.end_row, span.end_column),
        "fix": _fix(finding.fix) if finding.fix is not None else None,
        "related": [_related(related) for related in finding.related],
        "locks": [_lock(lock) for lock in finding.locks],
        "url": URL + finding.code,
        "fingerprint": finding.fingerprint,
    }


def _fix(fix: Fix) -> Json:
    return {
        "applicability": fix.applicability,
        "message": storable(fix.message),
        "edits": [_edit(edit) for edit in fix.edits],
    }


def _edit(edit: Edit) -> Json:
    span = edit.place.span
    return {
        "filename": storable(edit.place.path),
        "content": storable(edit.content),
        "location": _location(span.row, span.column),
        "end_location": _location(span.end_row, span.end_column),
    }


def _related(related: Related) -> Json:
    span = related.place.span
    return {
        "filename": storable(related.place.path),
        "location": _location(span.row, span.column),
        "message": storable(related.message),
    }


def _lock(lock: LockNote) -> Json:
    span = lock.place.span
    return {
        "name": storable(lock.name),
        "kind": lock.kind,
        "filename": storable(lock.place.path),
        "location": _location(span.row, span.column),
    }


def _location(row: int, column: int) -> Json:
    return {"row": row, "column": column}
