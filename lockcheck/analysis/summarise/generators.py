"""Who drives a generator: whether its consumer may stop in the middle, or is seen to run it to its end at once."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.values import External, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.expression import Attr, Call, Expr, Name, Yield
from lockcheck.model.flow import Block, For, While
from lockcheck.model.identity import FunctionId

_DRAINS = {
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.dict", "builtins.sorted",
    "builtins.sum", "builtins.min", "builtins.max", "collections.deque",
}  # fmt: skip
_PLAIN = {"staticmethod", "classmethod", "property", "override", "overload", "abstractmethod", "final", "wraps"}


def decorated(analysis: Analysis, function: FunctionId) -> bool:
    """Whether a decorator may turn a generator into something else: a context manager, a fixture, a coroutine."""
    return any(_word(d) not in _PLAIN for d in analysis.facts(function).decorators)


def _word(decorator: Expr) -> str:
    expr = decorator.func if isinstance(decorator, Call) else decorator
    return expr.name if isinstance(expr, Attr) else expr.id if isinstance(expr, Name) else ""


def pauses_once(analysis: Analysis, function: FunctionId) -> bool:
    """Whether a generator has one `yield`, outside of loops: what is around it may be all that it is for."""
    body = analysis.program.body(function)
    return _yields(body) == 1 and not any(_yields(block) for block in _loops(body))


def _yields(nodes: Block) -> int:
    found = [e for step in steps(nodes) for expr in expressions(step) for e in walk(expr) if isinstance(e, Yield)]
    return 2 if any(e.delegates for e in found) else len(found)


def _loops(nodes: Block) -> list[Block]:
    found: list[Block] = []
    for node in nodes:
        if isinstance(node, For | While):
            found.append(node.body)
        else:
            found += [loop for block in blocks(node) for loop in _loops(block)]
    return found


def drained(analysis: Analysis, function: FunctionId) -> bool:
    """Whether every use of a private or nested generator makes a list (or the like) of it at once."""
    facts = analysis.facts(function)
    nested = analysis.engine.types.enclosing(function) is not None
    if not nested and (not facts.name.startswith("_") or facts.name.startswith("__")):
        return False
    uses = 0
    for caller in analysis.program.callers(facts.name):
        for step in steps(analysis.program.body(caller)):
            for expr in expressions(step):
                calls = [e for e in walk(expr) if isinstance(e, Call) and _word(e) == facts.name]
                safe = [a for e in walk(expr) if isinstance(e, Call) and _drains(analysis, e, caller) for a in e.args]
                if any(c not in safe for c in calls):
                    return False
                uses += len(calls)
    return uses > 0


def _drains(analysis: Analysis, call: Call, caller: FunctionId) -> bool:
    callee = analysis.engine.types.evaluate(call.func, caller)
    return any(isinstance(o, External) and o.name in _DRAINS for o in options(callee))
