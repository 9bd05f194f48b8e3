"""What an expression may denote, seen across the whole program and without regard to the order of statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from lockcheck.model.expression import Call
from lockcheck.model.identity import ClassId, FunctionId, LockId
from lockcheck.model.library import LockKind, QueueKind
from lockcheck.model.source import Span


class Origin(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """The call that made an object, and the function whose names its arguments are to be read in."""

    function: FunctionId
    call: Call


class UnknownValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """Nothing is known; nothing is guessed."""


class NoneValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """`None`, or any literal that is no primitive."""


class ModuleValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A module of the program."""

    name: str


class ClassValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A class of the program itself (not an instance)."""

    id: ClassId


class FunctionValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A function of the program; `receiver` is the object it is bound to, if it is a bound method."""

    id: FunctionId
    receiver: Value | None = None


class Instance(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """An instance of a class of the program; `exact` where no subclass can stand in its place."""

    id: ClassId
    exact: bool = False


class SuperValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """`super()` inside a method of `id`."""

    id: ClassId
    receiver: Value


class External(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """Something outside the program by its qualified name: a module, class or function."""

    name: str


class LibraryInstance(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """An instance of a class outside the program."""

    type: str
    origin: Origin | None = None


class LibraryMethod(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A method of something outside the program, bound to its receiver."""

    receiver: Value
    name: str


class LockValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A lock with its identity.

    `permits` is the number of a semaphore's permits where it is a literal. `guessed`: known by its name only.
    `condition` tells that waiting and notifying goes through this very object.
    """

    id: LockId
    kind: LockKind
    permits: int | None = None
    guessed: bool = False
    condition: bool = False


class QueueValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A queue: `bounded` is None where nothing is known of its bound, and a guess where that is no literal.

    `holder` names it as `lock_name` does. Of one end of a channel, `pair` is the call that made both, by its place.
    """

    kind: QueueKind
    type: str
    bounded: bool | None
    holder: LockId | None = None
    guessed: bool = False
    pair: tuple[FunctionId, Span] | None = None


class Container(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A list, dict, set, tuple or iterator; a dict's elements are its values."""

    element: Value


class TupleValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """A tuple with known places."""

    items: tuple[Value, ...]


class PartialValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """`functools.partial(target, …)`; `origin` holds the arguments already given."""

    target: Value
    origin: Origin


class CoroutineValue(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """What calling a coroutine function gives: `result` comes when it is awaited."""

    result: Value


class Choice(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """One of several."""

    values: tuple[Value, ...]


Value: TypeAlias = (
    UnknownValue
    | NoneValue
    | ModuleValue
    | ClassValue
    | FunctionValue
    | Instance
    | SuperValue
    | External
    | LibraryInstance
    | LibraryMethod
    | LockValue
    | QueueValue
    | Container
    | TupleValue
    | PartialValue
    | CoroutineValue
    | Choice
)

UNKNOWN = UnknownValue()
NOTHING = NoneValue()
MAX_CHOICE = 6
"""More alternatives than these are as good as none."""


def options(value: Value) -> tuple[Value, ...]:
    """The alternatives of a value; a value that is no choice is its own only one."""
    return value.values if isinstance(value, Choice) else (value,)


def join(values: Iterable[Value]) -> Value:
    """One value for several: what is unknown or None yields to what is known; see `MAX_CHOICE`."""
    given = list(values)
    if len(given) == 1 and not isinstance(given[0], Choice):
        return given[0]  # most are: no need to hash them
    seen: dict[Value, None] = {}
    nothing = False
    for value in given:
        for option in options(value):
            if isinstance(option, NoneValue):
                nothing = True
            elif not isinstance(option, UnknownValue):
                seen[option] = None
    if len(seen) > 1:
        seen.pop(Container(UNKNOWN), None)  # an empty container is one of whatever the others hold
    if not seen:
        return NOTHING if nothing else UNKNOWN
    if len(seen) == 1:
        return next(iter(seen))
    return Choice(tuple(seen)) if len(seen) <= MAX_CHOICE else UNKNOWN


def display(value: Value) -> str:
    """A word for the object in messages; empty where there is none."""
    match value:
        case Instance(id=id) | ClassValue(id=id):
            return id.qualname
        case LibraryInstance(type=name):
            return name
        case _:
            return ""
