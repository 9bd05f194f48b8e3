"""JSON for programs: an array in the shape of ruff's."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from lockcheck.model.findings import Confidence, Edit, Finding, Fix, LockNote, Related, Report
from lockcheck.ui.render import URL
from lockcheck.ui.render.view import View

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def render_json(report: Report, view: View) -> str:
    """Give the findings as a JSON array."""
    return dump([_finding(finding, view) for finding in report.findings])


def dump(value: Json) -> str:
    """Give a JSON document, two spaces for each level."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _finding(finding: Finding, view: View) -> Json:
    span = finding.place.span
    return {
        "code": finding.code,
        "name": finding.name,
        "message": _text(finding.message),
        "severity": "error" if finding.confidence is Confidence.HIGH else "warning",
        "confidence": finding.confidence.word,
        "filename": _text(finding.place.path),
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
        "message": _text(fix.message),
        "edits": [_edit(edit) for edit in fix.edits],
    }


def _edit(edit: Edit) -> Json:
    span = edit.place.span
    return {
        "filename": _text(edit.place.path),
        "content": _text(edit.content),
        "location": _location(span.row, span.column),
        "end_location": _location(span.end_row, span.end_column),
    }


def _related(related: Related) -> Json:
    span = related.place.span
    return {
        "filename": _text(related.place.path),
        "location": _location(span.row, span.column),
        "message": _text(related.message),
    }


def _lock(lock: LockNote) -> Json:
    span = lock.place.span
    return {
        "name": _text(lock.name),
        "kind": lock.kind,
        "filename": _text(lock.place.path),
        "location": _location(span.row, span.column),
    }


def _location(row: int, column: int) -> Json:
    return {"row": row, "column": column}


def _text(text: str) -> str:
    """Give a text that UTF-8 can carry: file names may hold bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if not text.isascii() else text
