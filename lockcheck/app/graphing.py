"""The lock-order graph of a project, as a value that any form of it is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from lockcheck.analysis.contexts import Context
from lockcheck.analysis.order import Cycle, Node, OrderGraph, Tangle, Witness, node
from lockcheck.analysis.order import Edge as OrderEdge
from lockcheck.analysis.profiles import Profile, Profiles, Taker
from lockcheck.analysis.ruling_out import reasons
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import certainty
from lockcheck.app.headroom import with_headroom
from lockcheck.app.pipeline import analysed, shortcomings
from lockcheck.app.project import Project
from lockcheck.app.rulebook import rulebook
from lockcheck.app.run import Options
from lockcheck.app.triage import of_interest
from lockcheck.model.events import LockRef, Step
from lockcheck.model.findings import Failure
from lockcheck.model.graph import ChainStep, Edge, Lock, LockGraph, Nesting, Runner, Side, Use, Verdict
from lockcheck.model.identity import FunctionId, LockId, lock_name, plain, qualified_name
from lockcheck.model.source import Place, SourceFile


class Drawn(msgspec.Struct, frozen=True):
    """The graph of a project, the sources behind it, and what could not be looked at."""

    graph: LockGraph
    sources: dict[str, SourceFile]
    failures: tuple[Failure, ...]


def graph_of(project: Project, options: Options) -> Drawn:
    """Analyse a project for its graph."""
    with analysed(project, options, rulebook(project)) as program:
        analysis = program.analysis
        if isinstance(analysis, Failure):
            return Drawn(LockGraph((), (), ()), program.sources, (*shortcomings(program, project), analysis))
        graph = with_headroom(lambda: lock_graph(analysis, project))
        return Drawn(graph, program.sources, tuple(of_interest(shortcomings(program, project), project)))


def lock_graph(analysis: Analysis, project: Project) -> LockGraph:
    """The locks of a project and their order, as far as its user asked about them."""
    return _concerning(project, _whole(analysis))


def described(analysis: Analysis, profile: Profile, on: str = "") -> Lock:
    """A lock in words."""
    ref, kind = profile.lock, profile.lock.kind
    assert ref.id is not None
    return Lock(
        name=lock_name(ref.id),
        qualified=qualified_name(ref.id),
        kind=kind.name if kind is not None else "unknown",
        domain=ref.domain,
        shape=kind.shape if kind is not None else "mutex",
        reentrant=ref.reentrant,
        exclusive=ref.exclusive,
        made=profile.made,
        on=on,
        uses=tuple(_use(analysis, taker) for taker in profile.takers),
    )


def spelled(function: FunctionId) -> str:
    """A function in words."""
    return plain(str(function))


def _whole(analysis: Analysis) -> LockGraph:
    graph = OrderGraph(analysis)
    profiles = Profiles(analysis)
    refs = _nodes(graph, profiles)
    stands_for = _stands_for(refs)
    shown = [each for each in refs if stands_for[each] == each]
    numbers = {each: shown.index(other) for each, other in stands_for.items()}
    tangles = list(graph.tangles())
    parallel: dict[tuple[int, int], list[OrderEdge]] = {}
    for edge in graph.edges.values():
        parallel.setdefault((numbers[edge.outer], numbers[edge.inner]), []).append(edge)
    edges = [_edge(graph, ends, same, tangles) for ends, same in parallel.items()]
    return LockGraph(
        locks=tuple(
            described(analysis, profiles.of(refs[each]), str(each.receiver) if each.receiver is not None else "")
            for each in shown
        ),
        edges=tuple(edges),
        cycles=tuple(
            dict.fromkeys(
                tuple(_side(analysis, edges, ends, told) for ends, told in _ends(cycle, numbers))
                for tangle in tangles
                for cycle in tangle.cycles
            )
        ),
    )


def _ends(cycle: Cycle, numbers: dict[Node, int]) -> Iterator[tuple[tuple[int, int], Witness]]:
    for edge, told in cycle.steps:
        yield (numbers[edge.outer], numbers[edge.inner]), told


def _side(analysis: Analysis, edges: list[Edge], ends: tuple[int, int], told: Witness) -> Side:
    number = next(number for number, edge in enumerate(edges) if (edge.outer, edge.inner) == ends)
    return Side(number, edges[number].nestings.index(_nesting(analysis, told)))


def _nodes(graph: OrderGraph, profiles: Profiles) -> dict[Node, LockRef]:
    """The locks that stand in the order, and those that do not, each with one view of it."""
    found: dict[Node, LockRef] = {}
    for edge in graph.edges.values():
        found.setdefault(edge.outer, edge.witnesses[0].held.lock)
        found.setdefault(edge.inner, edge.witnesses[0].inner)
    nested = {each.lock for each in found}
    for ref in profiles.locks():
        alone = node(ref)
        if alone is not None and alone.lock not in nested:
            found.setdefault(Node(alone.lock, None), ref)
    return {each: found[each] for each in sorted(found, key=lambda n: (qualified_name(n.lock), str(n.receiver)))}


def _stands_for(nodes: Iterable[Node]) -> dict[Node, Node]:
    """The node that each is drawn as: a lock of an object of unknown class is that of the only class that is seen."""
    of_lock: dict[LockId, list[Node]] = {}
    for each in nodes:
        of_lock.setdefault(each.lock, []).append(each)
    found: dict[Node, Node] = {}
    for same in of_lock.values():
        known = [each for each in same if each.receiver is not None]
        for each in same:
            found[each] = known[0] if each.receiver is None and len(known) == 1 else each
    return found


def _edge(graph: OrderGraph, ends: tuple[int, int], same: list[OrderEdge], tangles: Iterable[Tangle]) -> Edge:
    """One edge of the picture: nestings of locks that are drawn as one are drawn as one."""
    verdict: Verdict = "order"
    why: dict[str, None] = {}
    for tangle in tangles:
        for edge in same:
            if edge.outer in tangle.nodes and edge.inner in tangle.nodes:
                if (edge.outer, edge.inner) in tangle.possible:
                    verdict = "cycle"
                elif verdict == "order":
                    verdict = "ruled-out"
                    why.update(dict.fromkeys(reasons(graph, edge, tangle)))
    witnesses = sorted(
        (witness for edge in same for witness in edge.witnesses), key=lambda witness: witness.rank(graph.analysis)
    )
    nestings = tuple(dict.fromkeys(_nesting(graph.analysis, witness) for witness in witnesses))
    return Edge(*ends, verdict, nestings, tuple(why) if verdict == "ruled-out" else ())


def _nesting(analysis: Analysis, witness: Witness) -> Nesting:
    first = witness.pair.trace[0]
    ends = (witness.held.lock.id, witness.inner.id)
    gates = {gate for gate in witness.gates() | analysis.entry(witness.function) if gate not in ends}
    return Nesting(
        function=spelled(witness.function),
        place=analysis.place(first.function, first.span),
        holds=tuple(steps_of(analysis, witness.held.trace)),
        takes=tuple(steps_of(analysis, witness.pair.trace)),
        confidence=certainty(witness.pair, (witness.held,)).word,
        certain=witness.held.must,
        gates=tuple(sorted(map(lock_name, gates))),
    )


def steps_of(
    analysis: Analysis, steps: Iterable[Step], event: Literal["takes", "does"] = "takes"
) -> Iterator[ChainStep]:
    """A trace in words; `event` is what happens at its end."""
    for step in steps:
        place = analysis.place(step.function, step.span)
        match step.action:
            case "call":
                yield ChainStep("calls", step.text, spelled(step.function), place)
            case "event":
                yield ChainStep(event, step.text, spelled(step.function), place)
            case "acquire":
                yield ChainStep("takes", step.text, spelled(step.function), place)
            case "contract":
                yield ChainStep("contract", step.text, spelled(step.function), place)


def _use(analysis: Analysis, taker: Taker) -> Use:
    runners = tuple(runner(analysis, context) for context in taker.contexts)
    return Use(spelled(taker.function), taker.place, taker.mode, taker.can_wait, taker.timed, runners)


def runner(analysis: Analysis, context: Context) -> Runner:
    """Who runs something, in words."""
    if context.maker is None:
        return Runner(context.kind, spelled(context.function))
    span = analysis.facts(context.maker).span
    if context.row:
        span = msgspec.structs.replace(span, row=context.row, end_row=context.row, column=1, end_column=1)
    return Runner(context.kind, spelled(context.function), spelled(context.maker), analysis.place(context.maker, span))


def _concerning(project: Project, graph: LockGraph) -> LockGraph:
    """Leave out what has nothing to do with the paths that the user gave."""
    edges = [number for number, edge in enumerate(graph.edges) if any(map(project.covers, _paths(graph, edge)))]
    cycles = [cycle for cycle in graph.cycles if any(side.edge in edges for side in cycle)]
    edges = sorted({*edges, *(side.edge for cycle in cycles for side in cycle)})
    ends = {end for number in edges for end in (graph.edges[number].outer, graph.edges[number].inner)}
    locks = [n for n, lock in enumerate(graph.locks) if n in ends or _is_used_in(project, lock)]
    if len(locks) == len(graph.locks) and len(edges) == len(graph.edges):
        return graph
    new = {old: number for number, old in enumerate(locks)}
    return LockGraph(
        tuple(graph.locks[n] for n in locks),
        tuple(
            msgspec.structs.replace(edge, outer=new[edge.outer], inner=new[edge.inner])
            for edge in (graph.edges[n] for n in edges)
        ),
        tuple(tuple(msgspec.structs.replace(side, edge=edges.index(side.edge)) for side in cycle) for cycle in cycles),
    )


def _paths(graph: LockGraph, edge: Edge) -> set[str]:
    steps = (step for nesting in edge.nestings for step in (*nesting.holds, *nesting.takes))
    made = (graph.locks[end].made for end in (edge.outer, edge.inner))
    return {*(step.place.path for step in steps), *(place.path for place in made if place is not None)}


def _is_used_in(project: Project, lock: Lock) -> bool:
    made: tuple[Place, ...] = (lock.made,) if lock.made is not None else ()
    return any(project.covers(place.path) for place in (*made, *(use.place for use in lock.uses)))
