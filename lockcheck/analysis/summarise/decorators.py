"""Decorators of the program that hold locks around the function they wrap."""

from __future__ import annotations

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import FunctionValue, Instance, options
from lockcheck.analysis.summarise.compose import Arguments, moved
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Callback, Held
from lockcheck.model.expression import Expr
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path


def wrapped(frame: Frame, state: State) -> State:
    """The state at the first statement of a decorated function: what its wrappers hold while they call it."""
    for decorator in frame.facts.decorators:
        for wrapper in _wrappers(frame, decorator):
            for held in _held(frame, wrapper, state):
                state = state.holding(held)
                frame.entry.append(held)
    return state


def _wrappers(frame: Frame, decorator: Expr) -> list[FunctionId]:
    """The nested functions that a decorator of the program puts in place of what it is given."""
    types = frame.engine.types
    outer = types.enclosing(frame.function) or FunctionId(frame.function.module, MODULE)
    found: list[FunctionId] = []
    for option in options(types.evaluate(decorator, outer)):
        if isinstance(option, FunctionValue):
            for expr in types.scope(option.id).returns:
                for inner in options(types.evaluate(expr, option.id)):
                    if isinstance(inner, FunctionValue) and types.enclosing(inner.id) == option.id:
                        found.append(inner.id)
    return found


def _held(frame: Frame, wrapper: FunctionId, state: State) -> list[Held]:
    types = frame.engine.types
    outer = types.enclosing(wrapper)
    owner = types.owner(frame.function)
    summary = frame.engine.summary(wrapper)
    own = types.scope(wrapper).first
    first = frame.scope.first
    receiver = Path(ParameterRoot(first)) if first is not None and own is not None else None
    arguments = Arguments(frame, Target(wrapper, Instance(owner) if owner is not None else None), None, state, receiver)
    arguments.rename(own)
    found: list[Held] = []
    for pair in summary.pairs:
        match pair.event:
            case Callback(path=Path(root=FreeRoot(function=function))) if function == outer:
                found += moved(arguments, pair.held, frame.step(frame.facts.span, "call", wrapper.qualname))
            case _:
                pass
    return found
