"""The graph for Mermaid, which many forges draw in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.model.graph import LockGraph
from lockcheck.ui.render.graph.words import title, ways, where
from lockcheck.ui.render.view import View, visible


def render_mermaid(graph: LockGraph, view: View) -> str:
    """Give a flowchart; what is on a cycle that can happen is red, what is ruled out is dotted."""
    return "".join(f"{line}\n" for line in _lines(graph, view))


def _lines(graph: LockGraph, view: View) -> Iterator[str]:
    yield "flowchart LR"
    hot: set[int] = set()
    for number, lock in enumerate(graph.locks):
        label = "<br/>".join(_escaped(text) for text in (title(lock), lock.kind, where(view, lock.made)))
        yield f'  l{number}["{label}"]'
    for edge in graph.edges:
        arrow = "-.->" if edge.verdict == "ruled-out" else "-->"
        yield f'  l{edge.outer} {arrow}|"{ways(edge)}"| l{edge.inner}'
        if edge.verdict == "cycle":
            hot.update((edge.outer, edge.inner))
    red = [str(number) for number, edge in enumerate(graph.edges) if edge.verdict == "cycle"]
    if red:
        yield "  classDef cycle stroke:#dc2626,stroke-width:2px"
        yield f"  class {','.join(f'l{number}' for number in sorted(hot))} cycle"
        yield f"  linkStyle {','.join(red)} stroke:#dc2626,stroke-width:2px"


def _escaped(text: str) -> str:
    """Give a text as Mermaid's entities: nothing in it ends a label or is markup."""
    return "".join(
        character if character.isalnum() or character in " _.-/:,()" else f"#{ord(character)};"
        for character in visible(text)
    )
