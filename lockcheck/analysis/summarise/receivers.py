"""The object that a callee works on, by the caller's path to it."""

from __future__ import annotations

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.expression import Attr, Call, Expr, Name
from lockcheck.model.paths import Path


def of(frame: Frame, func: Expr, target: Target, state: State) -> Path | None:
    """The object on which calling `func` runs a target; None where the call makes it, or no path names it."""
    if target.made:
        return None
    word = frame.engine.program.functions[target.function].name
    if word == "__call__" and not (isinstance(func, Attr) and func.name == word):
        return frame.engine.paths.of(func, frame.function, state.env)
    if target.partial is not None:
        return _of_partial(frame, func, target, word, state)
    match func:
        case Attr(value=Call(func=Name(id="super"))):
            first = frame.scope.first
            return (state.env.get(first) if first is not None else None) or _before(frame, func, word, state)
        case Attr():
            return _before(frame, func, word, state)
        case Name(id=name):
            found = frame.scope.bindings.get(name, ())
            once = len(found) == 1 and found[0].how == "value" and not found[0].place
            return _before(frame, found[0].expr, word, state) if once else None
        case _:
            return None


def _before(frame: Frame, func: Expr | None, word: str, state: State) -> Path | None:
    """What stands before the name of a method, also where an attribute keeps the method under another name."""
    if not isinstance(func, Attr):
        return None
    paths = frame.engine.paths
    if func.name == word:
        return paths.of(func.value, frame.function, state.env)
    whole = paths.of(func, frame.function, state.env)
    return Path(whole.root, whole.steps[:-1]) if whole is not None and whole.steps[-1:] == (word,) else None


def _of_partial(frame: Frame, func: Expr, target: Target, word: str, state: State) -> Path | None:
    """`partial(self.m)()`, or an attribute that always keeps `partial(self.m)`."""
    assert target.partial is not None
    origin = target.partial.origin
    given = origin.call.args[0]
    if origin.function == frame.function:
        return _before(frame, given, word, state)
    cls = frame.engine.paths.receiver(func, frame.function)
    found = frame.engine.hierarchy.attribute(cls, func.name) if cls is not None and isinstance(func, Attr) else None
    if found is None or not isinstance(func, Attr) or not isinstance(given, Attr) or given.name != word:
        return None
    kept = [f for f in found[1] if f.value is not None]
    own = given.value == Name(frame.engine.types.scope(origin.function).first or "")
    alone = len(kept) == 1 and kept[0].value is origin.call
    if not own or not alone or frame.engine.hierarchy.scope_of(found[0], kept[0]) != origin.function:
        return None
    return frame.engine.paths.of(func.value, frame.function, state.env)
