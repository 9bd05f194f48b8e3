"""Which calls may raise, and which handlers catch what."""

from __future__ import annotations

import builtins

from lockcheck.analysis.exits.points import Leave
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import ClassValue, External, options
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.knowledge.harmless import harmless
from lockcheck.model.expression import Attr, Call, Expr, Group, Name
from lockcheck.model.flow import Iterate, Raise
from lockcheck.model.identity import FunctionId

_DEPTH = 3


def may_raise(engine: Engine, function: FunctionId, call: Call, depth: int = _DEPTH) -> bool:
    """Whether a call does more than look at or change a container, tell the time or write a log."""
    targets = engine.targets.of(call.func, function)
    if targets:
        return depth == 0 or any(_body_raises(engine, t.function, depth - 1) for t in targets)
    if isinstance(call.func, Attr) and call.func.name in harmless().methods:
        return False
    for option in options(engine.types.evaluate(call.func, function)):
        if isinstance(option, External):
            if option.name in harmless().externals or (
                option.name.startswith(("logging.", "builtins.")) and _plain(option.name)
            ):
                return False
        if isinstance(option, ClassValue) and engine.hierarchy.method(option.id, "__init__") is None:
            return False
    word = call.func.id if isinstance(call.func, Name) else call.func.name if isinstance(call.func, Attr) else ""
    return not (word in harmless().functions or word.endswith(("Error", "Exception")))


def writes_log(call: Call) -> bool:
    """Whether a call writes a log: what it is given is not expected to raise either."""
    return isinstance(call.func, Attr) and call.func.name in harmless().logs


def _plain(name: str) -> bool:
    word = name.rpartition(".")[2]
    return name.startswith("logging.") or word in harmless().functions or word.endswith("Error")


def _body_raises(engine: Engine, function: FunctionId, depth: int) -> bool:
    """Whether a function of the program raises, or calls something that may."""
    facts = engine.program.functions[function]
    if facts.is_generator:
        return False
    for step in steps(engine.program.body(function)):
        if isinstance(step, Raise) or (isinstance(step, Iterate) and step.is_async):
            return True
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call) and may_raise(engine, function, inner, depth):
                    return True
    return False


def caught(types: Expr | None) -> frozenset[str] | None:
    """The last words of what a handler names; None where it catches everything."""
    if types is None:
        return None
    items = types.items if isinstance(types, Group) else (types,)
    words = {_word(item) for item in items}
    return None if "BaseException" in words else frozenset(words)


def _word(expr: Expr) -> str:
    match expr:
        case Name(id=word) | Attr(name=word):
            return word
        case Call(func=func):
            return _word(func)
        case _:
            return "?"


_CANCELLED = {"CancelledError", "Cancelled", "get_cancelled_exc_class", "?"}


def catches(words: frozenset[str] | None, leave: Leave) -> tuple[bool, bool]:
    """Whether a handler may catch, and whether it surely does."""
    if words is None:
        return True, True
    if leave.how == "cancel":
        found = bool(words & _CANCELLED)
        return found, found
    if words <= _CANCELLED - {"?"}:
        return False, False
    if "Exception" in words:
        return True, True
    if leave.how == "raise":
        return _of_class(words, leave.text)
    return True, False


def _of_class(words: frozenset[str], name: str) -> tuple[bool, bool]:
    if name in words:
        return True, True
    raised = getattr(builtins, name, None)
    if not isinstance(raised, type):
        return True, False
    found = any(isinstance(c := getattr(builtins, w, None), type) and issubclass(raised, c) for w in words)
    return found, found
