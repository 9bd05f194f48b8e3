"""The lock-order graph: which lock is taken while which is held, and the cycles in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Acquire, CriticalPair, Held, LockRef
from lockcheck.model.identity import AttributeLock, FunctionId, LocalLock, LockId
from lockcheck.model.paths import ParameterRoot

MAX_CYCLES = 10
"""Cycles reported for one tangle of locks; the rest is counted."""
MAX_LENGTH = 8
MAX_TRIES = 24
"""Witnesses of an edge that are tried against those of its neighbours."""


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
            if h.lock.id is not None and h.lock.id != self.held.lock.id and h.lock.exclusive and h.mode != "read"
        }

    def rank(self) -> tuple[object, ...]:
        """The shorter story first, then by place."""
        return (
            not self.held.must,
            -self.pair.confidence,
            len(self.pair.trace) + len(self.held.trace),
            self.pair.trace,
            self.held.trace,
        )


class Edge(msgspec.Struct, frozen=True, gc=False):
    """`inner` is taken while `outer` is held, in each of these ways."""

    outer: LockId
    inner: LockId
    witnesses: tuple[Witness, ...]


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """Edges that lead from a lock back to itself, each with the witness that fits its neighbours.

    `more` counts further cycles of the same tangle that are not reported.
    """

    steps: tuple[tuple[Edge, Witness], ...]
    more: int = 0


class OrderGraph:
    """Every nested acquisition of the program that can wait for ever."""

    def __init__(self, analysis: Analysis) -> None:
        """Collect the edges."""
        self.analysis = analysis
        found: dict[tuple[LockId, LockId], list[Witness]] = {}
        for witness in nestings(analysis):
            outer, inner = witness.held.lock.id, witness.inner.id
            if outer is not None and inner is not None and outer != inner and not _private(analysis, witness):
                found.setdefault((outer, inner), []).append(witness)
        self.edges = {
            key: Edge(*key, tuple(sorted(found[key], key=Witness.rank))) for key in sorted(found, key=_by_name)
        }
        self.after: dict[LockId, list[Edge]] = {}
        for edge in self.edges.values():
            self.after.setdefault(edge.outer, []).append(edge)

    def cycles(self) -> Iterator[Cycle]:
        """For each tangle one shortest cycle for each edge that no cycle before it covers."""
        for component in _components(self.after):
            covered: set[tuple[LockId, LockId]] = set()
            found: list[Cycle] = []
            for edge in self._within(component):
                if (edge.outer, edge.inner) in covered:
                    continue
                cycle = self._shortest(edge, component)
                if cycle is not None:
                    covered.update((e.outer, e.inner) for e, _ in cycle.steps)
                    found.append(cycle)
            for cycle in found[:MAX_CYCLES]:
                yield msgspec.structs.replace(cycle, more=max(0, len(found) - MAX_CYCLES))

    def _within(self, component: set[LockId]) -> list[Edge]:
        edges = [e for e in self.edges.values() if e.outer in component and e.inner in component]
        return sorted(edges, key=lambda e: (len(e.witnesses), e.witnesses[0].rank()))

    def _shortest(self, first: Edge, component: set[LockId]) -> Cycle | None:
        """The shortest cycle through an edge whose witnesses fit together: breadth first over the edges behind it."""
        queue: deque[tuple[Edge, ...]] = deque([(first,)])
        tried = 0
        while queue:
            path = queue.popleft()
            if len(path) > MAX_LENGTH or tried > 2000:
                return None
            for edge in self.after.get(path[-1].inner, ()):
                if edge.inner not in component:
                    continue
                tried += 1
                if edge.inner == first.outer:
                    chosen = self._fit((*path, edge))
                    if chosen is not None:
                        return Cycle(tuple(zip((*path, edge), chosen, strict=True)))
                elif all(edge.inner not in (e.outer, e.inner) for e in path):
                    queue.append((*path, edge))
        return None

    def _fit(self, edges: tuple[Edge, ...]) -> tuple[Witness, ...] | None:
        """One witness for each edge, so that all can happen at once and each waits for what the next one holds."""

        def choose(chosen: tuple[Witness, ...]) -> tuple[Witness, ...] | None:
            if len(chosen) == len(edges):
                return chosen if self._waits(chosen[-1], chosen[0]) else None
            for witness in edges[len(chosen)].witnesses[:MAX_TRIES]:
                fits = all(self._together(witness, other) for other in chosen)
                if fits and (not chosen or self._waits(chosen[-1], witness)):
                    found = choose((*chosen, witness))
                    if found is not None:
                        return found
            return None

        return choose(())

    def _waits(self, one: Witness, other: Witness) -> bool:
        """Whether the lock that one waits for can be the one that the other holds: two leaf classes' are two locks."""
        wanted, held = one.inner.receiver, other.held.lock.receiver
        if wanted is None or held is None or not isinstance(one.inner.id, AttributeLock):
            return True
        return self.analysis.engine.hierarchy.related(wanted, held) is not None

    def _together(self, one: Witness, other: Witness) -> bool:
        """Whether two witnesses can run at the same time.

        A lock held around both (a gate) excludes it; so does one event loop, where nothing can come between two
        acquisitions of threads' locks (an await between them is LCK101).
        """
        if one.gates() & other.gates():
            return False
        domains = {w.domain for witness in (one, other) for w in (witness.held.lock, witness.inner)}
        coroutines = all(self.analysis.facts(w.function).is_async for w in (one, other))
        return not (coroutines and domains == {"thread"})


def nestings(analysis: Analysis) -> Iterator[Witness]:
    """Every acquisition that can wait for ever while another lock is held by the function itself."""
    for function, pair, own in analysis.holding():
        event = pair.event
        if not isinstance(event, Acquire) or not event.blocking or event.timed or event.lock.id is None:
            continue
        if event.lock.guessed or not event.lock.exclusive:
            continue
        for held in own:
            if not held.lock.guessed and held.lock.exclusive and not (held.mode == "read" and event.mode == "read"):
                yield Witness(function, held, pair)


def _private(analysis: Analysis, witness: Witness) -> bool:
    """Whether nobody else can want one of the locks yet: a lock of the object that this very `__init__` makes.

    A lock that is local to a call and goes nowhere excludes nobody either.
    """
    facts = analysis.facts(witness.function)
    first = analysis.engine.types.scope(witness.function).first
    for lock in (witness.held.lock, witness.inner):
        if isinstance(lock.id, LocalLock) and lock.id.function == witness.function and not _escapes(analysis, lock.id):
            return True
        if facts.name == "__init__" and lock.path is not None and lock.path.root == ParameterRoot(first or ""):
            return True
    return False


def _escapes(analysis: Analysis, lock: LocalLock) -> bool:
    """Whether a nested function may use the lock."""
    prefix = f"{lock.function.qualname}.<locals>."
    return any(f.module == lock.function.module and f.qualname.startswith(prefix) for f in analysis.program.functions)


def _by_name(key: tuple[LockId, LockId]) -> tuple[str, str]:
    return repr(key[0]), repr(key[1])


def _components(after: dict[LockId, list[Edge]]) -> Iterator[set[LockId]]:
    """Strongly connected components with more than one lock (Tarjan, 1972, without recursion)."""
    index: dict[LockId, int] = {}
    low: dict[LockId, int] = {}
    on_stack: set[LockId] = set()
    stack: list[LockId] = []
    for start in after:
        if start in index:
            continue
        work: list[tuple[LockId, int]] = [(start, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            edges = after.get(node, [])
            descended = False
            for offset in range(position, len(edges)):
                target = edges[offset].inner
                if target not in index:
                    work += [(node, offset + 1), (target, 0)]
                    descended = True
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            if descended:
                continue
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == index[node]:
                component: set[LockId] = set()
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    component.add(member)
                    if member == node:
                        break
                if len(component) > 1:
                    yield component
