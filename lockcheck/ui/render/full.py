"""The report for people: each finding with the sources it speaks of and its story, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from rich.text import Text

from lockcheck.model.findings import Confidence, Finding, Report
from lockcheck.model.source import Place
from lockcheck.ui.render.drawing import drawn
from lockcheck.ui.render.frame import Mark, frame
from lockcheck.ui.render.proposed import proposed
from lockcheck.ui.render.view import View, visible

_CONFIDENCE = {Confidence.HIGH: "bold red", Confidence.MEDIUM: "yellow", Confidence.LOW: "dim"}


class _Side(msgspec.Struct, frozen=True):
    """Places that belong together: the whole story, or one side of an inversion."""

    title: str | None
    places: tuple[tuple[Place, Mark], ...]


def render(report: Report, view: View) -> str:
    """Give the findings with source frames, and a line that sums up where one is wanted."""
    text = Text()
    for finding in report.findings:
        text.append_text(_finding(finding, view))
        text.append("\n")
    if view.closing:
        text.append_text(_closing(report))
    return drawn(text, view.colour, view.width)


def _finding(finding: Finding, view: View) -> Text:
    span = finding.place.span
    text = Text()
    text.append(f"{view.display(finding.place.path)}:{span.row}:{span.column}", "bold")
    text.append(f" {finding.code} ", "bold red")
    text.append(f"[{finding.confidence.word}]", _CONFIDENCE[finding.confidence])
    text.append(f" {visible(finding.message)}\n")
    for side in _sides(finding):
        if side.title is not None:
            text.append(f"  {side.title}\n", "italic")
        text.append_text(_frames(side, finding.place.path, view))
    for note in finding.notes:
        text.append("  also: ", "bold")
        text.append(f"{visible(note)}\n")
    if finding.fix is not None:
        is_shown = finding.fix.applicability == "display"
        text.append("  help: " if is_shown else f"  fix ({finding.fix.applicability}): ", "bold")
        text.append(f"{visible(finding.fix.message)}\n")
        if is_shown:
            text.append_text(proposed(finding.fix, finding.place.path, view))
    return text


def _sides(finding: Finding) -> Iterator[_Side]:
    """Number the steps and put the sides of an inversion apart; the finding itself belongs to the first."""
    steps = [
        (related, Mark(related.place.span, f"{number}: {related.message}", is_primary=False))
        for number, related in enumerate(finding.related, 1)
    ]
    here = "; ".join(mark.label for related, mark in steps if related.place == finding.place)
    primary = (finding.place, Mark(finding.place.span, here, is_primary=True))
    groups = sorted({related.group for related, _ in steps})
    own = next((related.group for related, _ in steps if related.place == finding.place), groups[0] if groups else 0)
    if not groups:
        yield _Side(None, (primary,))
    for position, group in enumerate(sorted(groups, key=lambda each: (each != own, each))):
        inside = [(related.place, mark) for related, mark in steps if related.group == group]
        places = tuple((place, mark) for place, mark in inside if group != own or place != finding.place)
        title = ("one side:" if position == 0 else "the other side:") if len(groups) == 2 else f"side {position + 1}:"
        yield _Side(title if len(groups) > 1 else None, (primary, *places) if group == own else places)


def _frames(side: _Side, own: str, view: View) -> Text:
    """Draw one frame for each file, in the order in which the story comes to them, the finding's own first."""
    files: dict[str, list[Mark]] = {}
    for place, mark in side.places:
        files.setdefault(place.path, []).append(mark)
    text = Text()
    for path, marks in files.items():
        if path != own or side.title is not None:
            text.append(f"  {view.display(path)}\n", "cyan")
        text.append_text(_indented(frame(view, path, marks)) if _has_source(view, path, marks) else _bare(marks))
    return text


def _has_source(view: View, path: str, marks: Sequence[Mark]) -> bool:
    return any(view.line(path, mark.span.row) is not None for mark in marks)


def _bare(marks: Sequence[Mark]) -> Text:
    """Tell of places whose source is not at hand."""
    text = Text()
    for mark in marks:
        if mark.label:
            text.append(f"  line {mark.span.row}: {visible(mark.label)}\n")
    return text


def _indented(text: Text) -> Text:
    indented = Text()
    for line in text.split("\n"):
        if line.plain:
            indented.append("  ")
            indented.append_text(line)
            indented.append("\n")
    return indented


def _closing(report: Report) -> Text:
    found = len(report.findings)
    files = f"{report.files} file{'' if report.files == 1 else 's'}"
    if not found and not report.failures:
        return Text(f"Nothing found in {files}.\n", "green")
    sum_up = f"{found} finding{'' if found == 1 else 's'} in {files}."
    if report.failures:
        sum_up = f"{sum_up} Not everything could be looked at: see the messages."
    text = Text(f"{sum_up}\n", "bold")
    kinds: Counter[str] = Counter(finding.fix.applicability for finding in report.findings if finding.fix is not None)
    ways = (("safe", "--fix"), ("unsafe", "--fix --unsafe-fixes"))
    fixable = [f"{kinds[kind]} fixable with `{how}`" for kind, how in ways if kinds[kind]]
    return text.append(f"{', '.join(fixable)}.\n") if fixable else text
