"""Where locks stand in the picture: layers from what is taken first to what is taken last.

After Sugiyama, Tagawa and Toda (1981): edges that close a cycle are turned round (Eades, Lin and Smyth, 1993), every
lock stands right of all that is held when it is taken, the order within a layer is sorted by neighbours until fewer
edges cross, and heights are as near to those of the neighbours as the room allows. The same graph is always drawn in
the same way.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence

import msgspec

SWEEPS = 12
PASSES = 8

Arc = tuple[int, int]


class Layers(msgspec.Struct, frozen=True):
    """For each vertex its layer and its height; `turned` are the arcs that go from right to left.

    Vertices from `number` on are bends: `bends` has those of each arc, in the arc's direction.
    """

    layer: tuple[int, ...]
    height: tuple[float, ...]
    turned: frozenset[Arc]
    bends: dict[Arc, tuple[int, ...]]


def layered(number: int, arcs: Sequence[Arc], gap: float) -> Layers:
    """Lay out vertices 0 to `number` - 1, `gap` apart at least; arcs are between different ones, each once."""
    turned = _turned(number, arcs)
    forward = sorted({(b, a) if (a, b) in turned else (a, b) for a, b in arcs})
    layer = _longest(number, forward)
    bends: dict[Arc, tuple[int, ...]] = {}
    short: list[Arc] = []
    for a, b in forward:
        between = tuple(range(len(layer), len(layer) + layer[b] - layer[a] - 1))
        layer.extend(range(layer[a] + 1, layer[b]))
        chain = (a, *between, b)
        short += itertools.pairwise(chain)
        bends[a, b] = between
    before, after = _neighbours(len(layer), short)
    rows = _ordered(layer, before, after)
    height = _heights(rows, before, after, gap)
    ways = {(a, b): bends[b, a][::-1] if (a, b) in turned else bends[a, b] for a, b in arcs}
    return Layers(tuple(layer), tuple(height), frozenset(turned), ways)


def _turned(number: int, arcs: Sequence[Arc]) -> set[Arc]:
    """Few arcs without which there is no cycle: those that go back in an order of sinks last and sources first."""
    left = set(range(number))
    outgoing: list[set[int]] = [set() for _ in range(number)]
    incoming: list[set[int]] = [set() for _ in range(number)]
    for a, b in arcs:
        outgoing[a].add(b)
        incoming[b].add(a)
    head: list[int] = []
    tail: list[int] = []

    def take(vertex: int, end: list[int]) -> None:
        end.append(vertex)
        left.discard(vertex)
        for other in outgoing[vertex]:
            incoming[other].discard(vertex)
        for other in incoming[vertex]:
            outgoing[other].discard(vertex)

    while left:
        sink = next((v for v in sorted(left) if not outgoing[v] & left), None)
        if sink is not None:
            take(sink, tail)
            continue
        best = max(sorted(left), key=lambda v: (not incoming[v], len(outgoing[v]) - len(incoming[v])))
        take(best, head)
    place = {vertex: index for index, vertex in enumerate((*head, *reversed(tail)))}
    return {(a, b) for a, b in arcs if place[a] > place[b]}


def _longest(number: int, arcs: Sequence[Arc]) -> list[int]:
    """Every vertex right of all before it, and as near as can be to what comes after it."""
    before, after = _neighbours(number, arcs)
    layer = [0] * number
    missing = [len(each) for each in before]
    ready = [v for v in range(number) if not missing[v]]
    order: list[int] = []
    while ready:
        vertex = ready.pop()
        order.append(vertex)
        for other in after[vertex]:
            layer[other] = max(layer[other], layer[vertex] + 1)
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    for vertex in reversed(order):
        if after[vertex] and not before[vertex]:
            layer[vertex] = min(layer[other] for other in after[vertex]) - 1
    return layer


def _neighbours(number: int, arcs: Iterable[Arc]) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(number)]
    after: list[list[int]] = [[] for _ in range(number)]
    for a, b in arcs:
        before[b].append(a)
        after[a].append(b)
    return before, after


def _ordered(layer: Sequence[int], before: list[list[int]], after: list[list[int]]) -> list[list[int]]:
    """The vertices of each layer from top to bottom: the best of some sweeps to and fro."""
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex, column in enumerate(layer):
        rows[column].append(vertex)
    best = [list(row) for row in rows]
    fewest = _crossings(best, after)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = before if forward else after
        for row in rows if forward else reversed(rows):
            _sort(row, near, {v: index for other in rows for index, v in enumerate(other)})
        crossings = _crossings(rows, after)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _sort(row: list[int], near: list[list[int]], place: dict[int, int]) -> None:
    row.sort(key=lambda v: (_mean([place[n] for n in near[v]], place[v]), place[v]))


def _mean(places: Sequence[float], default: float) -> float:
    return sum(places) / len(places) if places else default


def _crossings(rows: Sequence[Sequence[int]], after: list[list[int]]) -> int:
    """How many pairs of edges cross: for each edge, those above it that end below it."""
    total = 0
    for index in range(len(rows) - 1):
        place = {v: at for at, v in enumerate(rows[index + 1])}
        ends: list[int] = []
        for vertex in rows[index]:
            targets = sorted(place[n] for n in after[vertex])
            total += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return total


def _heights(rows: Sequence[Sequence[int]], before: list[list[int]], after: list[list[int]], gap: float) -> list[float]:
    height = [0.0] * len(before)
    for row in rows:
        for index, vertex in enumerate(row):
            height[vertex] = (index - (len(row) - 1) / 2) * gap
    for turn in range(PASSES):
        forward = turn % 2 == 0
        near = before if forward else after
        for row in rows if forward else reversed(rows):
            wished = [_mean([height[n] for n in near[v]], height[v]) for v in row]
            for vertex, at in zip(row, _spread(wished, gap), strict=True):
                height[vertex] = at
    top = min(height, default=0.0)
    return [at - top for at in height]


def _spread(wished: Sequence[float], gap: float) -> list[float]:
    """The heights nearest to those wished, in this order and `gap` apart (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for index, wish in enumerate(wished):
        mean, size = wish - index * gap, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean = (mean * size + other * count) / (size + count)
            size += count
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    return [mean + index * gap for index, mean in enumerate(flat)]
