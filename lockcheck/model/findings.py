"""What is reported: findings, what could not be done, and the report of a run."""

from __future__ import annotations

import enum
from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.repairs import Repair
from lockcheck.model.source import Place

Applicability: TypeAlias = Literal["safe", "unsafe", "display"]
"""`safe` keeps the meaning, `unsafe` may change it, `display` is shown and never applied."""


class Confidence(enum.IntEnum):
    """How sure a report is.

    HIGH: the lock, the callee and the path are all resolved. MEDIUM: one link was inferred from a name or a
    convention, or holds on some paths only. LOW: a guess, not shown by default.
    """

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name in the configuration and in JSON."""
        return self.name.lower()


class Related(msgspec.Struct, frozen=True):
    """One step of the story behind a finding, in the order in which a person follows it.

    `group` tells the sides of an inversion apart: steps of one side share a number (0 where there is one side).
    `end` marks the places at which the hazard may be put up with as well as at the finding's own: where a side of a
    hazard with two sides takes the lock that it is about, or calls what takes it.
    """

    place: Place
    message: str
    group: int = 0
    end: bool = False


class LockNote(msgspec.Struct, frozen=True):
    """A lock that a finding speaks of, and where it is created, so that a run-time tool can recognise it."""

    name: str
    kind: str
    place: Place


class Edit(msgspec.Struct, frozen=True):
    """Replace what the place covers by `content`."""

    place: Place
    content: str


class Fix(msgspec.Struct, frozen=True):
    """A proposed repair; `message` says what it does, `repair` which of the finding's repairs it is."""

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...] = ()
    repair: Repair | None = None


class Finding(msgspec.Struct, frozen=True):
    """One hazard, one report.

    `symbol` is the qualified name of the function it stands in and `subject` names what collides without line
    numbers: with the code they make the `fingerprint`, which triage gives and which survives moved lines.
    `sides` are the functions of a hazard whose sides are alike, as their modules name them. The names of files decide at
    which of them it is reported: for the fingerprint they all stand in the place of `symbol`.
    `notes` are what rules that this one supersedes had to say of the same place.
    `repairs` are what the rule thinks would repair it, the best first; `fix` is what came of them on request.
    """

    code: str
    name: str
    message: str
    confidence: Confidence
    place: Place
    related: tuple[Related, ...] = ()
    locks: tuple[LockNote, ...] = ()
    fix: Fix | None = None
    symbol: str = ""
    subject: str = ""
    notes: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    fingerprint: str = ""
    sides: tuple[str, ...] = ()


class Failure(msgspec.Struct, frozen=True):
    """Something lockcheck could not do: what the world did wrong, or a bug of ours. Exit code 2.

    `what` names the file, rule or stage; `message` says what happened and what to do.
    """

    what: str
    message: str


class Report(msgspec.Struct, frozen=True):
    """The outcome of a run: findings in a stable order, failures, and how many files were looked at."""

    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    files: int


class Count(msgspec.Struct, frozen=True):
    """How much was asked of astroid and answered, how often it gave up with an error, and what that decided.

    `modules` and `characters` tell how much source was read for it.
    """

    asked: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    modules: int = 0
    characters: int = 0
    decided: int = 0
