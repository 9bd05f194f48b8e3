"""Functions that make a condition on a lock that they are given: each call makes one on what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.link import arguments, locks
from lockcheck.analysis.link.values import Choice, LibraryInstance, Origin, Value, join
from lockcheck.model.expression import Call, Name
from lockcheck.model.identity import FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types


def made(types: Types, value: Value, function: FunctionId, bound: bool, origin: Origin) -> Value:
    """What a call of a factory gives: a condition on a parameter becomes one on the argument of this call."""
    match value:
        case LibraryInstance(type=name, origin=Origin(function=inside, call=call)) if inside == function:
            described = types.library.type(name)
            wraps = described.lock.wraps if described is not None and described.lock is not None else None
            given = locks.argument(call, wraps, 0) if wraps is not None else None
            if not isinstance(given, Name) or not locks.is_parameter(types, function, given.id):
                return value
            mine = arguments.at(types, function, given.id, arguments.Site(origin.function, origin.call, int(bound)))
            wrapped = Call(call.func, (mine,) if mine is not None else (), (), call.span)
            return msgspec.structs.replace(value, origin=Origin(origin.function, wrapped))
        case Choice(values=values):
            return join(made(types, v, function, bound, origin) for v in values)
        case _:
            return value
