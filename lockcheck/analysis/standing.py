"""What holds at a line of a function: the locks that are held there, and what it comes to from there."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import expressions, walk
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.following import watched
from lockcheck.analysis.summarise.state import State, join
from lockcheck.model.events import CriticalPair, Held
from lockcheck.model.facts import FunctionFacts
from lockcheck.model.flow import For, Node, With
from lockcheck.model.identity import FunctionId, LockId
from lockcheck.model.source import Place, Span


class Outer(msgspec.Struct, frozen=True):
    """A caller that holds locks around a call of the function; `always`: all callers that are known hold them."""

    caller: FunctionId
    place: Place
    locks: tuple[LockId, ...]
    always: bool


class Standing(msgspec.Struct, frozen=True):
    """What is known of some rows of a function.

    `held` is None where no statement of these rows is known; `around` is what callers hold. `reached` are the
    events behind what the rows do.
    """

    function: FunctionId
    held: tuple[Held, ...] | None
    around: tuple[Outer, ...]
    reached: tuple[CriticalPair, ...]


def function_at(analysis: Analysis, path: str, row: int) -> FunctionId | None:
    """The innermost function that a row of a file belongs to."""
    module = next((name for name, unit in analysis.program.units.items() if unit.path == path), None)
    if module is None:
        return None
    known = {function: analysis.facts(function) for function in analysis.program.functions_of(module)}
    inside = [function for function, facts in known.items() if facts.first_row <= row <= facts.last_row]
    return max(inside, key=lambda each: _depth(known[each]), default=None)


def _depth(facts: FunctionFacts) -> tuple[int, int, Span]:
    """How far inside others a function lies, of those that have a row in common."""
    return facts.first_row, -facts.last_row, facts.in_file


def standing(analysis: Analysis, function: FunctionId, rows: range) -> Standing:
    """What holds at the rows of one statement of a function, which are those of its file."""
    above = analysis.facts(function).above
    rows = range(rows.start - above, rows.stop - above)
    analysis.engine.settle([function])
    states = [state for node, state in watched(analysis.engine, function) if _begins_in(node, rows)]
    state: State | None = join(states)
    result = analysis.engine.results.get(function)
    pairs = result.pairs if result is not None else ()
    reached = [pair for pair in pairs if pair.trace[0].span.row in rows]
    return Standing(
        function,
        state.held if state is not None else None,
        tuple(_around(analysis, function)),
        tuple(sorted(reached, key=lambda p: (p.trace[0].span, len(p.trace), p.trace))),
    )


def _begins_in(node: Node, rows: range) -> bool:
    return any(span.row in rows for span in _spans(node))


def _spans(node: Node) -> Iterator[Span]:
    """Places that tell on which rows a statement, or the head of a compound one, stands."""
    match node:
        case With(items=items, span=span):
            yield span
            yield from (item.span for item in items)
        case For(head=head):
            yield head.span
        case _:
            found: list[object] = [getattr(node, "span", None)]
            found += [getattr(part, "span", None) for expr in expressions(node) for part in walk(expr)]
            yield from (one for one in found if isinstance(one, Span))


def _around(analysis: Analysis, function: FunctionId) -> Iterator[Outer]:
    """The callers that hold something, each at one of its calls."""
    always = analysis.entry(function)
    for result in analysis.results:
        for call in result.calls:
            locks = call.locks | analysis.entry(result.function)
            if call.callee == function and locks:
                place = _call(analysis, result.pairs, function) or analysis.place(
                    result.function, analysis.facts(result.function).span
                )
                ordered = tuple(sorted(locks, key=repr))
                yield Outer(result.function, place, ordered, bool(always) and set(locks) >= always)


def _call(analysis: Analysis, pairs: tuple[CriticalPair, ...], callee: FunctionId) -> Place | None:
    """Where a function is called, as far as something that happens in it tells."""
    for pair in pairs:
        if len(pair.trace) > 1 and pair.trace[1].function == callee:
            return analysis.place(pair.trace[0].function, pair.trace[0].span)
    return None
