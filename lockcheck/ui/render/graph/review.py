"""What a change does to the order of locks, as Markdown for a review."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockcheck.model.graph import ChainStep, Edge, LockGraph, Nesting
from lockcheck.ui.render.graph.words import title, traits, ways, where
from lockcheck.ui.render.view import View, visible

MOST_NESTINGS = 3
"""Of one new edge; the others are counted."""

_WORDS = {"calls": "calls", "takes": "takes", "contract": "is promised"}


def render_review(before: LockGraph, after: LockGraph, view: View, ref: str) -> str:
    """Tell the edges that are new since `ref`, those that close a cycle first, and how many are gone."""
    known = {before.key(edge) for edge in before.edges}
    new = [edge for edge in after.edges if after.key(edge) not in known]
    turned = [edge for edge in after.edges if after.key(edge) in known and edge.verdict == "cycle"]
    were = {before.key(edge) for edge in before.edges if edge.verdict == "cycle"}
    closed = [edge for edge in turned if after.key(edge) not in were]
    kept = {after.key(edge) for edge in after.edges}
    gone = [edge for edge in before.edges if before.key(edge) not in kept]
    return "".join(f"{line}\n" for line in _lines(before, after, view, ref, new, closed, gone))


def _lines(
    before: LockGraph,
    after: LockGraph,
    view: View,
    ref: str,
    new: Sequence[Edge],
    closed: Sequence[Edge],
    gone: Sequence[Edge],
) -> Iterator[str]:
    yield f"## Lock order since {_code(ref)}"
    yield ""
    if not new:
        yield "No lock is taken while another is held that was not taken so before."
    rank = {"cycle": 0, "ruled-out": 1, "order": 2}
    for edge in sorted(new, key=lambda each: rank[each.verdict]):
        yield from _edge(after, edge, view)
    if closed:
        yield "### Nestings that were there before and lie on a cycle now"
        yield ""
        yield from (f"- {_arrow(after, edge)}" for edge in closed)
        yield ""
    if gone:
        yield "### Nestings that are gone"
        yield ""
        yield from (f"- {_arrow(before, edge)}" for edge in gone)


def _edge(graph: LockGraph, edge: Edge, view: View) -> Iterator[str]:
    yield f"### New: {_arrow(graph, edge)}"
    yield ""
    match edge.verdict:
        case "cycle":
            yield "**This closes a cycle: a deadlock can happen.** " + _cycles(graph, edge)
        case "ruled-out":
            yield f"It lies on a cycle that is ruled out: {_plain('; '.join(edge.reasons))}."
        case "order":
            yield "It lies on no cycle."
    yield ""
    for lock in (graph.locks[edge.outer], graph.locks[edge.inner]):
        yield f"- {_code(title(lock))} is made at {_code(where(view, lock.made))} ({_plain(traits(lock))})"
    yield ""
    for nesting in edge.nestings[:MOST_NESTINGS]:
        yield from _nesting(graph, edge, nesting, view)
    more = len(edge.nestings) - MOST_NESTINGS
    if more > 0:
        yield f"… and {more} more of {ways(edge)}."
        yield ""


def _cycles(graph: LockGraph, edge: Edge) -> str:
    here = [cycle for cycle in graph.cycles if any(graph.edges[side.edge] == edge for side in cycle)]
    told: list[str] = []
    for cycle in here:
        names = [title(graph.locks[graph.edges[side.edge].outer]) for side in cycle]
        told.append(" → ".join(_code(name) for name in (*names, names[0])))
    return "; ".join(told)


def _nesting(graph: LockGraph, edge: Edge, nesting: Nesting, view: View) -> Iterator[str]:
    doubt = "" if nesting.certain else ", on some paths only"
    yield f"In {_code(visible(nesting.function))} ({nesting.confidence} confidence{doubt}):"
    yield ""
    yield f"1. holds {_code(title(graph.locks[edge.outer]))}"
    yield from _steps(nesting.holds, view)
    yield f"2. and takes {_code(title(graph.locks[edge.inner]))}"
    yield from _steps(nesting.takes, view)
    yield ""


def _steps(steps: Sequence[ChainStep], view: View) -> Iterator[str]:
    for step in steps:
        line = (view.line(step.place.path, step.place.span.row) or "").strip()
        source = f": {_code(visible(line))}" if line else ""
        yield f"   - {_code(where(view, step.place))} {_WORDS[step.what]} {_code(visible(step.text))}{source}"


def _arrow(graph: LockGraph, edge: Edge) -> str:
    return f"{_code(title(graph.locks[edge.outer]))} → {_code(title(graph.locks[edge.inner]))}"


def _code(text: str) -> str:
    """Give a text as code, whatever backquotes are in it."""
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _plain(text: str) -> str:
    """Give a text in which nothing but code is markup."""
    return re.sub(r"([\\*_\[\]<>#|~])", r"\\\1", text) if "`" not in text else text
