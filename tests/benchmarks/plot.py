"""The growth of time with the program, as a picture: both axes logarithmic, so that in proportion is a straight line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from tests.benchmarks.figures import Point
from tests.benchmarks.table import thousands

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 110, 44, 52
_STYLE = """\
  <style>
    .page { fill: #ffffff; stroke: #c9d6d5 }
    .grid { stroke: #dde6e5 }
    .word { fill: #40605d }
    .title { fill: #17302e; font-weight: 600 }
    .ours { stroke: #1f7a70; fill: none; stroke-width: 2.5 }
    .dot { fill: #1f7a70 }
    .parse { stroke: #b4661b; fill: none; stroke-width: 2 }
    .dab { fill: #b4661b }
    .even { stroke: #7c8f8d; stroke-width: 1.5; stroke-dasharray: 6 5 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #1e2429; stroke: #3c4a4c }
      .grid { stroke: #333d42 }
      .word { fill: #b3c4c2 }
      .title { fill: #e6efee }
      .ours { stroke: #4cc3b5 }
      .dot { fill: #4cc3b5 }
      .parse { stroke: #e7a45c }
      .dab { fill: #e7a45c }
    }
  </style>"""


class Axis(msgspec.Struct, frozen=True):
    """From a value to a place, by its logarithm."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Give where a value is drawn."""
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + part * (self.end - self.begin)

    def ticks(self) -> Iterator[float]:
        """Give 1, 2, 5, 10 and so on within the axis."""
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for digit in (1, 2, 5):
                value = digit * 10.0**power
                if self.low <= value <= self.high:
                    yield value


def draw(points: Sequence[Point]) -> str:
    """Draw lockcheck and `ast.parse` by thousand lines, and what growth in proportion to one whole copy would be."""
    points = sorted(points, key=lambda point: point.lines)
    first, last = points[0], points[-1]
    across = Axis(first.lines / 1000 / 1.15, last.lines / 1000 * 1.15, _LEFT, _WIDTH - _RIGHT)
    one = next((point for point in points if point.copies == 1), first)
    even = [(point.lines, one.seconds / one.lines * point.lines) for point in (first, last)]
    seconds = [value for point in points for value in (point.parse, point.seconds)] + [value for _, value in even]
    up = Axis(min(seconds) / 1.3, max(seconds) * 1.3, _HEIGHT - _BOTTOM, _TOP)
    lines = [*_frame(points), *_grid(across, up)]
    lines.append(f'  <path class="even" d="{_path(even, across, up)}"/>')
    for series, curve, dot in (("parse", "parse", "dab"), ("seconds", "ours", "dot")):
        values: list[tuple[float, float]] = [(point.lines, getattr(point, series)) for point in points]
        lines.append(f'  <path class="{curve}" d="{_path(values, across, up)}"/>')
        lines += [
            f'  <circle class="{dot}" cx="{across.place(size / 1000):.1f}" cy="{up.place(value):.1f}" r="4"/>'
            for size, value in values
        ]
    lines += _names(last, up, even[1][1])
    return "\n".join([*lines, "</svg>", ""])


def _frame(points: Sequence[Point]) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="t d" '
        'font-family="ui-sans-serif, system-ui, sans-serif" font-size="13">'
    )
    yield '  <title id="t">Seconds by thousand lines</title>'
    said = "; ".join(f"{thousands(one.lines)} thousand lines {one.seconds:.1f} s" for one in points)
    yield f'  <desc id="d">lockcheck without a cache: {said}.</desc>'
    yield _STYLE
    yield f'  <rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"/>'
    yield f'  <text class="title" x="{_LEFT}" y="26">Seconds without a cache, by thousand lines</text>'


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for value in across.ticks():
        x = f"{across.place(value):.1f}"
        yield f'  <path class="grid" d="M{x} {_TOP} V{_HEIGHT - _BOTTOM}"/>'
        yield f'  <text class="word" x="{x}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{value:,.0f}</text>'
    for value in up.ticks():
        y = up.place(value)
        yield f'  <path class="grid" d="M{_LEFT} {y:.1f} H{_WIDTH - _RIGHT}"/>'
        yield f'  <text class="word" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f'  <text class="word" x="{middle:g}" y="{_HEIGHT - 12}" text-anchor="middle">thousand lines</text>'


def _names(last: Point, up: Axis, even: float) -> Iterator[str]:
    """Name the curves at their ends, those that end close to one another apart."""
    ends = sorted(
        [(up.place(last.seconds), "lockcheck"), (up.place(last.parse), "ast.parse"), (up.place(even), "in proportion")]
    )
    below = 0.0
    for y, name in ends:
        below = max(y + 4, below + 16)
        yield f'  <text class="word" x="{_WIDTH - _RIGHT + 8}" y="{below:.1f}">{name}</text>'


def _path(values: Sequence[tuple[float, float]], across: Axis, up: Axis) -> str:
    places = (f"{across.place(size / 1000):.1f} {up.place(value):.1f}" for size, value in values)
    return "M" + " L".join(places)
