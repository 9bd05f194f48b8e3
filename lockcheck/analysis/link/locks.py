"""Where a lock or queue gets its identity: at the first attribute, global or local that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.link import sizes
from lockcheck.analysis.link.values import (
    Choice,
    Container,
    Instance,
    LibraryInstance,
    LockValue,
    QueueValue,
    Value,
    join,
    options,
)
from lockcheck.analysis.link.wrappers import lock_kind
from lockcheck.model.expression import Attr, Call, Const, Expr, Name, Star
from lockcheck.model.identity import ElementLock, FunctionId, LocalLock, LockId
from lockcheck.model.library import LockKind, QueueKind

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types


def hold(types: Types, value: Value, holder: LockId) -> Value:
    """The value as its holder sees it: a lock or queue made right here takes the holder's identity."""
    match value:
        case LibraryInstance():
            return _hold_instance(types, value, holder)
        case Instance(id=cls, exact=True):
            kind = lock_kind(types, cls)
            return LockValue(holder, kind) if kind is not None else value
        case Container(element=element) if not isinstance(holder, ElementLock):
            return Container(hold(types, element, ElementLock(holder)))
        case LockValue(id=LocalLock(function=function, name=name)) if holder != value.id and is_parameter(
            types, function, name
        ):
            return msgspec.structs.replace(value, id=holder)
        case Choice(values=values):
            return one_of(join(hold(types, v, holder) for v in values), holder)
        case _:
            return value


def is_parameter(types: Types, function: FunctionId, name: str) -> bool:
    """Whether a local lock is what a caller passes: which lock that is, only the caller knows."""
    scope = types.scope(function)
    return name in scope.parameters and name not in scope.bindings


def one_of(value: Value, holder: LockId) -> Value:
    """Several locks, one of which a name holds, are one lock of their holder.

    An element of a container beside one that is made here is the element: what is made is put there.
    """
    found = [o for o in options(value) if isinstance(o, LockValue)]
    ids = {o.id for o in found}
    if len(ids) < 2:
        return value
    others = ids - {holder}
    if isinstance(holder, LocalLock) and len(ids) == 2 and len(others) == 1:
        kept = next(o for o in found if o.id != holder)
        if isinstance(kept.id, ElementLock):
            return kept
    first = next((o for o in found if o.kind.reentrant), found[0])
    if len(others) == 1 and all(o.condition for o in found if o.id != holder):
        return next(o for o in found if o.id != holder)  # some of them are conditions on a lock: so are all
    return msgspec.structs.replace(first, id=holder)


def _hold_instance(types: Types, value: LibraryInstance, holder: LockId) -> Value:
    described = types.library.type(value.type)
    if described is None:
        return value
    if described.lock is not None:
        return _lock(types, value, described.lock, holder)
    if described.queue is not None:
        return queue(types, value, described.queue, described.name, holder)
    return value


def queue(types: Types, value: LibraryInstance, kind: QueueKind, name: str, holder: LockId | None) -> QueueValue:
    """A queue with its bound, as far as its constructor tells; that what it is given comes to none is a guess too."""
    bound = bounded(types, value, kind)
    made = value.origin
    size = argument(made.call, kind.bound, 0) if made is not None and kind.bound is not None else None
    unknown = kind.bound is not None and made is not None and bound is None
    open_ended = bound is False and made is not None and size is not None and not _literal(types, size, made.function)
    pair = (made.function, made.call.span) if made is not None and kind.name != name else None
    return QueueValue(kind, name, True if unknown else bound, holder, guessed=unknown or open_ended, pair=pair)


def _literal(types: Types, size: Expr, function: FunctionId) -> bool:
    return size == Const(None) or _infinite(size) or sizes.constant(types, size, function) is not None


def _lock(types: Types, value: LibraryInstance, kind: LockKind, holder: LockId) -> Value:
    if kind.shape == "condition":
        inner = _wrapped(types, value, kind, holder)
        if inner is not None:
            return inner
    return LockValue(holder, kind, _permits(types, value, kind), condition=kind.shape == "condition")


def _wrapped(types: Types, value: LibraryInstance, kind: LockKind, holder: LockId) -> LockValue | None:
    """A condition that is given a lock is that lock."""
    if value.origin is None or kind.wraps is None:
        return None
    given = argument(value.origin.call, kind.wraps, 0)
    if given is None:
        return None
    found = hold(types, types.evaluate(given, value.origin.function), holder)
    for option in options(found):
        if isinstance(option, LockValue):
            return LockValue(option.id, option.kind, option.permits, option.guessed, condition=True)
    # A condition on a lock of unknown kind: never called a re-entry (an unknown lock counts as re-entrant).
    return LockValue(holder, LockKind(kind.name, kind.domain, kind.shape, reentrant=True), condition=True)


def _permits(types: Types, value: LibraryInstance, kind: LockKind) -> int | None:
    """The number of permits of a semaphore; 1 where the constructor is given none; None where it can't be read."""
    if kind.shape != "permits":
        return 1
    if value.origin is None:
        return None
    given = argument(value.origin.call, kind.permits or "value", 0)
    if given is None:
        return 1
    return sizes.constant(types, given, value.origin.function)


def bounded(types: Types, value: LibraryInstance, kind: QueueKind) -> bool | None:
    """Whether a queue has a bound: True, False, or None where its bound is not a literal."""
    if kind.bound is None:
        return kind.default_bound is not None and kind.default_bound > 0
    if value.origin is None:
        return None
    given = argument(value.origin.call, kind.bound, 0)
    if given is None:
        size = kind.default_bound
    elif _infinite(given):
        return False
    else:
        found = sizes.sizes(types, given, value.origin.function)
        if found is None or not kind.unbounded_at_zero:
            return None if found is None else True
        limits = {size > 0 for size in found}
        return None if len(limits) > 1 else True in limits
    if size is None:
        return False
    return size > 0 if kind.unbounded_at_zero else True


def _infinite(expr: Expr) -> bool:
    """`math.inf` or `float("inf")`."""
    return (isinstance(expr, Attr) and expr.name == "inf") or (isinstance(expr, Call) and expr.func == Name("float"))


def argument(call: Call, name: str, position: int | None) -> Expr | None:
    """The argument of a call by keyword or position; None where it is not given or hides behind a star."""
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    if position is not None and position < len(call.args):
        before = call.args[: position + 1]
        if not any(isinstance(a, Star) for a in before):
            return before[-1]
    return None


def known(value: Value) -> LockValue | None:
    """The lock that a value is, if it is one; several alternatives of one identity count as re-entrant."""
    found: LockValue | None = None
    for option in options(value):
        if isinstance(option, LockValue):
            if found is None:
                found = option
            elif found.id != option.id:
                return None
            elif option.kind.reentrant and not found.kind.reentrant:
                found = option
    return found
