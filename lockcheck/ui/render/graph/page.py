"""The graph as a page: one file that needs no network, whatever the names in the analysed program are."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib import resources
from typing import cast

import msgspec

from lockcheck.model.graph import Edge, Lock, LockGraph
from lockcheck.ui.render.graph.data import graph_data
from lockcheck.ui.render.graph.layout import HEIGHT, Box, Picture, picture
from lockcheck.ui.render.graph.words import VERDICTS, title, traits, ways
from lockcheck.ui.render.structured import Json
from lockcheck.ui.render.view import View, visible

LONGEST = 37
"""Characters of a label that a box has room for."""
MOST_NESTINGS = 12
"""Of one edge on the page; the others are counted."""

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def render_page(graph: LockGraph, view: View, name: str) -> str:
    """Give the page; `name` is what the project is called.

    All that comes from the program is escaped, and a policy in the page keeps any script but its own from running.
    """
    style, script = _asset("page.css"), _asset("page.js")
    parts = {
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        "title": escape(visible(f"Lock order of {name}")),
        "name": escape(visible(name)),
        "facts": escape(_facts(graph)),
        "style": style,
        "svg": _svg(graph, view),
        "data": _inert(_data(graph, view)),
        "script": script,
    }
    return _HOLE.sub(lambda hole: parts[hole[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return resources.files("lockcheck.ui.render.graph").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _facts(graph: LockGraph) -> str:
    return ", ".join((_number(graph.locks, "lock"), _number(graph.edges, "nesting"), _number(graph.cycles, "cycle")))


def _number(things: tuple[object, ...], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _inert(data: Json) -> str:
    """Give JSON that cannot end the element that it stands in."""
    text = msgspec.json.encode(data).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _data(graph: LockGraph, view: View) -> Json:
    """Give what the page shows on request: the graph, with what the boxes do not say put into words."""
    data = graph_data(_shortened(graph), view) | {"cycles": graph_data(graph, view)["cycles"]}
    locks, edges = (cast("list[dict[str, Json]]", data[key]) for key in ("locks", "edges"))
    for lock, shown in zip(graph.locks, locks, strict=True):
        shown |= {"title": title(lock), "traits": traits(lock)}
    for edge, drawn in zip(graph.edges, edges, strict=True):
        drawn |= {"ways": ways(edge), "more": max(0, len(edge.nestings) - MOST_NESTINGS)}
    return data


def _shortened(graph: LockGraph) -> LockGraph:
    edges = (msgspec.structs.replace(edge, nestings=edge.nestings[:MOST_NESTINGS]) for edge in graph.edges)
    return msgspec.structs.replace(graph, edges=tuple(edges))


def _svg(graph: LockGraph, view: View) -> str:
    lines = [(_fitting(title(lock)), _fitting(_origin(lock, view))) for lock in graph.locks]
    laid = picture(graph, [max(pair, key=len) for pair in lines])
    hot = {end for edge in graph.edges if edge.verdict == "cycle" for end in (edge.outer, edge.inner)}
    edges = (_edge(graph, number, edge, laid) for number, edge in enumerate(graph.edges))
    locks = (
        _lock(number, lock, lines[number], laid.boxes[number], number in hot) for number, lock in enumerate(graph.locks)
    )
    return (
        f'<svg id="picture" role="img" aria-label="The order in which locks are taken" data-width="{laid.width:.0f}" '
        f'data-height="{laid.height:.0f}"><defs>{_markers()}</defs><g id="world">{"".join(edges)}{"".join(locks)}</g></svg>'
    )


def _markers() -> str:
    return "".join(
        f'<marker id="to-{kind}" class="{kind}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.6L7.6 4L0 7.4Z"/></marker>'
        for kind in (*VERDICTS, "chosen")
    )


def _edge(graph: LockGraph, number: int, edge: Edge, laid: Picture) -> str:
    said = (
        f"{title(graph.locks[edge.outer])} → {title(graph.locks[edge.inner])}: {VERDICTS[edge.verdict]}, {ways(edge)}"
    )
    curve = laid.curves[number]
    return (
        f'<g class="edge {edge.verdict}" data-edge="{number}"><title>{escape(said)}</title>'
        f'<path class="hit" d="{curve}"/><path class="line" d="{curve}" marker-end="url(#to-{edge.verdict})"/></g>'
    )


def _lock(number: int, lock: Lock, lines: tuple[str, str], box: Box, hot: bool) -> str:
    x, y = box.x + 13, box.y
    return (
        f'<g class="lock{" cycle" if hot else ""}" data-lock="{number}"><title>{escape(visible(lock.qualified))}</title>'
        f'<rect x="{box.x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{HEIGHT}" rx="8"/>'
        f'<text class="name" x="{x:.1f}" y="{y + 20:.1f}">{escape(lines[0])}</text>'
        f'<text class="origin" x="{x:.1f}" y="{y + 35:.1f}">{escape(lines[1])}</text></g>'
    )


def _origin(lock: Lock, view: View) -> str:
    kind = lock.kind.rpartition(".")[2]
    if lock.made is None:
        return visible(kind)
    return visible(
        f"{kind} · {view.display(lock.made.path).replace(chr(92), '/').rpartition('/')[2]}:{lock.made.span.row}"
    )


def _fitting(text: str) -> str:
    """Give a text with its middle left out where it is too long: the end of a name tells it from others."""
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
