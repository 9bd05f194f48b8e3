"""What a repair comes to in one file: which nodes of its tree are replaced by what."""

from __future__ import annotations

from dataclasses import dataclass

from lockcheck.fixes.tree import Changes
from lockcheck.model.findings import Applicability


@dataclass(frozen=True, slots=True)
class Terms:
    """What the project wants of new code: how long a wait may last, and the oldest Python that must understand it."""

    seconds: float
    target: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A repair that can be made; `message` says what it does, in the imperative."""

    applicability: Applicability
    message: str
    changes: Changes
