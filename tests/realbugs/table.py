"""The figures and the table of a measurement, and the place where they stand in docs/realbugs.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tests.realbugs.judge import Judged, Sighting, Unmeasured, Verdict
from tests.realbugs.record import Kind

QUIET = "quiet"
BEGIN, END = "<!-- begin of the measurement -->", "<!-- end of the measurement -->"
_HEAD = "| bug | affected | repaired | kind | rules | found | quiet when repaired | seconds |\n|---|---|---|---|---|---|---|--:|"


class PageError(Exception):
    """A page has no place for the measurement."""


class Tally(msgspec.Struct, frozen=True):
    """So many of so many."""

    got: int
    of: int

    def __str__(self) -> str:
        return f"{self.got} of {self.of}"


def tallies(verdicts: Iterable[Verdict]) -> dict[str, Tally]:
    """Count what was found of each kind, and under `quiet` the repairs that are left in peace."""
    judged = [verdict for verdict in verdicts if isinstance(verdict, Judged)]
    counts = {
        kind.value: Tally(sum(one.found is not None for one in group), len(group))
        for kind in Kind
        for group in [[one for one in judged if one.bug.kind is kind]]
    }
    repaired = [one for one in judged if one.bug.after is not None]
    return counts | {QUIET: Tally(sum(not one.loud for one in repaired), len(repaired))}


def summary(verdicts: Sequence[Verdict]) -> str:
    """Say the figures in one paragraph."""
    counts = tallies(verdicts)
    counted = [counts[kind.value] for kind in Kind if kind is not Kind.BEYOND]
    recall = Tally(sum(one.got for one in counted), sum(one.of for one in counted))
    kinds = ", ".join(f"{kind.value} {counts[kind.value]}" for kind in Kind if kind is not Kind.BEYOND)
    text = f"Found: {recall} ({kinds}). Quiet at the repaired release: {counts[QUIET]}."
    beyond = counts[Kind.BEYOND.value]
    if beyond.of:
        text += f" Beyond reach, and not counted: {beyond.of}, of which {beyond.got} found."
    unmeasured = sum(isinstance(verdict, Unmeasured) for verdict in verdicts)
    return f"{text} Not measured: {unmeasured}." if unmeasured else text


def table(verdicts: Iterable[Verdict]) -> str:
    """Draw one row for each entry."""
    return "\n".join([_HEAD, *(f"| {' | '.join(_cells(verdict))} |" for verdict in verdicts)])


def messages(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Give what made each entry count, for a reader who wants to see whether it speaks of the bug."""
    for verdict in verdicts:
        if isinstance(verdict, Judged):
            name, file = verdict.bug.id, verdict.bug.file
            if verdict.found:
                yield f"{name}: {file}:{verdict.found.row}: {verdict.found.code} {verdict.found.message}"
            yield from (f"{name}, repaired: {file}:{one.row}: {one.code} {one.message}" for one in verdict.loud)


def insert(page: str, measurement: str) -> str:
    """Put a measurement into a page, between the marks that stand there."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text = f"{BEGIN}\n\n{measurement}\n\n{END}"
    page, times = pattern.subn(lambda _: text, page)
    if times != 1:
        raise PageError(f"the marks {BEGIN} and {END} must stand there once")
    return page


def _cells(verdict: Verdict) -> Iterator[str]:
    bug = verdict.bug
    yield f"[{bug.id}]({bug.reference})" if bug.reference else bug.id
    yield f"{bug.before}"
    yield bug.fixed or "never"
    yield bug.kind.value
    yield " ".join(bug.rules)
    yield from _outcome(verdict)


def _outcome(verdict: Verdict) -> tuple[str, str, str]:
    match verdict:
        case Judged(bug, found, loud, seconds):
            silence = _quiet(loud) if bug.after else "not asked"
            return _sighting(found) if found else "**no**", silence, f"{seconds:.0f}"
        case Unmeasured():
            return "not measured", "not measured", ""


def _quiet(loud: Sequence[Sighting]) -> str:
    return f"**no**: {', '.join(dict.fromkeys(_sighting(one) for one in loud))}" if loud else "yes"


def _sighting(sighting: Sighting) -> str:
    return f"{sighting.code} at {sighting.row}"
