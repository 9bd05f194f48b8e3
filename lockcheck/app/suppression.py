"""`# noqa` comments: what a user wants not to hear about, as flake8 reads them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from lockcheck.app.selection import Catalogue
from lockcheck.model.facts import Comment, Unit
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.source import Place, Span

_ENTRY = r"(?:[A-Z]+[0-9]+|[a-z]+(?:-[a-z]+)+)"
_ENTRIES = rf"(?P<entries>{_ENTRY}(?:(?:\s*,\s*|\s+){_ENTRY})*)"
_LINE = re.compile(rf"#\s*noqa\b(?::\s?{_ENTRIES})?", re.IGNORECASE)
_FILE = re.compile(rf"#\s*(?:flake8|lockcheck)[:=]\s*noqa\b(?::\s?{_ENTRIES})?\s*$", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+")


class Suppression(msgspec.Struct, frozen=True):
    """Rows of a file, from first to last, on which some rules (None: all) are not reported."""

    first_row: int
    last_row: int
    entries: tuple[str, ...] | None

    def covers(self, row: int, code: str, name: str) -> bool:
        """Whether a report in this row is suppressed. An entry is a name, a code, or the beginning of codes."""
        if not self.first_row <= row <= self.last_row:
            return False
        if self.entries is None:
            return True
        return any(code.startswith(entry.upper()) or name == entry.lower() for entry in self.entries)


def suppressions(comments: Sequence[Comment], lines: int) -> tuple[Suppression, ...]:
    """Read the comments of a file that has so many lines."""
    found: list[Suppression] = []
    for comment in comments:
        whole_file = _FILE.search(comment.text)
        if whole_file is not None:
            found.append(Suppression(1, max(lines, 1), _entries(whole_file)))
            continue
        line = _LINE.search(comment.text)
        if line is not None:
            found.append(Suppression(comment.first_row, comment.last_row, _entries(line)))
    return tuple(found)


class Unused(msgspec.Struct, frozen=True):
    """Entries of a comment that suppress nothing: all of ours that it has, or some."""

    comment: Comment
    entries: tuple[str, ...]

    def remaining(self) -> str:
        """The comment without them."""
        pattern = _FILE if _FILE.search(self.comment.text) else _LINE
        match = pattern.search(self.comment.text)
        assert match is not None
        kept = [entry for entry in _entries(match) or () if entry not in self.entries]
        before, after = self.comment.text[: match.start()], self.comment.text[match.end() :]
        if kept:
            start = match.start("entries") - match.start()
            return f"{before}{match[0][:start]}{', '.join(kept)}{after}"
        rest = f"{before.rstrip()} {after.strip()}".strip()
        return rest if not rest or rest.startswith("#") else f"# {rest}"


def unused(unit: Unit, findings: Iterable[Finding], enabled: Collection[str], catalogue: Catalogue) -> Iterator[Unused]:
    """Comments of a file that name rules of ours which are all on and report nothing that they would suppress."""
    here = [finding for finding in findings if finding.place.path == unit.path]
    for comment in unit.facts.comments:
        for one in suppressions((comment,), unit.facts.lines):
            useless = tuple(
                entry
                for entry in one.entries or ()
                if (codes := catalogue.expand(entry.upper()) | catalogue.expand(entry.lower()))
                and codes <= frozenset(enabled)
                and not any(f.code in codes and one.first_row <= f.place.span.row <= one.last_row for f in here)
            )
            if useless:
                yield Unused(comment, useless)


def unknown_rules(units: Iterable[Unit], catalogue: Catalogue) -> Iterator[Finding]:
    """Report suppressions of rules of ours that there are not; the codes of other tools are theirs."""
    for unit in units:
        for comment in unit.facts.comments:
            for match in filter(None, (pattern.search(comment.text) for pattern in (_FILE, _LINE))):
                for entry in _entries(match) or ():
                    if entry.upper().startswith("LCK") and not catalogue.expand(entry.upper()):
                        yield _unknown(unit, comment, entry, catalogue)
                break


def _unknown(unit: Unit, comment: Comment, entry: str, catalogue: Catalogue) -> Finding:
    near = catalogue.nearest(entry)
    hint = f"; did you mean `{near}`?" if near is not None else ""
    return Finding(
        "LCK902",
        "invalid-suppression",
        f"there is no rule `{entry}`, so this suppresses nothing by it{hint}",
        Confidence.HIGH,
        Place(unit.path, Span(comment.row, comment.column, comment.row, comment.column + len(comment.text))),
        symbol=unit.module,
        subject=entry,
    )


def _entries(match: re.Match[str]) -> tuple[str, ...] | None:
    entries = match["entries"]
    return tuple(_SEPARATOR.split(entries)) if entries else None
