"""Expressions on the paths through a function: what takes and gives back the lock, and what may raise."""

from __future__ import annotations

from lockcheck.analysis.budget import Meter
from lockcheck.analysis.exits.points import NOWHERE, Leave, Point, Points, question
from lockcheck.analysis.exits.raising import may_raise, writes_log
from lockcheck.analysis.link import results
from lockcheck.analysis.link.bodies import children
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.constants import truth
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.model.events import Operation
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Compare,
    Const,
    Expr,
    IfElse,
    Lambda,
    Logic,
    Name,
    Not,
    Walrus,
    Yield,
)
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

MAX_POINTS = 150
"""More paths than these are as good as none: nothing is said of the function."""


class TooManyPathsError(Exception):
    """The paths of a function are too many to follow."""


class Evaluation:
    """Follows expressions with a set of paths. `operations` are those on the one lock, by the span of the call."""

    def __init__(
        self, analysis: Analysis, function: FunctionId, operations: dict[Span, Operation], meter: Meter
    ) -> None:
        """Start with no way out found, and with what is left for the function."""
        self.meter = meter
        self.engine = analysis.engine
        self.function = function
        self.operations = operations
        self.numbers = {span: n for n, span in enumerate(operations)}
        self.returns: list[tuple[Point, Leave]] = []
        self.breaks: list[tuple[Point, Leave]] = []
        self.continues: list[tuple[Point, Leave]] = []
        self.raises: list[list[tuple[Point, Leave]]] = [[]]
        self.handling: list[Leave] = []
        self.nothing = Leave("end", Span(0, 0, 0, 0), "")
        self._frame = Frame(analysis.engine, function)
        self._yields = results.is_context_manager(analysis.engine.types, function)
        self._is_async = analysis.facts(function).is_async

    def checked(self, points: Points) -> Points:
        """The paths, unless they are too many."""
        if len(points) > MAX_POINTS:
            raise TooManyPathsError
        return points

    def leave(self, points: Points, leave: Leave) -> None:
        """Note that an exception may leave from here."""
        self.raises[-1] += [(point, leave) for point in sorted(points, key=repr)]

    def suspend(self, points: Points, span: Span, text: str) -> None:
        """Note that what is awaited may raise, and that the task may be cancelled meanwhile."""
        self.leave(points, Leave("await", span, text))
        self.leave(points, Leave("cancel", span, text))

    def known(self, points: Points, key: str, outcome: bool) -> Points:
        """The paths on which a test comes out so."""
        return frozenset(k for p in points if (k := p.knowing(key, outcome)) is not None)

    def releases(self, call: Call) -> bool:
        """Whether a call gives the lock back."""
        operation = self.operations.get(call.span)
        return operation is not None and operation.action == "release"

    def takes(self, value: Expr) -> Operation | None:
        """The acquisition that an expression is, if it is one."""
        call = value.value if isinstance(value, Await) else value
        operation = self.operations.get(call.span) if isinstance(call, Call) else None
        return operation if operation is not None and operation.action == "acquire" else None

    def waits_for(self, value: Expr) -> bool:
        """Whether a value is that of an acquisition that cannot fail: it waits until the lock is there."""
        operation = self.takes(value)
        return operation is not None and not (operation.attempt or operation.callee or operation.handed)

    def evaluate(self, expr: Expr, points: Points) -> Points:
        """The paths after an expression was evaluated."""
        match expr:
            case Call():
                return self._call(expr, points, None)
            case Await(value=Call() as call, span=span):
                return self._call(call, points, span)
            case Await(value=value, span=span):
                points = self.evaluate(value, points)
                self.suspend(points, span, "await")
                return points
            case Logic(values=values):
                points = self.evaluate(values[0], points)
                for value in values[1:]:
                    points |= self.evaluate(value, points)
                return points
            case IfElse(test=test, then=then, orelse=orelse):
                yes, no = self.split(test, points)
                return self.evaluate(then, yes) | self.evaluate(orelse, no)
            case Yield(value=value, span=span):
                points = self.evaluate(value, points) if value is not None else points
                if self._yields:
                    self.leave(points, Leave("yield", span, "yield"))
                return points
            case Walrus(name=name, value=value):
                return frozenset(p.forgetting(name) for p in self.evaluate(value, points))
            case Lambda():
                return points
            case _:
                for child in children(expr):
                    points = self.evaluate(child, points)
                return points

    def _call(self, call: Call, points: Points, awaited: Span | None) -> Points:
        """Evaluate what a call is given; then it may raise, or it is an operation on the lock."""
        given: list[Call] = []
        for part in children(call):
            inner = self.operations.get(part.span) if isinstance(part, Call) else None
            if isinstance(part, Call) and inner is not None and inner.action == "acquire":
                given.append(part)
            elif part is call.func and isinstance(part, Attr):
                points = self.evaluate(part.value, points)
            elif writes_log(call):
                continue
            else:
                points = self.evaluate(part, points)
        operation = self.operations.get(call.span)
        if operation is None or operation.action != "release":
            self._may_raise(call, points, awaited, operation)
        if operation is not None:
            return self._operate(operation, points)
        for part in given if awaited is not None else ():
            points = self._operate(self.operations[part.span], points)
        return points

    def _may_raise(self, call: Call, points: Points, awaited: Span | None, operation: Operation | None) -> None:
        text = _text(call.func)
        if awaited is not None:
            self.suspend(points, awaited, text)
            if operation is not None and operation.handed:
                self.leave(self._operate(operation, points), Leave("cancel", awaited, text))
        elif operation is None and may_raise(self.engine, self.function, call):
            self.leave(points, Leave("call", call.span, text))

    def _operate(self, operation: Operation, points: Points) -> Points:
        if operation.action == "release":
            return frozenset(p.giving() for p in points)
        if operation.action == "acquire":
            number = self.numbers[operation.span]
            return frozenset(p.taking(number) for p in points)
        return points

    def split(self, test: Expr, points: Points) -> tuple[Points, Points]:
        """Evaluate a test: the paths on which it is true, and those on which it is false."""
        match test:
            case Not(value=value):
                yes, no = self.split(value, points)
                return no, yes
            case Logic(conjunction=conjunction, values=values):
                return self._logic(conjunction, values, points)
            case Walrus(name=name, value=value):
                yes, no = self.split(value, points)
                forget = [frozenset(p.forgetting(name) for p in side) for side in (yes, no)]
                return self.known(forget[0], name, True), self.known(forget[1], name, False)
            case Compare(left=left, operator="is" | "==" | "is not" | "!=" as operator, right=Const(value=bool(value))):
                yes, no = self.split(left, points)
                return (yes, no) if (operator in ("is", "==")) is value else (no, yes)
            case _:
                pass
        if isinstance(test, IfElse):
            return self._either(test, points)
        known = truth(self._frame.engine.types, test, self._frame.function)
        if known is not None:
            return (points, NOWHERE) if known else (NOWHERE, points)
        call = test.value if isinstance(test, Await) else test
        operation = self.operations.get(call.span) if isinstance(call, Call) else None
        if isinstance(call, Call) and operation is not None and operation.action == "acquire" and not operation.handed:
            return self._attempt(call, operation, points, test.span if isinstance(test, Await) else None)
        points = self.evaluate(test, points)
        key, outcome = question(test)
        if key is None:
            return points, points
        return self.known(points, key, outcome), self.known(points, key, not outcome)

    def _either(self, test: IfElse, points: Points) -> tuple[Points, Points]:
        """`then if test else orelse` as a test."""
        yes, no = self.split(test.test, points)
        then, orelse = self.split(test.then, yes), self.split(test.orelse, no)
        return then[0] | orelse[0], then[1] | orelse[1]

    def _attempt(self, call: Call, operation: Operation, points: Points, awaited: Span | None) -> tuple[Points, Points]:
        for part in (*call.args, *(k.value for k in call.keywords)):
            points = self.evaluate(part, points)
        if awaited is not None:
            self.suspend(points, awaited, _text(call.func))
        return self._operate(operation, points), points if operation.attempt or operation.callee else NOWHERE

    def _logic(self, conjunction: bool, values: tuple[Expr, ...], points: Points) -> tuple[Points, Points]:
        left = NOWHERE
        for value in values:
            yes, no = self.split(value, points)
            points, out = (yes, no) if conjunction else (no, yes)
            left |= out
        return (points, left) if conjunction else (left, points)


def _text(func: Expr) -> str:
    match func:
        case Name(id=name):
            return name
        case Attr(value=Name(id=outer), name=name):
            return f"{outer}.{name}"
        case Attr(name=name):
            return name
        case _:
            return "a call"
