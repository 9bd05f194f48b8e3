"""Which functions of the program a call may run."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import attributes
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import (
    Choice,
    ClassValue,
    FunctionValue,
    Instance,
    PartialValue,
    SuperValue,
    Value,
    options,
)
from lockcheck.model.expression import Attr, Expr, Name
from lockcheck.model.findings import Confidence
from lockcheck.model.flow import Raise
from lockcheck.model.identity import ClassId, FunctionId

MAX_OVERRIDES = 12
"""A method that is overridden more often than this is not followed into subclasses: any could be meant."""
_RUNS = (FunctionValue, ClassValue, Instance, PartialValue, Choice)
"""What may run a function of the program when it is called."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """A function that a call may run.

    `receiver` is the value of the object that it is bound to. `only` limits the target to receivers of that
    class. `made` tells that the call makes the receiver; `partial` that earlier arguments come first; `chosen` that it
    is one of several.
    """

    function: FunctionId
    receiver: Value | None = None
    only: ClassId | None = None
    made: bool = False
    confidence: Confidence = Confidence.HIGH
    partial: PartialValue | None = None
    chosen: bool = False


class Targets:
    """Resolves callees to functions."""

    def __init__(self, types: Types) -> None:
        """Answers are remembered for each method."""
        self.types = types
        self._stubs: dict[FunctionId, bool] = {}

    def of(self, func: Expr, function: FunctionId) -> tuple[Target, ...]:
        """The targets of calling `func` in the body of `function`; none where they are not known."""
        value = self.types.evaluate(func, function)
        if not isinstance(value, _RUNS):
            return ()
        direct = self._is_super(func, function)
        owner = self.types.owner(function)
        found: dict[Target, None] = {}
        for option in options(value):
            for target in self.callee(option, direct):
                if owner is None or target.only != owner or not self._wraps(owner, target):
                    found[target] = None
        if len(found) > MAX_OVERRIDES + 1:
            return ()
        return tuple(found) if len(found) == 1 else tuple(msgspec.structs.replace(t, chosen=True) for t in found)

    def _wraps(self, owner: ClassId, target: Target) -> bool:
        """Whether a method of a proxy would run its own class's: what a proxy keeps is not another proxy of its kind."""
        receiver = target.receiver
        if target.only != owner or not isinstance(receiver, Instance) or receiver.id == owner:
            return False
        return self.types.memo.solve(("proxy", owner, receiver.id), lambda: self._keeps(owner, receiver.id), False)

    def _keeps(self, owner: ClassId, interface: ClassId) -> bool:
        """Whether objects of a class keep one that their constructor is given, of an interface that they have too."""
        hierarchy = self.types.hierarchy
        for name, facts in hierarchy.own_attributes(owner).items():
            if any(isinstance(fact.value, Name) and fact.function is not None for fact in facts):
                for option in options(attributes.attribute(self.types, Instance(owner), name)):
                    if isinstance(option, Instance) and option.id != owner and hierarchy.derives(option.id, interface):
                        if hierarchy.derives(owner, option.id):
                            return True
        return False

    def _is_super(self, func: Expr, function: FunctionId) -> bool:
        return isinstance(func, Attr) and isinstance(self.types.evaluate(func.value, function), SuperValue)

    def callee(self, value: Value, direct: bool = False) -> Iterator[Target]:
        """The targets of calling a value; `direct` calls are not overridden (`super()`)."""
        match value:
            case FunctionValue(id=id) if id in self.types.program.described:
                return
            case FunctionValue(id=id, receiver=receiver):
                yield from self._function(id, receiver, direct)
            case ClassValue(id=id):
                method = self.types.hierarchy.method(id, "__init__")
                if method is not None:
                    yield Target(method.function, Instance(id, exact=True), made=True)
            case Instance(id=id):
                method = self.types.hierarchy.method(id, "__call__")
                if method is not None:
                    yield from self._function(method.function, value, direct)
            case PartialValue(target=inner):
                for option in options(inner):
                    for target in self.callee(option, direct):
                        yield msgspec.structs.replace(target, partial=value)
            case _:
                return

    def _function(self, function: FunctionId, receiver: Value | None, direct: bool) -> Iterator[Target]:
        hierarchy = self.types.hierarchy
        if not isinstance(receiver, Instance | ClassValue) or direct:
            yield Target(function, receiver)
            return
        name = self.types.program.functions[function].name
        exact = isinstance(receiver, Instance) and receiver.exact
        below = () if exact or name.startswith("__") else hierarchy.overrides(receiver.id, name)
        if len(below) > MAX_OVERRIDES:
            below = ()
        owner = self.types.owner(function)
        if not (below and self.is_stub(function)):
            only = owner if owner is not None and not hierarchy.derives(receiver.id, owner) else None
            yield Target(function, receiver, only)
        for method in below:
            if not self.is_stub(method.function):
                yield Target(method.function, receiver, method.owner)

    def is_stub(self, function: FunctionId) -> bool:
        """Whether a function has no body of its own: abstract, or nothing but `raise NotImplementedError`."""
        self.types.program.reads.note_code(function)
        found = self._stubs.get(function)
        if found is None:
            facts = self.types.program.functions[function]
            abstract = any(
                (d.name if isinstance(d, Attr) else d.id if isinstance(d, Name) else "").startswith("abstract")
                for d in facts.decorators
            )
            body = self.types.program.body(function)
            found = self._stubs[function] = abstract or all(isinstance(n, Raise) for n in body)
        return found
