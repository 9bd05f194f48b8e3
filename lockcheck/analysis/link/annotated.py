"""What an object is that is annotated with a type."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lockcheck.analysis.link.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Container,
    CoroutineValue,
    External,
    Instance,
    LibraryInstance,
    TupleValue,
    Value,
    join,
    options,
)
from lockcheck.model.expression import Attr, Const, Expr, Group, Item, Name, Opaque, last_word
from lockcheck.model.identity import FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_TRANSPARENT = {"Optional", "Annotated", "ClassVar", "Final", "InitVar", "Required", "NotRequired", "ReadOnly"}
_CONTAINERS = {
    "list", "set", "frozenset", "deque", "List", "Set", "FrozenSet", "Deque", "Sequence", "MutableSequence",
    "Iterable", "Iterator", "Collection", "AbstractSet", "MutableSet", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "WeakSet",
}  # fmt: skip
_MAPPINGS = {
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict", "WeakValueDictionary",
    "WeakKeyDictionary", "ChainMap",
}  # fmt: skip
_AWAITABLES = {"Awaitable", "Coroutine"}
_OPAQUE = {
    "Any", "object", "Callable", "TypeVar", "Literal", "None", "NoReturn", "Never", "Protocol", "TypeAlias", "Generic",
    "bool", "int", "float", "str", "bytes", "bytearray", "complex", "tuple", "Tuple", "type", "Type", "Hashable",
    "AnyStr", "Concatenate", "ParamSpec", "Unpack", "TypeGuard",
}  # fmt: skip


def instance(types: Types, annotation: Expr, function: FunctionId) -> Value:
    """The value that an annotation promises, its names read in `function`."""
    match annotation:
        case Const():
            return NOTHING if annotation.value is None else UNKNOWN
        case Opaque(parts=parts):
            return join(instance(types, p, function) for p in parts)
        case Item(value=value, key=key):
            return _generic(types, value, key, function)
        case Name() | Attr():
            return _plain(types, annotation, function)
        case _:
            return UNKNOWN


def _plain(types: Types, annotation: Name | Attr, function: FunctionId) -> Value:
    if last_word(annotation) == "Self":
        owner = types.owner(function)
        return Instance(owner) if owner is not None else UNKNOWN
    found: list[Value] = []
    for option in options(types.evaluate(annotation, function)):
        match option:
            case ClassValue(id=id):
                found.append(Instance(id))
            case External(name=name) if name.rpartition(".")[2] not in _OPAQUE:
                found.append(_outside(types, name))
            case _:
                found.append(UNKNOWN)
    value = join(found)
    if value == UNKNOWN and isinstance(annotation, Name):
        return _alias(types, annotation.id, function)
    return value


def _outside(types: Types, name: str) -> Value:
    word = name.rpartition(".")[2]
    if word in _CONTAINERS or word in _MAPPINGS:
        return Container(UNKNOWN)
    canonical = types.library.canonical(name)
    if types.library.type(canonical) is not None:
        return LibraryInstance(canonical)
    return LibraryInstance(name) if word[:1].isupper() else UNKNOWN


def _alias(types: Types, name: str, function: FunctionId) -> Value:
    """`Alias = Union[A, B]` at the top level of a module."""
    home = types.program.home(function.module, name)
    if home is None:
        return UNKNOWN
    for scope, value in types.program.global_values(*home):
        if isinstance(value, Item | Opaque):
            return types.solve(("union", home), partial(instance, types, value, scope))
    return UNKNOWN


def _generic(types: Types, outer: Expr, key: Expr, function: FunctionId) -> Value:
    word = last_word(outer)
    items = key.items if isinstance(key, Group) else (key,)
    if word in _TRANSPARENT:
        return instance(types, items[0], function) if items else UNKNOWN
    if word == "Union":
        return join(instance(types, i, function) for i in items)
    if word in _CONTAINERS:
        return Container(instance(types, items[0], function)) if items else Container(UNKNOWN)
    if word in _MAPPINGS:
        return Container(instance(types, items[-1], function)) if items else Container(UNKNOWN)
    if word in ("tuple", "Tuple"):
        if len(items) == 2 and isinstance(items[1], Const):
            return Container(instance(types, items[0], function))
        return TupleValue(tuple(instance(types, i, function) for i in items))
    if word in ("type", "Type"):
        made = instance(types, items[0], function) if items else UNKNOWN
        return ClassValue(made.id) if isinstance(made, Instance) else UNKNOWN
    if word in _AWAITABLES:
        return CoroutineValue(instance(types, items[-1], function)) if items else UNKNOWN
    if word in _OPAQUE or not isinstance(outer, Name | Attr):
        return UNKNOWN
    return _plain(types, outer, function)


def says_self(annotation: Expr) -> bool:
    """Whether an annotation is `Self`."""
    return last_word(annotation) == "Self"
