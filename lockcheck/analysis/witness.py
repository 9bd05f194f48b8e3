"""The story behind a finding: who holds what, through which calls, and what happens then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import CriticalPair, Held, LockRef, Step
from lockcheck.model.findings import Confidence, Finding, LockNote, Place, Related
from lockcheck.model.identity import FunctionId, lock_name


def named(lock: LockRef) -> str:
    """A lock in a message."""
    return f"`{lock_name(lock.id)}`" if lock.id is not None else "the lock"


def title(function: FunctionId) -> str:
    """A function in a message: its qualified name without the module."""
    return f"`{function.qualname.replace('.<locals>', '')}`"


def certainty(pair: CriticalPair, held: Iterable[Held]) -> Confidence:
    """How sure a report on a pair can be: a lock that is held on some paths only, or known by its name, lowers it."""
    level = pair.confidence
    for item in held:
        if item.lock.guessed or item.lock.id is None:
            level = min(level, Confidence.LOW)
        elif not item.must:
            level = min(level, Confidence.MEDIUM)
    return level


def taken(analysis: Analysis, held: Held, group: int = 0) -> list[Related]:
    """The steps by which a lock was taken."""
    return [_step(analysis, step, group) for step in held.trace]


def reached(analysis: Analysis, pair: CriticalPair, what: str, group: int = 0) -> list[Related]:
    """The steps behind the primary place: each call on the way and the event, which `what` describes."""
    if len(pair.trace) == 1:
        return []
    inner = [_step(analysis, step, group) for step in pair.trace[1:-1]]
    last = pair.trace[-1]
    return [*inner, Related(analysis.place(last.function, last.span), f"`{last.text}` {what}", group)]


def _step(analysis: Analysis, step: Step, group: int) -> Related:
    place = analysis.place(step.function, step.span)
    if step.action == "acquire":
        return Related(place, f"`{step.text}` is taken", group)
    return Related(place, f"calls `{step.text}`", group)


def primary(analysis: Analysis, pair: CriticalPair) -> Place:
    """Where a finding on a pair stands: the operation in the function that holds the lock."""
    return analysis.place(pair.trace[0].function, pair.trace[0].span)


def through(pair: CriticalPair) -> str:
    """` through `a` and `b`` for an event behind calls; empty for one at the place itself."""
    names = [f"`{step.text}`" for step in pair.trace[:-1] if step.action == "call"]
    if not names:
        return ""
    if len(names) > 3:
        names = [names[0], "…", names[-1]]
    return " through " + " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def notes(analysis: Analysis, locks: Iterable[LockRef]) -> tuple[LockNote, ...]:
    """The locks that a finding speaks of, each once."""
    found = [analysis.note(lock) for lock in locks]
    return tuple(dict.fromkeys(n for n in found if n is not None))


def finding(
    analysis: Analysis,
    code: str,
    name: str,
    message: str,
    pair: CriticalPair,
    held: Held,
    related: Sequence[Related],
    confidence: Confidence,
    locks: Sequence[LockRef] = (),
) -> Finding:
    """A finding that stands on the first step of a pair."""
    function = pair.trace[0].function
    subject = f"{named(held.lock)} {pair.trace[-1].text}"
    return Finding(
        code,
        name,
        message,
        confidence,
        primary(analysis, pair),
        tuple(related),
        notes(analysis, (held.lock, *locks)),
        symbol=str(function),
        subject=subject,
    )


class Hazard:
    """Reports of one hazard: the same lock and the same final event, reached from several places."""

    def __init__(self) -> None:
        """No place yet."""
        self.places: list[tuple[CriticalPair, Held, Confidence]] = []

    def add(self, pair: CriticalPair, held: Held, confidence: Confidence) -> None:
        """One more place."""
        self.places.append((pair, held, confidence))

    def best(self) -> tuple[CriticalPair, Held, Confidence]:
        """The surest place, then the one with the shortest trace, then the first."""
        return min(self.places, key=lambda p: (-p[2], len(p[0].trace), p[0].trace))

    def others(self, analysis: Analysis, limit: int = 5) -> list[Related]:
        """The other places at which a lock is held around the same event."""
        first = self.best()[0].trace[0]
        seen = {first}
        found: list[Related] = []
        for pair, _, _ in sorted(self.places, key=lambda p: (len(p[0].trace), p[0].trace)):
            step = pair.trace[0]
            if step not in seen and len(found) < limit:
                seen.add(step)
                found.append(Related(analysis.place(step.function, step.span), f"also reached from {title(step.function)}"))
        return found


def hazards(places: Iterable[tuple[CriticalPair, Held, Confidence]]) -> list[Hazard]:
    """Places grouped into hazards: one for each lock and final event, in the order in which they appear."""
    found: dict[tuple[object, Step], Hazard] = {}
    for pair, held, confidence in places:
        found.setdefault((held.lock.id, pair.trace[-1]), Hazard()).add(pair, held, confidence)
    return list(found.values())
