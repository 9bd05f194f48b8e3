"""Why a nesting that lies on cycles of the order graph takes part in none that can happen."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator

from lockcheck.analysis.order import Edge, OrderGraph, Separation, Tangle, separation
from lockcheck.model.identity import lock_name

MAX_WITNESSES = 6
"""Witnesses of an edge that are looked at: what keeps these apart keeps the others apart too, or nearly always."""

UNFIT = "the ways in which the locks of the cycle are taken never fit together"


def reasons(graph: OrderGraph, edge: Edge, tangle: Tangle) -> tuple[str, ...]:
    """What keeps the shortest cycle through an edge from happening, in words."""
    cycle = _shortest(graph, edge, tangle)
    found: dict[str, None] = {}
    for one, other in itertools.combinations(cycle, 2):
        apart = list(_separations(graph, one, other))
        if apart and None not in apart:
            found.update(dict.fromkeys(_words(each) for each in apart if each is not None))
    return tuple(found) or (UNFIT,)


def _shortest(graph: OrderGraph, first: Edge, tangle: Tangle) -> tuple[Edge, ...]:
    """The shortest way from the inner lock of an edge back to its outer one, the edge itself first."""
    queue: deque[tuple[Edge, ...]] = deque([(first,)])
    seen = {first.inner}
    while queue:
        path = queue.popleft()
        for edge in graph.after(path[-1].inner):
            if graph.is_same(edge.inner, first.outer):
                return (*path, edge)
            if edge.inner in tangle.nodes and edge.inner not in seen:
                seen.add(edge.inner)
                queue.append((*path, edge))
    return (first,)


def _separations(graph: OrderGraph, one: Edge, other: Edge) -> Iterator[Separation | None]:
    for left in one.witnesses[:MAX_WITNESSES]:
        for right in other.witnesses[:MAX_WITNESSES]:
            yield separation(graph.analysis, left, right)


def _words(apart: Separation) -> str:
    match apart.why:
        case "gate":
            names = ", ".join(sorted(f"`{lock_name(lock)}`" for lock in apart.gates))
            return f"{names} {'is' if len(apart.gates) == 1 else 'are'} held around both sides"
        case "threads":
            return "both sides run in one thread, or one of them before the other's thread starts or after it is joined"
        case "loop":
            return "both sides run in one event loop, and nothing comes between the two acquisitions"
