"""The lock-order graph: which lock is taken while which is held, and the cycles in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec

from lockcheck.analysis.components import components
from lockcheck.analysis.link.keys import certain
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.circumstances import Circumstance
from lockcheck.analysis.witness import primary
from lockcheck.model.events import Acquire, CriticalPair, Held, LockRef
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.paths import ClassRoot, ParameterRoot, Path
from lockcheck.model.source import Span

MAX_CYCLES = 10
"""Cycles reported for one tangle of locks; the rest is counted."""
MAX_LENGTH = 8
MAX_TRIES = 24
"""Witnesses of an edge that are tried against those of its neighbours."""
MAX_WORK = 100_000
"""Steps of the search for one tangle's cycles, about two seconds; real tangles take some hundreds."""


class Witness(msgspec.Struct, frozen=True, gc=False):
    """One way in which `pair` acquires a lock while `held` is held, in `function`."""

    function: FunctionId
    held: Held
    pair: CriticalPair

    @property
    def inner(self) -> LockRef:
        """The lock acquired."""
        assert isinstance(self.pair.event, Acquire)
        return self.pair.event.lock

    def gates(self) -> set[LockId]:
        """Exclusive locks that are held besides the outer one."""
        return {
            h.lock.id
            for h in self.pair.held
            if h.lock.id is not None
            and h.lock.id != self.held.lock.id
            and h.lock.exclusive
            and h.must
            and h.mode != "read"
        }

    def rank(self, analysis: Analysis) -> tuple[object, ...]:
        """The shorter story first, then by place."""
        return (
            not self.held.must,
            -self.pair.confidence,
            len(self.pair.trace) + len(self.held.trace),
            self.function.module,
            primary(analysis, self.pair).span,
            self.pair.trace,
            self.held.trace,
        )


class Node(msgspec.Struct, frozen=True, gc=False):
    """A lock, and the class of the object that it hangs on as far as that is known.

    The locks that two leaf classes inherit from one base are two locks; either may be what a method of the base
    takes.
    """

    lock: LockId
    receiver: ClassId | None


class Edge(msgspec.Struct, frozen=True, gc=False):
    """`inner` is taken while `outer` is held, in each of these ways."""

    outer: Node
    inner: Node
    witnesses: tuple[Witness, ...]


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """Edges that lead from a lock back to itself, each with the witness that fits its neighbours.

    `more` counts further cycles of the same tangle that are not reported; where they are `uncounted`, the search
    was broken off and there may be others.
    """

    steps: tuple[tuple[Edge, Witness], ...]
    more: int = 0
    uncounted: bool = False

    def rank(self) -> tuple[bool, int, int]:
        """The surer and shorter story first: of the same locks on objects of several classes one cycle is told."""
        witnesses = [witness for _, witness in self.steps]
        return (
            not all(w.held.must for w in witnesses),
            -min(w.pair.confidence for w in witnesses),
            sum(len(w.pair.trace) + len(w.held.trace) for w in witnesses),
        )


class Separation(msgspec.Struct, frozen=True, gc=False):
    """Why two nestings never meet: a gate around both, threads that are not there at once, or one event loop."""

    why: Literal["gate", "threads", "loop"]
    gates: frozenset[LockId] = frozenset()


class Tangle(msgspec.Struct, frozen=True, gc=False):
    """Locks that lead to one another: the cycles that can happen, and the edges that lie on one.

    The rarest edges were looked at first; where the search was `cut` off, there may be cycles through the others.
    """

    nodes: frozenset[Node]
    cycles: tuple[Cycle, ...]
    possible: frozenset[tuple[Node, Node]]
    cut: bool = False


class _Work:
    """How much of the search for one tangle's cycles is left to do at most."""

    def __init__(self) -> None:
        self.left = MAX_WORK


class OrderGraph:
    """Every nested acquisition of the program that can wait for ever."""

    def __init__(self, analysis: Analysis) -> None:
        """Collect the edges."""
        self.analysis = analysis
        found: dict[tuple[Node, Node], list[Witness]] = {}
        for witness in nestings(analysis):
            outer, inner = node(witness.held.lock), node(witness.inner)
            if outer is not None and inner is not None and not _private(analysis, witness):
                if not self.is_same(outer, inner) and not self._again(witness):
                    found.setdefault((outer, inner), []).append(witness)
        ranked = {key: sorted(found[key], key=lambda each: each.rank(analysis)) for key in sorted(found, key=repr)}
        self.edges = {key: Edge(*key, tuple(witnesses)) for key, witnesses in ranked.items()}
        self._of_lock: dict[LockId, list[Edge]] = {}
        for edge in self.edges.values():
            self._of_lock.setdefault(edge.outer.lock, []).append(edge)

    def _again(self, witness: Witness) -> bool:
        """Whether the lock is held already, by this name or by another one of its object: it is not waited for."""
        path = witness.inner.path
        return path is not None and any(
            held.lock.path == path
            or (
                held.lock.path
                and held.lock.id == witness.inner.id
                and held.must
                and self.analysis.objects.same(witness.function, held.lock.path, path)
            )
            for held in witness.pair.held
        )

    def is_same(self, one: Node, other: Node) -> bool:
        """Whether two nodes may be one lock."""
        if one.lock != other.lock:
            return False
        if one.receiver is None or other.receiver is None:
            return True
        return self.analysis.engine.hierarchy.related(one.receiver, other.receiver) is not None

    def after(self, node: Node) -> list[Edge]:
        """The edges that begin at a lock that may be this one."""
        return [e for e in self._of_lock.get(node.lock, ()) if self.is_same(e.outer, node)]

    def cycles(self) -> Iterator[Cycle]:
        """For each tangle one shortest cycle for each edge that no cycle before it covers."""
        for tangle in self.tangles():
            for cycle in tangle.cycles[:MAX_CYCLES]:
                more = max(0, len(tangle.cycles) - MAX_CYCLES)
                yield msgspec.structs.replace(cycle, more=more, uncounted=tangle.cut)

    def tangles(self) -> Iterator[Tangle]:
        """The strongly connected parts of the graph, and what of each can happen."""
        nodes: dict[LockId, list[Node]] = {}
        for each in dict.fromkeys(n for key in self.edges for n in key):
            nodes.setdefault(each.lock, []).append(each)
        for component in components(
            {
                n: [t for e in self.after(n) for t in nodes[e.inner.lock] if self.is_same(t, e.inner)]
                for alike in nodes.values()
                for n in alike
            }
        ):
            work = _Work()
            covered: set[tuple[Node, Node]] = set()
            by_locks: dict[frozenset[tuple[LockId, LockId]], Cycle] = {}
            for edge in self._within(component):
                if (edge.outer, edge.inner) in covered:
                    continue
                cycle = self._shortest(edge, component, work) if work.left > 0 else None
                if cycle is not None:
                    covered.update((e.outer, e.inner) for e, _ in cycle.steps)
                    key = frozenset((e.outer.lock, e.inner.lock) for e, _ in cycle.steps)
                    by_locks[key] = min((cycle, by_locks.get(key, cycle)), key=Cycle.rank)
            if work.left <= 0 and not by_locks:  # else the cycles that were found say so
                self.analysis.engine.budget.cut(self._within(component)[0].witnesses[0].function, "cycles")
            yield Tangle(frozenset(component), tuple(by_locks.values()), frozenset(covered), work.left <= 0)

    def _within(self, component: set[Node]) -> list[Edge]:
        edges = [e for e in self.edges.values() if e.outer in component and e.inner in component]
        return sorted(edges, key=self.rarity)

    def rarity(self, edge: Edge) -> tuple[int, str, Span]:
        """The fewer places nest the two locks this way the rarer; then by the first place."""
        first = min(primary(self.analysis, w.pair) for w in edge.witnesses)
        return len({w.pair.trace[0] for w in edge.witnesses}), first.path, first.span

    def _shortest(self, first: Edge, component: set[Node], work: _Work) -> Cycle | None:
        """The shortest cycle through an edge whose witnesses fit together: breadth first over the edges behind it."""
        queue: deque[tuple[Edge, ...]] = deque([(first,)])
        tried = 0
        while queue:
            path = queue.popleft()
            if len(path) > MAX_LENGTH or tried > 2000 or work.left <= 0:
                return None
            for edge in self.after(path[-1].inner):
                if edge.inner not in component:
                    continue
                tried += 1
                work.left -= 1
                if self.is_same(edge.inner, first.outer):
                    chosen = self._fit((*path, edge), work)
                    if chosen is not None:
                        return self._turned(tuple(zip((*path, edge), chosen, strict=True)))
                elif all(edge.inner not in (e.outer, e.inner) for e in path):
                    queue.append((*path, edge))
        return None

    def _turned(self, steps: tuple[tuple[Edge, Witness], ...]) -> Cycle:
        """The cycle told from its rarest edge on."""
        first = min(range(len(steps)), key=lambda i: self.rarity(steps[i][0]))
        return Cycle(steps[first:] + steps[:first])

    def _fit(self, edges: tuple[Edge, ...], work: _Work) -> tuple[Witness, ...] | None:
        """One witness for each edge, so that all can happen at once and each waits for what the next one holds."""

        def choose(chosen: tuple[Witness, ...]) -> tuple[Witness, ...] | None:
            if len(chosen) == len(edges):
                return chosen if self._waits(chosen[-1], chosen[0]) else None
            told = {step.function for other in chosen for step in other.pair.trace}
            candidates = sorted(edges[len(chosen)].witnesses[:MAX_TRIES], key=lambda w: w.function in told)
            for witness in candidates:  # code that the other side's story does not run through convinces more
                work.left -= 1
                fits = all(self._together(witness, other) for other in chosen)
                if fits and (not chosen or self._waits(chosen[-1], witness)):
                    found = choose((*chosen, witness))
                    if found is not None:
                        return found
            return None

        return choose(())

    def _waits(self, one: Witness, other: Witness) -> bool:
        """Whether the lock that one waits for can be the one that the other holds."""
        wanted, held = node(one.inner), node(other.held.lock)
        if wanted is None or held is None or not self.is_same(wanted, held):
            return False
        return not self.analysis.objects.apart(one.function, one.inner.path, other.function, other.held.lock.path)

    def _together(self, one: Witness, other: Witness) -> bool:
        """Whether two witnesses can run at the same time."""
        return separation(self.analysis, one, other) is None


def separation(analysis: Analysis, one: Witness, other: Witness) -> Separation | None:
    """What keeps two witnesses from running at the same time, if anything does.

    A lock held around both (a gate) excludes it; so does one event loop, where nothing can come between two
    acquisitions of threads' locks (an await between them is LCK101).
    """
    entry = analysis.entry
    gates = (one.gates() | entry(one.function)) & (other.gates() | entry(other.function))
    if gates:
        return Separation("gate", frozenset(gates))
    rows = one.pair.trace[0].span.row, other.pair.trace[0].span.row
    own = all(_of_self(w) for w in (one, other))
    if analysis.threads.apart(one.function, rows[0], other.function, rows[1], own):
        return Separation("threads")
    if _in_other_circumstances(analysis, one, other, own):
        return Separation("threads")
    domains = {w.domain for witness in (one, other) for w in (witness.held.lock, witness.inner)}
    coroutines = all(analysis.facts(w.function).is_async for w in (one, other))
    return Separation("loop") if coroutines and domains == {"thread"} else None


def _in_other_circumstances(analysis: Analysis, one: Witness, other: Witness, own: bool) -> bool:
    """Whether all who come to the one place run before or after those who come to the other, or behind one gate."""
    first, second = _circumstances(analysis, one), _circumstances(analysis, other)
    if first is None or second is None:
        return False
    return all(
        (a.locks | one.gates()) & (b.locks | other.gates())
        or (a.thread and b.thread and analysis.threads.in_turn(a.thread, b.thread, own))
        for a in first
        for b in second
    )


def _circumstances(analysis: Analysis, witness: Witness) -> frozenset[Circumstance] | None:
    """Those in which the inner lock is waited for: it is not held before, nor is one that is taken on the way to it."""
    path = witness.inner.path
    named = analysis.objects.named(witness.function, path) if path is not None else None
    given_back = any(lock.path == path for lock in witness.pair.dropped)
    taken = {named} if named is not None and not given_back else set[Path]()
    return analysis.circumstances.reaching(witness.function, witness.pair.passed | taken)


def _of_self(witness: Witness) -> bool:
    """Whether both locks hang on an object that the function was given: each object has its own."""
    paths = (witness.held.lock.path, witness.inner.path)
    return all(p is not None and isinstance(p.root, ParameterRoot) for p in paths)


def one_family(analysis: Analysis, one: LockRef, other: LockRef) -> bool:
    """Whether two locks are the same attribute of objects of one class, or come out of one container."""
    if one.id is None or one.id != other.id:
        return False
    if one.receiver is None or other.receiver is None:
        return True
    return analysis.engine.hierarchy.related(one.receiver, other.receiver) is not None


def nestings(analysis: Analysis) -> Iterator[Witness]:
    """Every acquisition that can wait for ever while another lock is held by the function itself."""
    for function, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.id is None:
            continue
        if event.lock.guessed or not event.lock.exclusive or event.lock.open:
            continue
        if impossible(pair) or any(h.lock.path is not None and h.lock.path == event.lock.path for h in pair.held):
            continue  # it is taken again, not waited for (or that is LCK501)
        for held in own:
            if (
                not held.lock.guessed
                and held.lock.exclusive
                and not held.lock.open
                and not (held.mode == "read" and event.mode == "read")
            ):
                yield Witness(function, held, pair)


def impossible(pair: CriticalPair) -> bool:
    """Whether nobody comes so far: a lock that is not re-entrant would be held twice."""
    taken: set[Path] = set()
    for held in pair.held:
        path = held.lock.path
        if path is not None and certain(path) and held.must and held.mode != "read" and held.lock.exclusive:
            if not held.lock.reentrant and path in taken:
                return True
            taken.add(path)
    return False


def _private(analysis: Analysis, witness: Witness) -> bool:
    """Whether nobody else can want one of the locks yet.

    So it is while a module is imported, with a lock that is local to a call and goes nowhere, and with a lock of
    the object that is being made, before it is handed to anybody.
    """
    if witness.function.qualname == MODULE or witness.function.qualname.endswith(".<body>"):
        return True
    entry = analysis.entry(witness.function)
    if isinstance(witness.inner.id, GlobalLock) and witness.inner.id in entry:
        return True  # every caller holds it: nobody waits for it here but for himself
    first = ParameterRoot(analysis.engine.types.scope(witness.function).first or "")
    for lock in (witness.held.lock, witness.inner):
        if isinstance(lock.id, LocalLock) and lock.id.function == witness.function and not _escapes(analysis, lock.id):
            return True
        if lock.path is not None and lock.path.root == first and analysis.constructing(witness.function, witness.pair):
            return True
    return False


def _escapes(analysis: Analysis, lock: LocalLock) -> bool:
    """Whether a nested function may use the lock."""
    prefix = f"{lock.function.qualname}.<locals>."
    return any(f.qualname.startswith(prefix) for f in analysis.program.functions_of(lock.function.module))


def node(lock: LockRef) -> Node | None:
    """The place of a lock in the graph; None where only a caller knows which lock it is."""
    if lock.id is None:
        return None
    hangs = isinstance(lock.id, AttributeLock) and lock.path is not None and not isinstance(lock.path.root, ClassRoot)
    return Node(lock.id, lock.receiver if hangs else None)
