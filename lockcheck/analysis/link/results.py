"""What calls give back, and what containers, iterables and context managers yield."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.analysis.link import annotated, containers, factories, readwrite
from lockcheck.analysis.link.values import (
    NOTHING,
    UNKNOWN,
    Choice,
    ClassValue,
    Container,
    CoroutineValue,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    LibraryMethod,
    LockValue,
    Origin,
    PartialValue,
    QueueValue,
    SuperValue,
    TupleValue,
    Value,
    join,
    options,
)
from lockcheck.knowledge.load import members
from lockcheck.model.expression import Attr, Call, Const, Expr, Name
from lockcheck.model.identity import FunctionId, LocalLock, LockId
from lockcheck.model.library import Effect

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

MAX_RETURNS = 8
_CONTEXT = ("contextmanager", "asynccontextmanager")


def call(types: Types, expr: Call, function: FunctionId) -> Value:
    """What a call in the body of `function` gives."""
    if isinstance(expr.func, Name) and expr.func.id == "super":
        return _super(types, expr, function)
    if isinstance(expr.func, Attr) and expr.func.name == "__new__" and expr.args:
        made = types.evaluate(expr.args[0], function)
        if isinstance(made, ClassValue):
            return Instance(made.id)
    callee = types.evaluate(expr.func, function)
    origin = Origin(function, expr)
    return join(_call(types, option, origin) for option in options(callee))


def _super(types: Types, expr: Call, function: FunctionId) -> Value:
    current: FunctionId | None = function
    while current is not None:
        owner = types.owner(current)
        if owner is not None:
            first = types.scope(current).first
            receiver = types.name(first, current) if first is not None else Instance(owner)
            if len(expr.args) == 2:
                start = types.evaluate(expr.args[0], function)
                if isinstance(start, ClassValue):
                    owner = start.id
            return SuperValue(owner, receiver)
        current = types.enclosing(current)
    return UNKNOWN


def _call(types: Types, callee: Value, origin: Origin) -> Value:
    match callee:
        case External(name=name):
            special = containers.builtin(types, name, origin)
            return special if special is not None else _outside(types, name, origin)
        case LibraryMethod(receiver=receiver, name=name):
            special = containers.method(types, receiver, name, origin)
            if special is not None:
                return special
            effect = method_effect(types, callee)
            return _effect(effect, origin) if effect is not None else UNKNOWN
        case FunctionValue(id=id, receiver=receiver):
            return factories.made(types, result(types, callee, origin), id, receiver is not None, origin)
        case _:
            return result(types, callee, origin)


def result(types: Types, callee: Value, origin: Origin | None) -> Value:
    """What calling a value gives; `origin` is the call, where there is one."""
    match callee:
        case Choice(values=values):
            return join(result(types, v, origin) for v in values)
        case ClassValue(id=id):
            return Instance(id, exact=True)
        case FunctionValue(id=id, receiver=receiver):
            return _function(types, id, receiver)
        case External(name=name):
            return _outside(types, name, origin)
        case Instance(id=id):
            method = types.hierarchy.method(id, "__call__")
            return _function(types, method.function, callee) if method is not None else UNKNOWN
        case PartialValue(target=target):
            return result(types, target, origin)
        case LibraryInstance(type=name):
            effect = types.library.method(name, "__call__")
            return _effect(effect, origin) if effect is not None else UNKNOWN
        case _:
            return UNKNOWN


def _function(types: Types, function: FunctionId, receiver: Value | None) -> Value:
    facts = types.program.functions[function]
    if facts.is_generator:
        return _generator(types, function)
    value = returned(types, function, receiver)
    return CoroutineValue(value) if facts.is_async else value


def _generator(types: Types, function: FunctionId) -> Value:
    """A generator's object: a container of what its annotation says, or the context manager made of it."""
    facts = types.program.functions[function]
    if facts.returns is not None:
        return annotated.instance(types, facts.returns, function)
    return Container(UNKNOWN)


def is_context_manager(types: Types, function: FunctionId) -> bool:
    """Whether a generator function is decorated into a context manager."""
    for decorator in types.program.functions[function].decorators:
        word = decorator.name if isinstance(decorator, Attr) else decorator.id if isinstance(decorator, Name) else ""
        if word in _CONTEXT:
            return True
    return False


def returned(types: Types, function: FunctionId, receiver: Value | None) -> Value:
    """What a function returns when it is called on `receiver`, the value behind `await` for a coroutine function."""
    value = types.solve(("returned", function), lambda: _returned(types, function))
    owner = types.owner(function)
    if owner is not None and receiver is not None and value == Instance(owner):
        facts = types.program.functions[function]
        own = Name(types.scope(function).first or "")
        fluent = facts.returns is not None and annotated.says_self(facts.returns)
        if fluent or own in types.scope(function).returns:
            return receiver
    return value


def _returned(types: Types, function: FunctionId) -> Value:
    facts = types.program.functions[function]
    declared: Value = UNKNOWN
    if facts.returns is not None:
        declared = annotated.instance(types, facts.returns, function)
        if isinstance(declared, Instance | Container | TupleValue | CoroutineValue):
            return declared
    found = types.scope(function).returns
    if not found or len(found) > MAX_RETURNS or facts.qualname.count("<lambda") > 3:
        return declared
    value = join(_fresh(types.evaluate(e, function), function) for e in found)
    return value if value not in (UNKNOWN, NOTHING) else declared


def _fresh(value: Value, function: FunctionId) -> Value:
    """A lock that a factory makes is another one at each call: its holder is whoever keeps it."""
    match value:
        case LockValue(id=LocalLock(function=owner), kind=kind) if owner == function:
            return LibraryInstance(kind.name)
        case QueueValue(holder=LocalLock(function=owner)) if owner == function:
            return QueueValue(value.kind, value.type, value.bounded)
        case Choice(values=values):
            return join(_fresh(v, function) for v in values)
        case _:
            return value


def _outside(types: Types, name: str, origin: Origin | None) -> Value:
    library = types.library
    canonical = library.canonical(name)
    effect = library.call(canonical)
    if effect is not None and (effect.returns is not None or effect.awaitable):
        return _effect(effect, origin)
    if library.type(canonical) is not None:
        return LibraryInstance(canonical, origin)
    word = name.rpartition(".")[2]
    if effect is None and word[:1].isupper() and not word.isupper():
        return LibraryInstance(name, origin)
    return UNKNOWN


def _effect(effect: Effect, origin: Origin | None) -> Value:
    value: Value = UNKNOWN
    if effect.returns is not None:
        parts = members(effect.returns)
        value = (
            TupleValue(tuple(UNKNOWN if p == "_" else LibraryInstance(p, origin) for p in parts))
            if parts
            else (LibraryInstance(effect.returns, origin))
        )
    return CoroutineValue(value) if effect.awaitable else value


def method_effect(types: Types, method: LibraryMethod) -> Effect | None:
    """What the tables say of a method of something outside the program."""
    library = types.library
    for option in options(method.receiver):
        names: list[str] = []
        match option:
            case LibraryInstance(type=name) | QueueValue(type=name):
                names = [name]
            case LockValue(kind=kind):
                names = ["threading.Condition" if option.condition and kind.domain == "thread" else kind.name]
                if option.condition and kind.domain == "async":
                    names = ["asyncio.Condition", kind.name]
            case Instance(id=id) | ClassValue(id=id):
                names = list(types.hierarchy.library_bases(id))
            case SuperValue(id=id):
                names = list(types.hierarchy.library_bases(id))
            case _:
                pass
        for name in names:
            effect = library.method(name, method.name)
            if effect is not None:
                return effect
        if (
            isinstance(option, LockValue)
            and option.kind.shape == "readwrite"
            and library.type(option.kind.name) is None
        ):
            return readwrite.effect(method.name)
    return None


def element(types: Types, value: Value, key: Expr) -> Value:
    """What `value[key]` gives."""
    found: list[Value] = []
    for option in options(value):
        match option:
            case Container(element=inner):
                found.append(inner)
            case TupleValue(items=items):
                index = key.value if isinstance(key, Const) else None
                if isinstance(index, int) and not isinstance(index, bool) and -len(items) <= index < len(items):
                    found.append(items[index])
                else:
                    found.append(join(items))
            case Instance(id=id):
                method = types.hierarchy.method(id, "__getitem__")
                found.append(returned(types, method.function, option) if method is not None else UNKNOWN)
            case _:
                found.append(UNKNOWN)
    return join(found)


def iterated(types: Types, value: Value) -> Value:
    """What a round of `for x in value` binds."""
    found: list[Value] = []
    for option in options(value):
        match option:
            case Container(element=inner):
                found.append(inner)
            case TupleValue(items=items):
                found.append(join(items))
            case Instance(id=id):
                method = types.hierarchy.method(id, "__iter__")
                if method is not None:
                    inner = _function(types, method.function, option)
                    found.append(inner.element if isinstance(inner, Container) else UNKNOWN)
            case _:
                found.append(UNKNOWN)
    return join(found)


def entered(types: Types, value: Value, is_async: bool) -> Value:
    """What `with value as x` binds."""
    found: list[Value] = []
    for option in options(value):
        match option:
            case Instance(id=id):
                method = types.hierarchy.method(id, "__aenter__" if is_async else "__enter__")
                if method is None:
                    found.append(option)
                else:
                    inner = returned(types, method.function, option)
                    found.append(option if inner == UNKNOWN else inner)
            case LibraryInstance(type=name):
                described = types.library.type(name)
                if described is not None and described.entered is not None:
                    found.append(LibraryInstance(described.entered))
                else:
                    found.append(option)
            case Container(element=inner):
                found.append(inner)
            case CoroutineValue(result=made) if is_async:
                found.append(entered(types, made, is_async))
            case _:
                found.append(option)
    return join(found)


def unpacked(value: Value, place: tuple[int, ...]) -> Value:
    """The part of a value that a target inside a tuple gets."""
    for index in place:
        found: list[Value] = []
        for option in options(value):
            match option:
                case TupleValue(items=items):
                    found.append(items[index] if index < len(items) else UNKNOWN)
                case Container(element=inner):
                    found.append(inner)
                case _:
                    found.append(UNKNOWN)
        value = join(found)
    return value


def fill(types: Types, value: Value, holder: LockId) -> Value:
    """A container that is made empty holds what is stored into it elsewhere."""
    if isinstance(value, Container) and value.element == UNKNOWN:
        return Container(types.solve(("stored", holder), lambda: containers.stored(types, holder)))
    return value
