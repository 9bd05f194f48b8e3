"""Edits: what differs between two texts, and a text with edits made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from lockcheck.model.findings import Edit
from lockcheck.model.source import Place, Span


def difference(path: str, old: str, new: str) -> tuple[Edit, ...]:
    """The edits that make one text of the other: whole lines, or a part of one where no more differs."""
    before, after = old.split("\n"), new.split("\n")
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    a, b = before[head : len(before) - tail], after[head : len(after) - tail]
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    edits = [
        _edit(path, before, (head + i1, head + i2), after[head + j1 : head + j2])
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]
    return tuple(edits)


def overlap(one: Iterable[Edit], other: Iterable[Edit]) -> bool:
    """Whether two sets of edits touch the same text, so that they can't both be made; equal edits are made once."""
    theirs = list(other)
    return any(a != b and _meet(a.place, b.place) for a in one for b in theirs)


def apply(text: str, edits: Iterable[Edit], newline: str = "\n") -> str:
    """Make edits that do not overlap in a text whose lines end as they may; what is put in ends in `newline`."""
    starts = _starts(text)
    pieces: list[str] = []
    position = 0
    for edit in sorted(set(edits), key=lambda e: (e.place.span, e.content)):
        span = edit.place.span
        begin = starts[span.row - 1] + span.column - 1
        pieces += [text[position:begin], edit.content.replace("\n", newline)]
        position = starts[span.end_row - 1] + span.end_column - 1
    return "".join([*pieces, text[position:]])


def _starts(text: str) -> list[int]:
    """Where each row begins; rows end in a newline, a carriage return, or both."""
    starts = [0]
    for index, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            starts.append(index + 1)
    starts.append(len(text))
    return starts


def _edit(path: str, before: Sequence[str], rows: tuple[int, int], new: Sequence[str]) -> Edit:
    """Replace some rows; of one row that stays one, only the part that differs."""
    first, last = rows
    if last - first == 1 == len(new):
        old = before[first]
        head = _common(old, new[0])
        tail = _common(old[head:][::-1], new[0][head:][::-1])
        span = Span(first + 1, head + 1, first + 1, len(old) - tail + 1)
        return Edit(Place(path, span), new[0][head : len(new[0]) - tail])
    if last < len(before):
        return Edit(Place(path, Span(first + 1, 1, last + 1, 1)), "".join(f"{line}\n" for line in new))
    end = len(before[last - 1]) + 1
    if first == 0:
        return Edit(Place(path, Span(1, 1, last, end)), "\n".join(new))
    return Edit(Place(path, Span(first, len(before[first - 1]) + 1, last, end)), "".join(f"\n{line}" for line in new))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many elements two sequences begin with in common."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _meet(one: Place, other: Place) -> bool:
    if one.path != other.path:
        return False
    a, b = one.span, other.span
    if a == b:
        return True
    return (a.row, a.column) < (b.end_row, b.end_column) and (b.row, b.column) < (a.end_row, a.end_column)
