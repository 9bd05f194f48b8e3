"""The graph as JSON: for programs, and for the page, which carries it inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockcheck.model.graph import ChainStep, Edge, Lock, LockGraph, Nesting, Runner, Side, Use
from lockcheck.model.source import Place
from lockcheck.ui.render.graph.words import run_by
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import View


def render_graph(graph: LockGraph, view: View) -> str:
    """Give an object with `locks`, `edges` and `cycles`; edges name locks, and sides of cycles edges, by their `id`."""
    return dump(graph_data(graph, view))


def graph_data(graph: LockGraph, view: View) -> dict[str, Json]:
    """Give what `render_graph` writes."""
    return {
        "locks": [lock_data(lock, view, f"l{number}") for number, lock in enumerate(graph.locks)],
        "edges": [_edge(edge, view, f"e{number}") for number, edge in enumerate(graph.edges)],
        "cycles": [_cycle(graph, cycle, view) for cycle in graph.cycles],
    }


def lock_data(lock: Lock, view: View, identity: str = "") -> dict[str, Json]:
    """Give a lock and who takes it."""
    told: dict[str, Json] = {
        "name": _text(lock.name),
        "qualified_name": _text(lock.qualified),
        "on": _text(lock.on) or None,
        "kind": lock.kind,
        "domain": lock.domain,
        "shape": lock.shape,
        "reentrant": lock.reentrant,
        "exclusive": lock.exclusive,
        "made": place_data(lock.made, view) if lock.made is not None else None,
        "taken_in": [_use(use, view) for use in lock.uses],
    }
    return joined({"id": identity}, told) if identity else told


def place_data(place: Place, view: View) -> dict[str, Json]:
    """Give a place: the file by its absolute path and as the user would name it, and where in it."""
    span = place.span
    return {
        "filename": _text(place.path),
        "display": view.display(place.path),
        "location": {"row": span.row, "column": span.column},
        "end_location": {"row": span.end_row, "column": span.end_column},
        "source": _text((view.line(place.path, span.row) or "").strip()),
    }


def steps_data(steps: Iterable[ChainStep], view: View) -> list[Json]:
    """Give the steps of a chain."""
    return [
        joined(
            {"what": step.what, "text": _text(step.text), "function": _text(step.function)},
            place_data(step.place, view),
        )
        for step in steps
    ]


def joined(*parts: Mapping[str, Json]) -> dict[str, Json]:
    """Give one object out of several."""
    return {key: value for part in parts for key, value in part.items()}


def runner_data(runner: Runner, view: View) -> dict[str, Json]:
    """Give on whose behalf something runs."""
    return {
        "kind": runner.kind,
        "words": run_by(runner),
        "function": _text(runner.function),
        "started_by": _text(runner.maker) if runner.maker is not None else None,
        "started": place_data(runner.started, view) if runner.started is not None else None,
    }


def _edge(edge: Edge, view: View, identity: str) -> Json:
    return {
        "id": identity,
        "outer": f"l{edge.outer}",
        "inner": f"l{edge.inner}",
        "verdict": edge.verdict,
        "reasons": [_text(reason) for reason in edge.reasons],
        "nestings": [_nesting(nesting, view) for nesting in edge.nestings],
    }


def _nesting(nesting: Nesting, view: View) -> Json:
    return joined(
        {
            "function": _text(nesting.function),
            "confidence": nesting.confidence,
            "on_every_path": nesting.certain,
            "gates": [_text(gate) for gate in nesting.gates],
            "holds": steps_data(nesting.holds, view),
            "takes": steps_data(nesting.takes, view),
        },
        place_data(nesting.place, view),
    )


def _use(use: Use, view: View) -> Json:
    return joined(
        {
            "function": _text(use.function),
            "mode": use.mode,
            "can_wait": use.can_wait,
            "timed": use.timed,
            "runs_in": [runner_data(runner, view) for runner in use.runners],
        },
        place_data(use.place, view),
    )


def _cycle(graph: LockGraph, cycle: tuple[Side, ...], view: View) -> Json:
    return {
        "locks": [f"l{graph.edges[side.edge].outer}" for side in cycle],
        "sides": [
            {"edge": f"e{side.edge}", "nesting": _nesting(graph.edges[side.edge].nestings[side.nesting], view)}
            for side in cycle
        ],
    }


def _text(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if not text.isascii() else text
