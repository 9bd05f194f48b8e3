"""Locks that a program makes itself: classes whose only business is to be taken and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.link.readwrite import effect, read_write_kind
from lockcheck.analysis.link.values import LibraryInstance, LockValue, options
from lockcheck.model.flow import Enter
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.library import Domain, LockKind, Shape

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_TAKING = {"acquire", "__enter__", "__aenter__"}
_GIVING = {"release", "__exit__", "__aexit__"}
_BESIDES = {"locked", "is_locked", "wait", "wait_for", "notify", "notify_all", "setup", "close", "reset"}


def lock_kind(types: Types, cls: ClassId) -> LockKind | None:
    """What kind of lock the instances of a class are; None where the class is no lock.

    A class is a lock if its public methods take it and give it back, little else, and it keeps a lock of a library
    to do so. Its kind is that lock's: of several (one for each back end) the first by name. It counts as re-entrant
    if any of them is.
    """
    return types.memo.solve(("lock class", cls), lambda: _lock_kind(types, cls), None)


def _lock_kind(types: Types, cls: ClassId) -> LockKind | None:
    methods = {name for owner in types.hierarchy.mro(cls) for name in types.hierarchy.own_methods(owner)}
    public = {m for m in methods if not m.startswith("_")} | (methods & (_TAKING | _GIVING))
    if not public & (_TAKING | _GIVING):
        if not public or any(effect(name) is None for name in public):
            return None  # names are cheaper than what attributes hold, and most classes are no locks
        keeps = _inner(types, cls)
        return read_write_kind(types, cls, keeps[0]) if keeps else None
    if not (public & _TAKING and public & _GIVING) or public - _TAKING - _GIVING - _BESIDES:
        return None
    kinds = _inner(types, cls)
    if not kinds or not all(_keeps(types, cls, m) for m in sorted(public & _TAKING)):
        return None
    waits = any(_is_async(types, cls, m) for m in ("acquire", "__aenter__") if m in methods)
    domain: Domain = "async" if waits else kinds[0].domain
    shape: Shape = "permits" if any(k.shape == "permits" for k in kinds) else "mutex"
    reentrant = any(k.reentrant for k in kinds)
    return LockKind(str(cls), domain, shape, reentrant, methods=frozenset(public & (_TAKING | _GIVING)))


def _keeps(types: Types, cls: ClassId, name: str) -> bool:
    """Whether a method takes something and does not give it back itself."""
    method = types.hierarchy.method(cls, name)
    if method is None:
        return False
    called = types.program.functions[method.function].called
    takes = any(word in _TAKING or word.startswith("acquire") for word in called)
    entered = any(isinstance(step, Enter) for step in steps(types.program.body(method.function)))
    return takes and not entered and not any(word in _GIVING for word in called)


def _inner(types: Types, cls: ClassId) -> list[LockKind]:
    """The kinds of the locks that instances of a class keep in attributes."""
    found: dict[str, LockKind] = {}
    for owner in types.hierarchy.mro(cls):
        for name, facts in types.hierarchy.own_attributes(owner).items():
            for fact in facts:
                if fact.value is None or fact.function is None:
                    continue
                for option in options(types.evaluate(fact.value, FunctionId(owner.module, fact.function))):
                    if isinstance(option, LockValue):
                        found[f"{name} {option.kind.name}"] = option.kind
                    elif isinstance(option, LibraryInstance):
                        described = types.library.type(option.type)
                        if described is not None and described.lock is not None:
                            found[f"{name} {described.name}"] = described.lock
    return [found[key] for key in sorted(found)]


def _is_async(types: Types, cls: ClassId, name: str) -> bool:
    method = types.hierarchy.method(cls, name)
    return method is not None and types.program.functions[method.function].is_async
