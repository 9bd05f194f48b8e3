"""The picture: a box for each lock, a curve for each edge, one group of connected locks beside or below the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from lockcheck.model.graph import LockGraph
from lockcheck.ui.render.graph.layers import Arc, Layers, layered

HEIGHT = 46
"""Of a box."""
NARROWEST, WIDEST = 130, 300
PER_CHARACTER = 7.3
PADDING = 26
GAP = 18
"""Between two boxes of a column."""
BETWEEN = 96
"""Between two columns: room for curves."""
APART = 64
"""Between two groups."""
MARGIN = 40
LEAST_WIDTH = 1100

Point = tuple[float, float]


class Box(msgspec.Struct, frozen=True):
    """Where a lock is drawn."""

    x: float
    y: float
    width: float


class Picture(msgspec.Struct, frozen=True):
    """The boxes and curves, by the position of their lock and edge, and how large it all is."""

    boxes: dict[int, Box]
    curves: dict[int, str]
    width: float
    height: float


class _Group(msgspec.Struct, frozen=True):
    """Locks that are connected, drawn from 0, 0 on; `points` lead along each edge."""

    boxes: dict[int, Box]
    points: dict[int, tuple[Point, ...]]
    width: float
    height: float


def picture(graph: LockGraph, labels: Sequence[str]) -> Picture:
    """Lay a graph out; `labels` are the longest lines in the boxes."""
    widths = [min(max(len(label) * PER_CHARACTER + PADDING, NARROWEST), WIDEST) for label in labels]
    groups = [_drawn(graph, members, widths) for members in _connected(graph)]
    nested = {lock for group in groups for lock in group.boxes}
    area = sum((group.width + APART) * (group.height + APART) for group in groups)
    room = max(LEAST_WIDTH, math.sqrt(area * 1.8), *(group.width for group in groups)) if groups else LEAST_WIDTH
    alone = [lock for lock in range(len(graph.locks)) if lock not in nested]
    if alone:
        groups.append(_grid(alone, widths, room))
    return _packed(groups, room)


def _connected(graph: LockGraph) -> list[list[int]]:
    """The connected parts: those with a cycle first, then the larger ones."""
    leader = list(range(len(graph.locks)))

    def of(lock: int) -> int:
        while leader[lock] != lock:
            leader[lock] = leader[leader[lock]]
            lock = leader[lock]
        return lock

    for edge in graph.edges:
        one, other = sorted((of(edge.outer), of(edge.inner)))
        leader[other] = one
    hot = {of(edge.outer) for edge in graph.edges if edge.verdict == "cycle"}
    parts: dict[int, list[int]] = {}
    for lock in range(len(graph.locks)):
        parts.setdefault(of(lock), []).append(lock)
    found = [first for first, members in parts.items() if len(members) > 1]
    return [parts[first] for first in sorted(found, key=lambda each: (each not in hot, -len(parts[each]), each))]


def _drawn(graph: LockGraph, members: Sequence[int], widths: Sequence[float]) -> _Group:
    local = {lock: index for index, lock in enumerate(members)}
    edges = {n: (local[e.outer], local[e.inner]) for n, e in enumerate(graph.edges) if e.outer in local}
    layers = layered(len(members), sorted(set(edges.values())), HEIGHT + GAP)
    columns = [0.0] * (max(layers.layer) + 1)
    for lock, index in local.items():
        columns[layers.layer[index]] = max(columns[layers.layer[index]], widths[lock])
    starts = [sum(columns[:column]) + column * BETWEEN for column in range(len(columns))]
    boxes = {
        lock: Box(
            starts[(column := layers.layer[index])] + (columns[column] - widths[lock]) / 2,
            layers.height[index],
            widths[lock],
        )
        for lock, index in local.items()
    }
    ports = _ports(edges, layers)
    points = {
        number: tuple(_points(number, arc, layers, ports, [boxes[members[end]] for end in arc], starts, columns))
        for number, arc in edges.items()
    }
    return _Group(boxes, points, starts[-1] + columns[-1], max(layers.height) + HEIGHT)


def _ports(edges: dict[int, Arc], layers: Layers) -> dict[tuple[int, int], float]:
    """How far below the top of its box each edge leaves (`end` 0) or arrives (`end` 1): sorted, so that few cross."""
    sides: dict[tuple[int, bool], list[tuple[float, int, int]]] = {}
    for number, arc in edges.items():
        bends = layers.bends[arc]
        nearest = (bends[0], bends[-1]) if bends else (arc[1], arc[0])
        for end in (0, 1):
            right = (end == 0) != (arc in layers.turned)
            sides.setdefault((arc[end], right), []).append((layers.height[nearest[end]], number, end))
    ports: dict[tuple[int, int], float] = {}
    for found in sides.values():
        for place, (_, number, end) in enumerate(sorted(found), 1):
            ports[number, end] = HEIGHT * place / (len(found) + 1)
    return ports


def _points(
    number: int,
    arc: Arc,
    layers: Layers,
    ports: dict[tuple[int, int], float],
    ends: Sequence[Box],
    starts: Sequence[float],
    columns: Sequence[float],
) -> Iterator[Point]:
    """The way of an edge: out of one box, level through the columns between, into the other."""
    back = arc in layers.turned
    first, last = ends
    yield first.x + (0 if back else first.width), first.y + ports[number, 0]
    for bend in layers.bends[arc]:
        column, level = layers.layer[bend], layers.height[bend] + HEIGHT / 2
        sides = (starts[column], starts[column] + columns[column])
        for x in reversed(sides) if back else sides:
            yield x, level
    yield last.x + (last.width if back else 0), last.y + ports[number, 1]


def _grid(locks: Sequence[int], widths: Sequence[float], room: float) -> _Group:
    """Locks that are never nested, in rows."""
    widest = max(widths[lock] for lock in locks)
    across = max(int((room + GAP) // (widest + GAP)), 1)
    boxes = {
        lock: Box((place % across) * (widest + GAP), (place // across) * (HEIGHT + GAP), widest)
        for place, lock in enumerate(locks)
    }
    rows = math.ceil(len(locks) / across)
    return _Group(boxes, {}, min(across, len(locks)) * (widest + GAP) - GAP, rows * (HEIGHT + GAP) - GAP)


def _packed(groups: Sequence[_Group], room: float) -> Picture:
    """Groups side by side as long as there is room, then below."""
    boxes: dict[int, Box] = {}
    curves: dict[int, str] = {}
    x = y = tallest = widest = 0.0
    for group in groups:
        if x and x + group.width > room:
            x, y, tallest = 0.0, y + tallest + APART, 0.0
        for lock, box in group.boxes.items():
            boxes[lock] = Box(box.x + x + MARGIN, box.y + y + MARGIN, box.width)
        for edge, points in group.points.items():
            curves[edge] = _curve([(px + x + MARGIN, py + y + MARGIN) for px, py in points])
        widest = max(widest, x + group.width)
        tallest = max(tallest, group.height)
        x += group.width + APART
    return Picture(boxes, curves, widest + 2 * MARGIN, y + tallest + 2 * MARGIN)


def _curve(points: Sequence[Point]) -> str:
    """A path that leaves and enters every point level."""
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in points[1:]:
        reach = (to_x - x) / 2
        parts.append(f"C{x + reach:.1f} {y:.1f} {to_x - reach:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts)
