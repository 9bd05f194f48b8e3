"""Everything that is known of a place: what is found there, whether that is reported, and what holds there anyway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from lockcheck.analysis.index.rows import statement_rows
from lockcheck.analysis.profiles import Profiles
from lockcheck.analysis.standing import Standing, function_at, standing
from lockcheck.analysis.summarise import Analysis
from lockcheck.app.config import check_selectors
from lockcheck.app.graphing import described, runner, spelled, steps_of
from lockcheck.app.headroom import with_headroom
from lockcheck.app.pipeline import analysed, apply, shortcomings
from lockcheck.app.project import Project
from lockcheck.app.reaching import reached
from lockcheck.app.rulebook import rulebook
from lockcheck.app.run import Options
from lockcheck.app.selection import Catalogue
from lockcheck.app.triage import of_interest
from lockcheck.app.verdicts import Verdicts
from lockcheck.model.events import CriticalPair, Held
from lockcheck.model.explanation import Explanation, HeldAround, HeldThere, Told
from lockcheck.model.findings import Failure, Finding
from lockcheck.model.graph import Lock
from lockcheck.model.identity import FunctionId, LockId, lock_name
from lockcheck.model.source import Place, SourceFile


class Spot(msgspec.Struct, frozen=True):
    """What is asked about: a file, a row of it, a column of that."""

    path: str
    row: int | None = None
    column: int | None = None


class Explained(msgspec.Struct, frozen=True):
    """The explanation, the sources that it speaks of, and what could not be looked at."""

    explanation: Explanation
    sources: dict[str, SourceFile]
    failures: tuple[Failure, ...]


def explain(project: Project, spot: Spot, options: Options) -> Explained:
    """Analyse a project with every rule, and tell what is known of a spot in it."""
    book = rulebook(project)
    catalogue = Catalogue.of(book.rules)
    check_selectors(project.config, catalogue)
    with analysed(project, options, book) as program:
        found = apply(book.rules, program.analysis, options)
        verdicts = Verdicts(program, found, project, catalogue)
        told = tuple(_told(verdicts, spot))
        failures = (*shortcomings(program, project), *found.failures)
        explanation = Explanation(spot.path, spot.row, spot.column, None, (), told, None, (), (), ())
        analysis = program.analysis
        if not isinstance(analysis, Failure):
            text = program.sources[spot.path].text if spot.path in program.sources else ""
            explanation = with_headroom(lambda: _around(explanation, analysis, text))
        return Explained(explanation, program.sources, tuple(of_interest(failures, project)))


def _told(verdicts: Verdicts, spot: Spot) -> Iterator[Told]:
    found = [finding for finding in verdicts.all() if _touches(spot, finding)]
    told = [Told(finding, _is_at(spot, finding.place), verdicts.reasons(finding)) for finding in found]
    yield from sorted(told, key=_rank)


def _rank(told: Told) -> tuple[bool, bool, Place, str, str]:
    """What is reported first, and what is reported at the very place before what only runs through it."""
    finding = told.finding
    return bool(told.reasons), not told.stands_here, finding.place, finding.code, finding.message


def _touches(spot: Spot, finding: Finding) -> bool:
    if spot.row is None:
        return finding.place.path == spot.path
    return any(_is_at(spot, place) for place in (finding.place, *(r.place for r in finding.related)))


def _is_at(spot: Spot, place: Place) -> bool:
    span = place.span
    if place.path != spot.path or spot.row is None:
        return place.path == spot.path
    if spot.column is None:
        return span.row <= spot.row <= span.end_row
    return (span.row, span.column) <= (spot.row, spot.column) < (span.end_row, span.end_column)


def _around(explanation: Explanation, analysis: Analysis, text: str) -> Explanation:
    """Add what holds at the row, and all about the locks that are spoken of."""
    profiles = Profiles(analysis)
    row = explanation.row
    function = function_at(analysis, explanation.path, row) if row is not None else None
    spoken: list[LockId] = []
    if row is not None and function is not None:
        there = _standing(analysis, function, text, row)
        held = there.held
        spoken += [h.lock.id for h in held or () if h.lock.id is not None]
        spoken += [lock for outer in there.around for lock in outer.locks]
        explanation = msgspec.structs.replace(
            explanation,
            function=spelled(function),
            runners=tuple(runner(analysis, context) for context in profiles.contexts.of(function)),
            held=tuple(_held(analysis, there)) if held is not None else None,
            around=tuple(_outer(there)),
            reached=tuple(reached(analysis, _distinct(there.reached))),
        )
    return msgspec.structs.replace(explanation, locks=tuple(_locks(analysis, profiles, explanation.told, spoken)))


def _standing(analysis: Analysis, function: FunctionId, text: str, row: int) -> Standing:
    """What holds at a row: of the statement that it belongs to, or the next of the same block that is known."""
    last = analysis.facts(function).last_row
    first: Standing | None = None
    for rows in statement_rows(text, row):
        if rows.start > last:
            break
        found = standing(analysis, function, rows)
        if first is None:
            first = found
        if found.held is not None:
            return msgspec.structs.replace(found, reached=first.reached)
    return first or standing(analysis, function, range(row, row + 1))


def _held(analysis: Analysis, there: Standing) -> Iterator[HeldThere]:
    """The locks that are held, each place of taking it once: a loop may come to it several times."""
    found: dict[object, Held] = {}
    for held in there.held or ():
        if held.lock.id is not None and not held.inner:
            key = (held.lock.id, held.mode, held.trace)
            if key not in found or held.must:
                found[key] = held
    for held in found.values():
        assert held.lock.id is not None
        steps = tuple(steps_of(analysis, held.trace))
        yield HeldThere(lock_name(held.lock.id), held.mode, held.must, steps)


def _outer(there: Standing) -> Iterator[HeldAround]:
    for outer in there.around:
        names = tuple(lock_name(lock) for lock in outer.locks)
        yield HeldAround(spelled(outer.caller), outer.place, names, outer.always)


def _distinct(pairs: Iterable[CriticalPair]) -> list[CriticalPair]:
    """Of several ways to one event the shortest."""
    best: dict[object, CriticalPair] = {}
    for pair in pairs:
        last = pair.trace[-1]
        key = (pair.trace[0].span.row, last.function, last.span, type(pair.event))
        if key not in best or len(pair.trace) < len(best[key].trace):
            best[key] = pair
    return list(best.values())


def _locks(analysis: Analysis, profiles: Profiles, told: Sequence[Told], spoken: Sequence[LockId]) -> Iterator[Lock]:
    """Every lock that is spoken of, once."""
    notes = {(note.name, note.place) for each in told for note in each.finding.locks}
    for ref in profiles.locks():
        if ref.id is not None:
            profile = profiles.of(ref)
            if ref.id in spoken or (profile.made is not None and (lock_name(ref.id), profile.made) in notes):
                yield described(analysis, profile)
