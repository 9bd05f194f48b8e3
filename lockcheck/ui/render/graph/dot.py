"""The graph for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.model.graph import LockGraph
from lockcheck.ui.render.graph.words import title, traits, ways, where
from lockcheck.ui.render.view import View, visible

_EDGES = {
    "order": 'color="#64748b"',
    "cycle": 'color="#dc2626", penwidth=2',
    "ruled-out": 'color="#b45309", style=dashed',
}


def render_dot(graph: LockGraph, view: View) -> str:
    """Give a `digraph`; what is on a cycle that can happen is red, what is ruled out is dashed."""
    return "".join(f"{line}\n" for line in _lines(graph, view))


def _lines(graph: LockGraph, view: View) -> Iterator[str]:
    yield 'digraph "lock order" {'
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];'
    yield '  edge [fontname="sans-serif", fontsize=9];'
    hot = {end for edge in graph.edges if edge.verdict == "cycle" for end in (edge.outer, edge.inner)}
    for number, lock in enumerate(graph.locks):
        label = r"\n".join(_escaped(text) for text in (title(lock), lock.kind, where(view, lock.made)))
        colour = ', color="#dc2626"' if number in hot else ""
        yield f'  l{number} [label="{label}", tooltip="{_escaped(f"{lock.qualified}: {traits(lock)}")}"{colour}];'
    for edge in graph.edges:
        nesting = edge.nestings[0]
        story = f"{nesting.function} at {where(view, nesting.place)}"
        if edge.reasons:
            story = f"{story}; ruled out: {'; '.join(edge.reasons)}"
        attributes = f'{_EDGES[edge.verdict]}, label="{ways(edge)}", tooltip="{_escaped(story)}"'
        yield f"  l{edge.outer} -> l{edge.inner} [{attributes}];"
    yield "}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')
