"""Work that is done once: under a test whether what it makes is there already."""

from __future__ import annotations

from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import CriticalPair
from lockcheck.model.expression import Attr, Compare, Const, Expr, Item, Name, Not
from lockcheck.model.identity import FunctionId


def sets_up(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether the way to an event leads through `if self._x is None:` and its like, in whichever function."""
    return any(
        _is_missing(analysis, step.function, test, outcome)
        for step in pair.trace
        for test, outcome in analysis.ways.tests(step.function, step.span)
    )


def _is_missing(analysis: Analysis, function: FunctionId, test: Expr, outcome: bool) -> bool:
    """Whether a test comes out so that something kept is not there yet."""
    match test:
        case Not(value=value):
            return _is_missing(analysis, function, value, not outcome)
        case Compare(left=left, operator="is" | "is not" as operator, right=Const(value=None)):
            return _is_kept(analysis, function, left) and outcome is (operator == "is")
        case Compare(operator="in" | "not in" as operator, right=right):
            return _is_kept(analysis, function, right) and outcome is (operator == "not in")
        case Attr(name=name):
            return not outcome and name in analysis.facts(function).stored
        case _:
            return False


def _is_kept(analysis: Analysis, function: FunctionId, value: Expr) -> bool:
    """Whether an expression outlives the call: an attribute, an element of one, a global."""
    match value:
        case Attr():
            return True
        case Item(value=outer):
            return _is_kept(analysis, function, outer)
        case Name(id=name):
            return not analysis.engine.types.scope(function).binds(name)
        case _:
            return False
