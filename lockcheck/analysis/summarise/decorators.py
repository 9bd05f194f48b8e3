"""Decorators of the program that hold locks around the function they wrap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import FunctionValue, Instance, Value, options
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.compose import happen, moved
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State, same
from lockcheck.model.events import Callback, Held, Step
from lockcheck.model.expression import Call, Expr, Name, Star
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import FreeRoot, ParameterRoot, Path

_Given: TypeAlias = "dict[FreeRoot, tuple[Expr, FunctionId]]"
"""What functions were given for their parameters, each with where that is to be read."""


class _Made(msgspec.Struct, frozen=True):
    """A nested function that is put in the place of another, what the functions around it were given for it to see.

    `subject` is the parameter by which it knows the other, where that came through a further function.
    """

    function: FunctionId
    given: _Given
    subject: str | None = None


def wrapped(frame: Frame, state: State) -> State:
    """The state at the first statement of a decorated function: what its wrappers hold while they call it.

    What the wrappers do besides is what calling the function does.
    """
    for decorator in reversed(frame.facts.decorators):
        calling: list[list[Held]] = []
        for wrapper in _fitting(frame, _wrappers(frame, decorator)):
            arguments = _arguments(frame, wrapper.function, state)
            arguments.made_by(wrapper.given)
            step = frame.step(frame.facts.span, "call", wrapper.function.qualname.rpartition(".")[2])
            happen(frame, arguments, state, step)
            held = _held(frame, arguments, wrapper.subject, step)
            if held is not None:
                calling.append(held)
        for one in _of_one(calling):
            state = state.holding(one)
            frame.entry.append(one)
            frame.flow_matters = True  # as in a function that takes its locks itself
    return state


def _fitting(frame: Frame, made: list[_Made]) -> list[_Made]:
    """A decorator that has a wrapper for coroutines and another for the rest takes the one that is like the function."""
    functions = frame.engine.program.functions
    own = (frame.facts.is_async, frame.facts.is_generator)
    alike = [m for m in made if (functions[m.function].is_async, functions[m.function].is_generator) == own]
    return alike or made


def _of_one(calling: list[list[Held]]) -> Iterator[Held]:
    """What is held around the function by one of several wrappers, of which a decorator chooses: not by one after another."""
    seen: list[Held] = []
    for held in (held for each in calling for held in each):
        if not any(same(held.lock, other.lock) for other in seen):
            seen.append(held)
            everywhere = all(any(same(held.lock, other.lock) for other in each) for each in calling)
            yield held if everywhere else msgspec.structs.replace(held, must=False)


def _wrappers(frame: Frame, decorator: Expr) -> list[_Made]:
    """The nested functions that a decorator of the program puts in place of what it is given."""
    types = frame.engine.types
    outside = _outside(frame)
    given: dict[FunctionId, _Given] = {}
    if isinstance(decorator, Call):  # `@synchronized(LOCK)`: what is called makes the decorator
        for factory in _functions(types.evaluate(decorator.func, outside)):
            bound = {name: (expr, outside) for name, expr in _spelled(types, decorator, factory).items()}
            around = {FreeRoot(factory.id, name): what for name, what in bound.items()}
            given |= {made.function: made.given for made in _made(types, factory.id, around, None)}
    return [
        made
        for option in _functions(types.evaluate(decorator, outside))
        for made in _made(types, option.id, given.get(option.id, {}), _subject(types, option))
    ]


def _made(types: Types, function: FunctionId, given: _Given, subject: str | None) -> Iterator[_Made]:
    """What a function makes and returns: by itself, or by others; a decorator's must be handed its subject."""
    waiting, seen = [(function, given, subject)], {function}
    while waiting:
        current, given, subject = waiting.pop()
        for expr in types.scope(current).returns:
            for value in _functions(types.evaluate(expr, current)):
                if types.enclosing(value.id) == current:
                    yield _Made(value.id, given, subject if current != function else None)
            if not isinstance(expr, Call):
                continue
            for maker in _functions(types.evaluate(expr.func, current)):
                spelled = _spelled(types, expr, maker)
                names = (
                    [name for name, arg in spelled.items() if arg == Name(subject)] if subject is not None else [None]
                )
                if names and maker.id not in seen:
                    seen.add(maker.id)
                    around = {FreeRoot(maker.id, n): _read(types, arg, current, given) for n, arg in spelled.items()}
                    waiting.append((maker.id, given | around, names[0]))


def _spelled(types: Types, call: Call, callee: FunctionValue) -> dict[str, Expr]:
    """The arguments of a call by the names of the parameters."""
    names = _names(types, callee)
    stars = [at for at, arg in enumerate(call.args) if isinstance(arg, Star)]
    found = dict(zip(names, call.args[: stars[0] if stars else None], strict=False))
    return found | {k.name: k.value for k in call.keywords if k.name is not None}


def _names(types: Types, function: FunctionValue) -> list[str]:
    names = [p.name for p in types.program.functions[function.id].parameters if p.kind in "pa"]
    return names[1:] if function.receiver is not None else names


def _subject(types: Types, decorator: FunctionValue) -> str:
    """The parameter by which a decorator knows what it decorates."""
    return next(iter(_names(types, decorator)), "")


def _read(types: Types, expr: Expr, where: FunctionId, given: _Given) -> tuple[Expr, FunctionId]:
    """An argument where it can be read: what a function around it was given is read where that was called."""
    around: FunctionId | None = where
    while isinstance(expr, Name) and around is not None:
        if FreeRoot(around, expr.id) in given:
            return given[FreeRoot(around, expr.id)]
        around = types.enclosing(around)
    return expr, where


def _arguments(frame: Frame, wrapper: FunctionId, state: State) -> Arguments:
    """The wrapper's first parameter is the method's own object."""
    owner = frame.engine.types.owner(frame.function)
    own = frame.engine.types.scope(wrapper).first
    first = frame.scope.first
    receiver = Path(ParameterRoot(first)) if first is not None and own is not None and owner is not None else None
    arguments = Arguments(frame, Target(wrapper, Instance(owner) if owner is not None else None), None, state, receiver)
    arguments.rename(own)
    return arguments


def _functions(value: Value) -> list[FunctionValue]:
    return [option for option in options(value) if isinstance(option, FunctionValue)]


def _outside(frame: Frame) -> FunctionId:
    """Where a decorator is read: the body of the class, the function around, or the module."""
    types = frame.engine.types
    owner = types.owner(frame.function)
    body = FunctionId(owner.module, f"{owner.qualname}.<body>") if owner is not None else None
    if body is not None and body in frame.engine.program.functions:
        return body
    return types.enclosing(frame.function) or FunctionId(frame.function.module, MODULE)


def _held(frame: Frame, arguments: Arguments, subject: str | None, step: Step) -> list[Held] | None:
    """What a wrapper holds where it calls the function; None if it does not."""
    wrapper = arguments.target.function
    outer = frame.engine.types.enclosing(wrapper)
    found: list[Held] | None = None
    for pair in frame.engine.summary(wrapper).pairs:
        match pair.event:
            case Callback(path=Path(root=FreeRoot(function=function, name=name))) if function == outer:
                if subject is None or name == subject:
                    found = [*(found or ()), *moved(arguments, pair.held, step)]
            case _:
                pass
    return found
