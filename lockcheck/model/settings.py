"""What a project says of itself that rules need to know."""

from __future__ import annotations

import itertools

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """The part of the configuration that changes what rules find.

    `lock_order`: chains of locks by `module.qualname`, each to be taken before those that follow it.
    """

    lock_order: tuple[tuple[str, ...], ...] = ()


def precedes(chains: tuple[tuple[str, ...], ...], first: str, second: str) -> bool:
    """Whether an order of locks says, by one chain or through several, that one lock is to be taken before another."""
    reached: set[str] = set()
    pending = [first]
    while pending:
        lock = pending.pop()
        after = {b for chain in chains for a, b in itertools.pairwise(chain) if a == lock}
        pending += sorted(after - reached)
        reached |= after
    return second in reached
