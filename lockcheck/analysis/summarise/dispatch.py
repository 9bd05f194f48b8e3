"""Overrides that ask for arguments of a class of their own: which of them runs, the argument decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lockcheck.analysis.link import annotated
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import Instance, options
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Condition
from lockcheck.model.expression import Expr
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.paths import ParameterRoot


def demands(
    frame: Frame, target: Target, argument: Callable[[str], Expr | None], state: State
) -> tuple[Condition, ...] | None:
    """What an override's annotations demand of this call's arguments; None where an argument is of another class.

    `listener.listen(event)` runs `Closer.listen(self, event: Closed)` for events of that class only.
    """
    if target.only is None and not target.chosen:
        return ()
    found: list[Condition] = []
    for name, cls in _classes(frame.engine.types, target.function):
        given = argument(name)
        if given is None:
            continue
        known = options(frame.engine.types.evaluate(given, frame.function))
        verdicts = [_fits(frame, option, cls) if isinstance(option, Instance) else None for option in known]
        if all(verdict is False for verdict in verdicts):
            return None
        path = frame.engine.paths.of(given, frame.function, state.env)
        if not all(verdicts) and path is not None and isinstance(path.root, ParameterRoot):
            found.append(Condition(path, cls))
    return tuple(found)


def _fits(frame: Frame, given: Instance, cls: ClassId) -> bool | None:
    """Whether an object is of a class; None where it may be of a subclass that is."""
    hierarchy = frame.engine.hierarchy
    if hierarchy.derives(given.id, cls):
        return True
    return None if not given.exact and hierarchy.derives(cls, given.id) else False


def _classes(types: Types, function: FunctionId) -> tuple[tuple[str, ClassId], ...]:
    """The parameters of a function that are annotated with a class of the program."""
    return types.memo.solve(("demands", function), lambda: tuple(_annotated(types, function)), ())


def _annotated(types: Types, function: FunctionId) -> Iterator[tuple[str, ClassId]]:
    outer = types.enclosing(function) or FunctionId(function.module, MODULE)
    for parameter in types.program.functions[function].parameters:
        if parameter.annotation is not None and parameter.kind not in ("*", "**"):
            value = annotated.instance(types, parameter.annotation, outer)
            if isinstance(value, Instance) and "typing.Protocol" not in types.hierarchy.library_bases(value.id):
                yield parameter.name, value.id
