"""What is true at one place of a function: the locks held and where local names point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import msgspec

from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.link.paths import Environment
from lockcheck.analysis.summarise.environment import bound, joined
from lockcheck.model.events import Acquire, Event, Held, LockRef
from lockcheck.model.library import Mode
from lockcheck.model.paths import Path
from lockcheck.model.source import Span

MANY = 8
MAX_PASSED = 8
"""Locks that a thread is known to have taken on its way."""


class State(msgspec.Struct, frozen=True, gc=False):
    """`held` in the order of acquisition; `dropped` are the caller's locks given back; `env` where names point.

    `bounded` counts the timeout scopes around; `attempts` are results of timed or non-blocking acquisitions.
    `promised` are the locks that the caller holds by contract, whether they are held just now or not.
    `debugging`: this is reached only while somebody debugs.

    `passed` are the locks that were taken on every way here, given back or not: who had held one of them before, and
    cannot take it twice, would not have come so far. `stuck`: that has happened to the thread itself.
    """

    held: tuple[Held, ...] = ()
    dropped: tuple[LockRef, ...] = ()
    env: Environment = {}
    bounded: int = 0
    attempts: dict[str, Held] = {}
    promised: tuple[Held, ...] = ()
    debugging: bool = False
    passed: frozenset[Path] = frozenset()
    stuck: bool = False

    def holding(self, held: Held) -> State:
        """The state after a lock was taken."""
        state = self.passing(held)
        dropped = tuple(d for d in state.dropped if not same(d, held.lock))
        if len(dropped) != len(state.dropped):
            again = tuple(p for p in state.promised if same(p.lock, held.lock))
            return msgspec.structs.replace(state, dropped=dropped, held=(*state.held, *again))
        return msgspec.structs.replace(state, held=(*state.held, held))

    def passing(self, held: Held) -> State:
        """The state of a thread that a lock let through, or did not, since the thread holds it already."""
        path = held.lock.path
        if path is None or not held.must or held.promised or self.bounded or not once(held):
            return self
        if any(h.must and h.lock.path == path and h.trace != held.trace and once(h) for h in self.held):
            return msgspec.structs.replace(self, stuck=True)
        if path in self.passed or len(self.passed) == MAX_PASSED or any(same(d, held.lock) for d in self.dropped):
            return self
        return msgspec.structs.replace(self, passed=self.passed | {path})

    def behind(self, passed: frozenset[Path], stuck: bool) -> State:
        """The state after a call that takes these locks on every way to its end, or has no end."""
        if stuck or self.blocked(passed):
            return msgspec.structs.replace(self, stuck=True)
        return msgspec.structs.replace(self, passed=self.with_passed(passed)) if passed else self

    def blocked(self, passed: frozenset[Path]) -> bool:
        """Whether a lock is held that is taken again on every way to a place."""
        return bool(passed and self.held) and any(
            h.lock.path in passed and h.must and not h.promised and once(h) for h in self.held
        )

    def with_passed(self, passed: frozenset[Path]) -> frozenset[Path]:
        """The locks that are taken on every way to a place in a callee, seen from here."""
        if not passed or passed <= self.passed:
            return self.passed
        new = passed - self.passed
        if self.dropped:
            new -= {d.path for d in self.dropped}
        if len(new) + len(self.passed) > MAX_PASSED:
            new = frozenset(sorted(new, key=repr)[: MAX_PASSED - len(self.passed)])
        return self.passed | new

    def releasing(self, lock: LockRef, mode: Mode | None = None) -> State:
        """The state after a lock was given back: the last one taken that is the same, else the caller's."""
        for index in range(len(self.held) - 1, -1, -1):
            held = self.held[index]
            if same(held.lock, lock) and (mode is None or held.mode == mode) and not held.inner:
                rest = self.held[:index] + self.held[index + 1 :]
                dropped = (*self.dropped, lock) if held.promised else self.dropped
                return msgspec.structs.replace(self, held=rest, dropped=dropped)
        if any(same(d, lock) for d in self.dropped):
            return self
        return msgspec.structs.replace(self, dropped=(*self.dropped, lock))

    def returning(self, lock: LockRef, mode: Mode) -> State:
        """The state after a `with` was left; a lock that its body gave back by hand is not held any more."""
        if not any(same(h.lock, lock) and h.mode == mode and not h.inner for h in self.held):
            return self
        return self.releasing(lock, mode)

    def leaving(self, scope: str) -> State:
        """The state after an exit stack gave back what it holds."""
        return msgspec.structs.replace(self, held=tuple(h for h in self.held if h.scope != scope))

    def binding(self, name: str, path: Path | None) -> State:
        """The state after a local name was bound anew; what was reached through its old value loses its path."""
        attempts = {k: v for k, v in self.attempts.items() if k != name} if name in self.attempts else self.attempts
        held = tuple(_rebound(h, name) for h in self.held) if self.held else self.held
        return msgspec.structs.replace(self, env=bound(self.env, name, path), attempts=attempts, held=held)

    def telling(self, word: str, outcome: bool | None, acquired: Span | None) -> State:
        """The state after a flag was set: right behind the acquisition at `acquired`, it tells of that lock."""
        held = tuple(_untold(h, word) for h in self.held)
        if outcome is not None and acquired is not None:
            held = tuple(
                msgspec.structs.replace(h, guards=(*h.guards, (word, outcome))) if h.trace[0].span == acquired else h
                for h in held
            )
        return msgspec.structs.replace(self, held=held)

    def meeting(self, event: Event) -> State:
        """The state in which a lock is taken by what a callee was given: that the callee holds it, only here is seen."""
        path = event.lock.path if self.held and isinstance(event, Acquire) else None
        if path is None or not any(h.inner for h in self.held):
            return self
        held = (msgspec.structs.replace(h, inner=h.inner and h.lock.path != path) for h in self.held)
        return msgspec.structs.replace(self, held=tuple(held))

    def forgetting(self, prefix: Path) -> State:
        """The state after the object at `prefix` was replaced: held locks behind it are another object's now."""
        if not self.held or not any(h.lock.path is not None and h.lock.path.starts_with(prefix) for h in self.held):
            return self
        return msgspec.structs.replace(self, held=tuple(_moved(h, prefix) for h in self.held))


def _rebound(held: Held, name: str) -> Held:
    """A lock out of a container by a key that has another value now; a test that has another outcome now."""
    path = held.lock.path
    if path is not None and any(s.endswith(f":{name}]") or f":{name}." in s for s in path.steps):
        held = msgspec.structs.replace(held, lock=msgspec.structs.replace(held.lock, path=None))
    return _untold(held, name)


def _untold(held: Held, word: str) -> Held:
    """The lock after a name or attribute got another value: tests of it tell nothing any more."""
    kept = tuple(g for g in held.guards if f" {word} " not in f" {g[0]} " and f" {word}." not in f" {g[0]}")
    return msgspec.structs.replace(held, guards=kept) if len(kept) != len(held.guards) else held


def _moved(held: Held, prefix: Path) -> Held:
    path = held.lock.path
    if path is None or not path.starts_with(prefix):
        return held
    return msgspec.structs.replace(held, lock=msgspec.structs.replace(held.lock, path=None))


def once(held: Held) -> bool:
    """Whether who holds a lock so waits for himself when he takes it again."""
    lock = held.lock
    return held.mode == "exclusive" and lock.exclusive and not lock.reentrant and certain(lock.path)


def same(one: LockRef, other: LockRef) -> bool:
    """Whether two references are one lock within a thread: equal paths, or one identity with no path to differ by."""
    if one.path is not None and other.path is not None:
        return one.path == other.path
    return one.id is not None and one.id == other.id


def branched(test: str | None, yes: State | None, no: State | None) -> State | None:
    """The state behind both sides of a branch; what only one side holds is held where the test comes out the same."""
    if test is None or yes is None or no is None:
        return join((yes, no))
    return join((_guarded(yes, no, test, True), _guarded(no, yes, test, False)))


def _guarded(side: State, other: State, test: str, outcome: bool) -> State:
    held = tuple(
        msgspec.structs.replace(h, guards=(*h.guards, (test, outcome)))
        if h.must and not any(_twin(h, o) for o in other.held)
        else h
        for h in side.held
    )
    return msgspec.structs.replace(side, held=held)


def assuming(state: State | None, test: str | None, outcome: bool) -> State | None:
    """The state where a test is known to have an outcome: locks taken under the same test are held or not."""
    if state is None or test is None or not any(h.guards for h in state.held):
        return state
    held = tuple(
        msgspec.structs.replace(h, must=True, guards=()) if (test, outcome) in h.guards else h
        for h in state.held
        if (test, not outcome) not in h.guards
    )
    return msgspec.structs.replace(state, held=held)


def join(states: Iterable[State | None]) -> State | None:
    """The state where several flows meet: held on some path only is held, and marked so. None is unreachable."""
    found = [state for state in states if state is not None]
    while len(found) > MANY:
        # Those of a long block differ from their neighbours by little, and from all others by much.
        found = [_all(found[at : at + MANY]) for at in range(0, len(found), MANY)]
    return _all(found) if found else None


def _all(states: Sequence[State]) -> State:
    return reduce(lambda one, other: one if one is other else _join(one, other), states)


def _join(one: State, other: State) -> State:
    if one.stuck != other.stuck:
        return other if one.stuck else one
    if one == other:
        return one
    rest = list(other.held)
    held: list[Held] = []
    for item in one.held:
        match = next((r for r in rest if _twin(item, r)), None)
        if match is None:
            held.append(msgspec.structs.replace(item, must=False))
        else:
            rest.remove(match)
            first = item if (len(item.trace), item.trace) <= (len(match.trace), match.trace) else match
            guards = tuple(g for g in item.guards if g in match.guards)
            held.append(msgspec.structs.replace(first, must=item.must and match.must, guards=guards))
    held += [msgspec.structs.replace(r, must=False) for r in rest]
    dropped = tuple(dict.fromkeys((*one.dropped, *other.dropped)))
    attempts = {n: lock for n, lock in one.attempts.items() if n in other.attempts}
    debugging = one.debugging and other.debugging
    bounded = min(one.bounded, other.bounded)
    env = joined(one.env, other.env)
    passed = one.passed & other.passed
    return State(tuple(held), dropped, env, bounded, attempts, one.promised, debugging, passed, one.stuck)


def _twin(one: Held, other: Held) -> bool:
    return one.lock == other.lock and one.mode == other.mode and one.scope == other.scope and one.inner == other.inner
