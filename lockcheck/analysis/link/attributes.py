"""Attributes: of instances, classes, modules and library objects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.link import annotated, results
from lockcheck.analysis.link.locks import hold
from lockcheck.analysis.link.values import (
    NOTHING,
    UNKNOWN,
    Choice,
    ClassValue,
    Container,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    LibraryMethod,
    LockValue,
    ModuleValue,
    PartialValue,
    QueueValue,
    SuperValue,
    Value,
    join,
)
from lockcheck.model.expression import Attr, Call, Expr, Name
from lockcheck.model.facts import AttributeFact
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, LocalLock, LockId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_FIELDS = {"field", "ib", "attrib", "Factory"}


def attribute(types: Types, value: Value, name: str) -> Value:
    """What `value.name` denotes."""
    match value:
        case Choice(values=values):
            return join(attribute(types, v, name) for v in values)
        case ModuleValue(name=module):
            return types.global_name(module, name) if _in_module(types, module, name) else UNKNOWN
        case External(name=outer):
            declared = types.library.attribute(outer, name)
            return LibraryInstance(declared) if declared is not None else External(f"{outer}.{name}")
        case Instance(id=id):
            return of_class(types, id, name, value)
        case ClassValue(id=id):
            return _of_class_object(types, id, name)
        case SuperValue(id=id, receiver=receiver):
            method = types.hierarchy.method(_start(receiver, id), name, after=id)
            if method is not None:
                return FunctionValue(method.function, receiver)
            return LibraryMethod(receiver, name)
        case LibraryInstance(type=type_name):
            declared = types.library.attribute(type_name, name)
            return LibraryInstance(declared) if declared is not None else LibraryMethod(value, name)
        case QueueValue():
            return _of_queue(types, value, name)
        case LockValue() | Container() | FunctionValue() | PartialValue():
            return LibraryMethod(value, name)
        case _:
            return UNKNOWN


def _of_queue(types: Types, value: QueueValue, name: str) -> Value:
    """A side of a queue (`q.sync_q`, `q.async_q`) is that queue, with methods of its own; else a method."""
    declared = types.library.attribute(value.type, name)
    described = types.library.type(declared) if declared is not None else None
    if described is None or described.queue is None:
        return LibraryInstance(described.name) if described is not None else LibraryMethod(value, name)
    return msgspec.structs.replace(value, kind=described.queue, type=described.name)


def _in_module(types: Types, module: str, name: str) -> bool:
    return types.program.attribute(module, name) != UNKNOWN or types.program.home(module, name) is not None


def _start(receiver: Value, after: ClassId) -> ClassId:
    return receiver.id if isinstance(receiver, Instance | ClassValue) else after


def of_class(types: Types, cls: ClassId, name: str, receiver: Value) -> Value:
    """An attribute of an instance: a method, a property's value, or what the class assigns to it."""
    hierarchy = types.hierarchy
    method = hierarchy.method(cls, name)
    if method is not None:
        if is_property(types, method.function):
            value = results.returned(types, method.function, receiver)
            return hold(types, value, AttributeLock(method.owner, name)) if is_kept(types, method.function) else value
        return FunctionValue(method.function, None if _is_static(types, method.function) else receiver)
    stored = types.solve(("attribute", cls, name), lambda: _stored(types, cls, name))
    if stored not in (UNKNOWN, NOTHING):
        return stored
    for base in hierarchy.library_bases(cls):
        declared = types.library.attribute(base, name)
        if declared is not None:
            return LibraryInstance(declared)
        if types.library.method(base, name) is not None:
            return LibraryMethod(receiver, name)
    if not hierarchy.below(cls, name):
        return stored
    below = types.solve(("below", cls, name), lambda: _from_subclasses(types, cls, name))
    return below if below != UNKNOWN else stored


def _from_subclasses(types: Types, cls: ClassId, name: str) -> Value:
    """An attribute that only subclasses give: a mixin's, or an abstract class's."""
    found: list[Value] = []
    for sub in types.hierarchy.below(cls, name):
        own = types.hierarchy.own_methods(sub).get(name)
        if own is not None:
            found.append(FunctionValue(own, Instance(sub)))
        else:
            value = types.solve(("attribute", sub, name), partial(_stored, types, sub, name))
            if isinstance(value, LockValue) and value.id == AttributeLock(sub, name):
                value = LockValue(AttributeLock(cls, name), value.kind, value.permits, value.guessed, value.condition)
            found.append(value)
    return join(found)


def _stored(types: Types, cls: ClassId, name: str) -> Value:
    found = types.hierarchy.attribute(cls, name)
    if found is None:
        return UNKNOWN
    owner, facts = found
    holder = AttributeLock(owner, primary(types, owner, facts))
    values = [hold(types, _fact(types, owner, f), holder) for f in facts if f.value is not None]
    value = join(values)
    if value in (UNKNOWN, NOTHING, Container(UNKNOWN)):
        declared = [
            annotated.instance(types, f.annotation, types.hierarchy.scope_of(owner, f))
            for f in facts
            if f.annotation is not None
        ]
        if declared:
            value = join((value, hold(types, join(declared), holder)))
    for fact in facts:
        value = rehold(value, types.hierarchy.scope_of(owner, fact), holder)
    return results.fill(types, value, holder)


def primary(types: Types, owner: ClassId, facts: list[AttributeFact]) -> str:
    """The name under which an attribute's lock goes: the first in the alphabet of those that hold the same lock.

    They do in `self.a = self.b = Lock()`, and where several keep (a condition on) one local lock.
    """
    nothing: dict[object, str] = {}
    first = types.memo.solve(("primary", owner), lambda: _first_names(types, owner), nothing)
    return min(first.get(key, facts[0].name) for fact in facts for key in (*_holds(fact), None))


def _first_names(types: Types, owner: ClassId) -> dict[object, str]:
    """The first name for each thing that several attributes of a class hold together."""
    found: dict[object, str] = {}
    for name, facts in types.hierarchy.own_attributes(owner).items():
        for fact in facts:
            for key in _holds(fact):
                found[key] = min(name, found.get(key, name))
    return found


def _holds(fact: AttributeFact) -> tuple[object, ...]:
    """What an attribute shares with others: the assignment that sets them all, or a local name whose lock they keep."""
    if fact.value is None:
        return ()
    shared = _shared(fact)
    together = (fact.function, fact.span)
    return (together,) if shared is None else (together, (fact.function, shared))


def _shared(fact: AttributeFact) -> str | None:
    """The local name whose lock an attribute holds: `self.a = lock`, `self.b = Condition(lock)`."""
    value = fact.value
    if isinstance(value, Call) and len(value.args) == 1 and isinstance(value.func, Name | Attr):
        word = value.func.id if isinstance(value.func, Name) else value.func.name
        value = value.args[0] if word == "Condition" else None
    return value.id if isinstance(value, Name) and fact.function is not None else None


def rehold(value: Value, function: FunctionId, holder: LockId) -> Value:
    """A lock that a method makes under a local name belongs to the attribute that keeps it."""
    if isinstance(value, LockValue) and isinstance(value.id, LocalLock) and value.id.function == function:
        return msgspec.structs.replace(value, id=holder)
    return value


def _fact(types: Types, owner: ClassId, fact: AttributeFact) -> Value:
    assert fact.value is not None
    scope = types.hierarchy.scope_of(owner, fact)
    made = field_factory(fact)
    if made is not None:
        return results.result(types, types.evaluate(made, scope), None)
    return types.evaluate(fact.value, scope)


def field_factory(fact: AttributeFact) -> Expr | None:
    """The factory of a dataclass or attrs field."""
    value = fact.value
    if fact.function is not None or not isinstance(value, Call) or not isinstance(value.func, Name | Attr):
        return None
    word = value.func.id if isinstance(value.func, Name) else value.func.name
    if word not in _FIELDS:
        return None
    for keyword in value.keywords:
        if keyword.name in ("default_factory", "factory"):
            return keyword.value
        if keyword.name == "default" and isinstance(keyword.value, Call) and keyword.value.args:
            return keyword.value.args[0]
    return None


def class_level(types: Types, cls: ClassId, name: str) -> ClassId | None:
    """The class whose body holds an attribute that no instance has of its own; None where instances do."""
    found = types.hierarchy.attribute(cls, name)
    if found is None:
        return None
    owner, facts = found
    if any(f.function is not None for f in facts) or any(field_factory(f) is not None for f in facts):
        return None
    return owner if any(f.value is not None for f in facts) else None


def overriding(types: Types, lock: LockId | None, cls: ClassId) -> LockValue | None:
    """The lock that a more derived class puts in the place of an inherited one; None where it keeps that."""
    if not isinstance(lock, AttributeLock):
        return None
    found = types.hierarchy.attribute(cls, lock.name)
    if found is None or found[0] == lock.owner or not types.hierarchy.derives(found[0], lock.owner):
        return None
    own = attribute(types, Instance(cls), lock.name)
    return own if isinstance(own, LockValue) else None


def is_property(types: Types, function: FunctionId) -> bool:
    """Whether reading the attribute calls the function."""
    for decorator in types.program.functions[function].decorators:
        word = decorator.name if isinstance(decorator, Attr) else decorator.id if isinstance(decorator, Name) else ""
        if word == "getter" or word.endswith("property"):
            return True
    return False


def is_kept(types: Types, function: FunctionId) -> bool:
    """Whether a property is computed once and kept (`cached_property`)."""
    return any(
        "cached" in (d.name if isinstance(d, Attr) else d.id if isinstance(d, Name) else "")
        for d in types.program.functions[function].decorators
    )


def _is_static(types: Types, function: FunctionId) -> bool:
    return any(isinstance(d, Name) and d.id == "staticmethod" for d in types.program.functions[function].decorators)


def _of_class_object(types: Types, cls: ClassId, name: str) -> Value:
    method = types.hierarchy.method(cls, name)
    if method is not None:
        decorators = types.program.functions[method.function].decorators
        bound = any(isinstance(d, Name) and d.id == "classmethod" for d in decorators)
        return FunctionValue(method.function, ClassValue(cls) if bound else None)
    nested = ClassId(cls.module, f"{cls.qualname}.{name}")
    if nested in types.program.classes:
        return ClassValue(nested)
    stored = types.solve(("attribute", cls, name), lambda: _stored(types, cls, name))
    if stored not in (UNKNOWN, NOTHING):
        return stored
    for base in types.hierarchy.library_bases(cls):
        if types.library.method(base, name) is not None:
            return LibraryMethod(ClassValue(cls), name)
    return stored
