"""What an editor offers to do about a finding: its fix, and a comment that puts up with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    Diagnostic,
    OptionalVersionedTextDocumentIdentifier,
    Range,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

from lockcheck.app.marking import marked
from lockcheck.model.findings import Edit, Finding
from lockcheck.ui.server.diagnostics import diagnostic, uri
from lockcheck.ui.server.positions import overlap
from lockcheck.ui.server.project import View

FIX_ALL = "source.fixAll.lockcheck"
KINDS = (CodeActionKind.QuickFix.value, FIX_ALL)


def actions_at(view: View, path: str, where: Range) -> Iterator[CodeAction]:
    """Give what can be done about the findings at a place."""
    lines = view.lines(path)
    here = [one for one in view.findings.get(path, ()) if overlap(lines.range(one.place.span), where)]
    for finding in view.with_fixes(tuple(here)):
        shown = diagnostic(finding, view)
        yield from _fix(view, finding, shown)
        yield from _suppression(view, finding, shown)


def fix_all(view: View, path: str) -> Iterator[CodeAction]:
    """Give all safe fixes of a file as one action."""
    findings = view.with_fixes(tuple(view.findings.get(path, ())))
    safe = [finding.fix for finding in findings if finding.fix is not None and finding.fix.applicability == "safe"]
    chosen = list(_apart([fix.edits for fix in safe]))
    if chosen:
        edit = _workspace_edit(view, (edit for edits in chosen for edit in edits))
        title = f"lockcheck: make {len(chosen)} safe {'fix' if len(chosen) == 1 else 'fixes'} in this file"
        yield CodeAction(title=title, kind=FIX_ALL, edit=edit)


def _fix(view: View, finding: Finding, shown: Diagnostic) -> Iterator[CodeAction]:
    fix = finding.fix
    if fix is None or not fix.edits:
        return
    is_safe = fix.applicability == "safe"
    note = "" if is_safe else " (may change the meaning)"
    yield CodeAction(
        title=f"{finding.code}: {fix.message}{note}",
        kind=CodeActionKind.QuickFix,
        diagnostics=[shown],
        is_preferred=is_safe,
        edit=_workspace_edit(view, fix.edits),
    )


def _suppression(view: View, finding: Finding, shown: Diagnostic) -> Iterator[CodeAction]:
    path = finding.place.path
    text = view.text(path)
    after = marked([finding], view.outcome.sources, view.project, "").texts.get(path)
    if text is None or after is None or after == text:
        return
    lines = view.lines(path)
    edits = [
        TextEdit(lines.whole(row), new)
        for row, (old, new) in enumerate(zip(text.split("\n"), after.split("\n"), strict=True), 1)
        if old != new
    ]
    document = OptionalVersionedTextDocumentIdentifier(uri=uri(path), version=view.versions.get(path))
    yield CodeAction(
        title=f"{finding.code}: ignore on this line",
        kind=CodeActionKind.QuickFix,
        diagnostics=[shown],
        edit=WorkspaceEdit(document_changes=[TextDocumentEdit(document, list(edits))]),
    )


def _apart(fixes: Iterable[tuple[Edit, ...]]) -> Iterator[tuple[Edit, ...]]:
    """Give those fixes that touch no text which an earlier one touches."""
    taken: list[Edit] = []
    for edits in fixes:
        if not any(_touch(one, other) for one in edits for other in taken):
            taken += edits
            yield edits


def _touch(one: Edit, other: Edit) -> bool:
    a, b = one.place.span, other.place.span
    if one.place.path != other.place.path:
        return False
    return (a.row, a.column) <= (b.end_row, b.end_column) and (b.row, b.column) <= (a.end_row, a.end_column)


def _workspace_edit(view: View, edits: Iterable[Edit]) -> WorkspaceEdit:
    by_path: dict[str, list[TextEdit]] = {}
    for edit in edits:
        path = edit.place.path
        by_path.setdefault(path, []).append(TextEdit(view.lines(path).range(edit.place.span), edit.content))
    return WorkspaceEdit(
        document_changes=[
            TextDocumentEdit(
                OptionalVersionedTextDocumentIdentifier(uri=uri(path), version=view.versions.get(path)), [*changes]
            )
            for path, changes in by_path.items()
        ]
    )
