"""Decorators of the program that hold locks around the function they wrap."""

from __future__ import annotations

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import FunctionValue, Instance, options
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.compose import happen, moved
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Callback, Held, Step
from lockcheck.model.expression import Call, Expr
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path


def wrapped(frame: Frame, state: State) -> State:
    """The state at the first statement of a decorated function: what its wrappers hold while they call it.

    What the wrappers do besides is what calling the function does.
    """
    for decorator in reversed(frame.facts.decorators):
        for wrapper in _wrappers(frame, decorator):
            arguments = _arguments(frame, wrapper, state)
            arguments.made_by(_given(frame, decorator, wrapper))
            step = frame.step(frame.facts.span, "call", wrapper.qualname.rpartition(".")[2])
            happen(frame, arguments, state, step)
            for held in _held(frame, arguments, step):
                state = state.holding(held)
                frame.entry.append(held)
    return state


def _wrappers(frame: Frame, decorator: Expr) -> list[FunctionId]:
    """The nested functions that a decorator of the program puts in place of what it is given."""
    types = frame.engine.types
    found: list[FunctionId] = []
    for option in options(types.evaluate(decorator, _outside(frame))):
        if isinstance(option, FunctionValue):
            for expr in types.scope(option.id).returns:
                made = options(types.evaluate(expr, option.id))
                found += [v.id for v in made if isinstance(v, FunctionValue) and types.enclosing(v.id) == option.id]
    return found


def _arguments(frame: Frame, wrapper: FunctionId, state: State) -> Arguments:
    """The wrapper's first parameter is the method's own object."""
    owner = frame.engine.types.owner(frame.function)
    own = frame.engine.types.scope(wrapper).first
    first = frame.scope.first
    receiver = Path(ParameterRoot(first)) if first is not None and own is not None and owner is not None else None
    arguments = Arguments(frame, Target(wrapper, Instance(owner) if owner is not None else None), None, state, receiver)
    arguments.rename(own)
    return arguments


def _given(frame: Frame, decorator: Expr, wrapper: FunctionId) -> dict[FreeRoot, tuple[Expr, FunctionId]]:
    """`@synchronized(LOCK)`: what the function that makes the decorator was given for its parameters."""
    types = frame.engine.types
    decorate = types.enclosing(wrapper)
    factory = types.enclosing(decorate) if decorate is not None else None
    if not isinstance(decorator, Call) or factory is None:
        return {}
    names = [p.name for p in frame.engine.program.functions[factory].parameters if p.kind in "pa"]
    found = dict(zip(names, decorator.args, strict=False))
    found |= {k.name: k.value for k in decorator.keywords if k.name is not None}
    outside = _outside(frame)
    return {FreeRoot(factory, name): (expr, outside) for name, expr in found.items()}


def _outside(frame: Frame) -> FunctionId:
    """Where a decorator is read: the body of the class, the function around, or the module."""
    types = frame.engine.types
    owner = types.owner(frame.function)
    body = FunctionId(owner.module, f"{owner.qualname}.<body>") if owner is not None else None
    if body is not None and body in frame.engine.program.functions:
        return body
    return types.enclosing(frame.function) or FunctionId(frame.function.module, MODULE)


def _held(frame: Frame, arguments: Arguments, step: Step) -> list[Held]:
    wrapper = arguments.target.function
    outer = frame.engine.types.enclosing(wrapper)
    found: list[Held] = []
    for pair in frame.engine.summary(wrapper).pairs:
        match pair.event:
            case Callback(path=Path(root=FreeRoot(function=function))) if function == outer:
                found += moved(arguments, pair.held, step)
            case _:
                pass
    return found
