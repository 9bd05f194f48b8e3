"""One way from a function to an event: whether it can be taken, given what is passed along it.

A summary speaks of a function whoever calls it. Here the literals that a chain of calls hands on, and the defaults
that it leaves, decide the tests on the way: `close(wait=False)` does not get to what stands under `if wait:`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TypeAlias

from lockcheck.analysis.link.bodies import calls_in
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.summarise.constants import truth
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.known import Known
from lockcheck.model.events import Step, Trace
from lockcheck.model.expression import Call, Compare, Const, Expr, IfElse, Logic, Name, Not, Star
from lockcheck.model.facts import FunctionFacts
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

Literals: TypeAlias = "Mapping[str, Const]"
"""Parameters whose value is known on this way."""
_NONE: Literals = {}


class Ways:
    """Answers about traces; what a function's text says is read once."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is read before it is asked for."""
        self._engine = engine
        self._calls: dict[FunctionId, tuple[Call, ...]] = {}
        self._by_span: dict[FunctionId, dict[Span, Call]] = {}
        self._given: dict[tuple[FunctionId, Span, FunctionId], Mapping[str, Expr]] = {}
        self._tests: dict[tuple[FunctionId, Span], list[tuple[Expr, bool]]] = {}

    def closed(self, trace: Trace) -> bool:
        """Whether a test on the way is known to come out so that the event is not reached."""
        last = max((place for place, step in enumerate(trace, 1) if self.tests(step.function, step.span)), default=0)
        way = trace[:last]
        return any(self._misses(step, given) for step, given in zip(way, self._along(way), strict=True))

    def literals(self, trace: Trace, values: Iterable[Expr]) -> Iterator[Const]:
        """Those of some expressions in the last function of a way that are literals on it."""
        asked = tuple(values)
        *_, given = self._along(trace) if asked else (_NONE,)
        for value in asked:
            known = self._literal(value, trace[-1].function, given)
            if known is not None:
                yield known

    def calls(self, function: FunctionId) -> tuple[Call, ...]:
        """Every call in a function's body, in order."""
        found = self._calls.get(function)
        if found is None:
            found = self._calls[function] = tuple(calls_in(self._engine.program.body(function)))
        return found

    def call(self, function: FunctionId, span: Span) -> Call | None:
        """The call that stands at a span of a function."""
        found = self._by_span.get(function)
        if found is None:
            found = self._by_span[function] = {call.span: call for call in reversed(self.calls(function))}
        return found.get(span)

    def tests(self, function: FunctionId, span: Span) -> list[tuple[Expr, bool]]:
        """The tests on the way to a call in a function, each with its outcome."""
        found = self._tests.get((function, span))
        if found is None:
            body = self._engine.program.blocks(function)
            found = self._tests[function, span] = [] if body is None else Known(body, span).tests
        return found

    def _along(self, trace: Trace) -> Iterator[Literals]:
        """What each function on a way is given; the first one's parameters are not known."""
        given = _NONE
        if trace:
            yield given
        for step, following in pairwise(trace):
            given = self._passed(step, following.function, given)
            yield given

    def _misses(self, step: Step, given: Literals) -> bool:
        for test, outcome in self.tests(step.function, step.span):
            decided = self._decided(test, step.function, given)
            if decided is not None and decided is not outcome:
                return True
        return False

    def _decided(self, test: Expr, function: FunctionId, given: Literals) -> bool | None:
        match test:
            case Not(value=value):
                inner = self._decided(value, function, given)
                return None if inner is None else not inner
            case Logic(conjunction=conjunction, values=values):
                found = [self._decided(v, function, given) for v in values]
                if (not conjunction) in found:
                    return not conjunction
                return None if None in found else conjunction
            case Compare(left=left, operator=operator, right=Const(value=right)):
                known = self._literal(left, function, given)
                return _compared(known, operator, right) if known is not None else None
            case _:
                known = self._literal(test, function, given)
                return bool(known.value) if known is not None else truth(self._engine.types, test, function)

    def _literal(self, expr: Expr, function: FunctionId, given: Literals) -> Const | None:
        match expr:
            case Const():
                return expr
            case Name(id=name) if name in given:
                return given[name]
            case Name(id=name):
                bound = self._engine.types.scope(function).bindings.get(name, ())
                only = (
                    bound[0] if len(bound) == 1 and name not in self._engine.types.scope(function).parameters else None
                )
                if only is None or only.how != "value" or only.place or not isinstance(only.expr, IfElse | Const):
                    return None
                return self._literal(only.expr, function, given)
            case IfElse(test=test, then=then, orelse=orelse):
                outcome = self._decided(test, function, given)
                return None if outcome is None else self._literal(then if outcome else orelse, function, given)
            case _:
                return None

    def _passed(self, step: Step, callee: FunctionId, given: Literals) -> Literals:
        """What the call of a step gives for the parameters of the function that it runs."""
        found: dict[str, Const] = {}
        for name, value in self._spelled(step.function, step.span, callee).items():
            known = self._literal(value, step.function, given)
            if known is not None:
                found[name] = known
        return found

    def _spelled(self, function: FunctionId, span: Span, callee: FunctionId) -> Mapping[str, Expr]:
        """What a call gives for the parameters that keep their values in the function that it runs."""
        key = (function, span, callee)
        found = self._given.get(key)
        if found is None:
            call = self.call(function, span)
            targets = self._engine.targets.of(call.func, function) if call is not None else ()
            target = next((t for t in targets if t.function == callee), None)
            if call is None or target is None or target.partial is not None:
                given: Mapping[str, Expr] = {}
            else:
                given = _spelled(call, self._engine.program.functions[callee], target)
            bound = self._engine.types.scope(callee).bindings if given else {}
            found = self._given[key] = {name: value for name, value in given.items() if name not in bound}
        return found


def _spelled(call: Call, facts: FunctionFacts, target: Target) -> dict[str, Expr]:
    """The expression for each parameter: what the call gives, else the default where the call is all there to see."""
    names = [p.name for p in facts.parameters if p.kind in "pa"]
    if facts.owner is not None and (target.receiver is not None or target.made):
        names = names[1:]
    starred = any(isinstance(a, Star) for a in call.args)
    found: dict[str, Expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, Star):
            break
        found[name] = value
    found.update((k.name, k.value) for k in call.keywords if k.name is not None)
    if not starred and all(k.name is not None for k in call.keywords):
        for parameter in facts.parameters:
            if parameter.default is not None:
                found.setdefault(parameter.name, parameter.default)
    return found


def _compared(left: Const, operator: str, right: object) -> bool | None:
    value: object = left.value
    match operator:
        case "is" | "==":
            return value is right if right is None or isinstance(right, bool) else value == right
        case "is not" | "!=":
            return value is not right if right is None or isinstance(right, bool) else value != right
        case _:
            return None
