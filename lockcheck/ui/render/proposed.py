"""The edits of a fix that is only shown, as a person reads them: the lines that go, and those that come."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.text import Text

from lockcheck.fixes.edits import apply
from lockcheck.model.findings import Fix
from lockcheck.ui.render.view import View, visible

_STYLES = {"-": "red", "+": "green", "@": "cyan"}


def proposed(fix: Fix, own: str, view: View) -> Text:
    """Give the changes file by file; a file is named where it is not the finding's own."""
    text = Text()
    for path in dict.fromkeys(edit.place.path for edit in fix.edits):
        before = view.text(path)
        if before is None:
            continue
        if path != own:
            text.append(f"  {view.display(path)}\n", "cyan")
        after = apply(before, [edit for edit in fix.edits if edit.place.path == path])
        for line in _changed(before, after):
            text.append(f"    {visible(line)}".rstrip(), _STYLES.get(line[:1], "dim"))
            text.append("\n")
    return text


def _changed(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    yield from (line for number, line in enumerate(lines) if number > 1)
