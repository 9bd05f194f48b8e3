"""Which object an expression reaches, and which lock it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lockcheck.analysis.link import attributes, locks
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import ClassValue, External, FunctionValue, Instance, ModuleValue, Value, options
from lockcheck.model.events import LockRef
from lockcheck.model.expression import Attr, Call, Const, Expr, Item, Name, Walrus
from lockcheck.model.facts import MODULE, AttributeFact
from lockcheck.model.identity import AttributeLock, ClassId, ElementLock, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.paths import ClassRoot, FreeRoot, GlobalRoot, LocalRoot, ParameterRoot, Path

Environment = Mapping[str, "Path | None"]
"""Where local names point at one moment; a name that is missing has not been followed."""

_LOCK_NAME = re.compile(r"(?:^|_)(?:r?lock|mutex|semaphore|cond|condition)s?$", re.IGNORECASE)
_NOWHERE: Environment = {}
_NO_STEPS: tuple[str, ...] = ()


class Paths:
    """Access paths of expressions, in one form for each object: aliases are seen through."""

    def __init__(self, types: Types) -> None:
        """Paths are computed on demand."""
        self.types = types

    def of(self, expr: Expr, function: FunctionId, env: Environment = _NOWHERE) -> Path | None:
        """The object that an expression reaches; None where no path names it."""
        match expr:
            case Name(id=name):
                return self._name(name, function, env)
            case Attr(value=value, name=name):
                base = self.of(value, function, env)
                return self.member(base, self.types.evaluate(value, function), name)
            case Item(value=value, key=key):
                base = self.of(value, function, env)
                return base.then(_key(key, function)) if base is not None else None
            case Walrus(value=value):
                return self.of(value, function, env)
            case Call(func=Attr(value=value, name=name)):
                base = self.of(value, function, env)
                return self._returned(base, self.types.evaluate(value, function), name)
            case _:
                return None

    def _name(self, name: str, function: FunctionId, env: Environment) -> Path | None:
        if name in env:
            return env[name]
        current: FunctionId | None = function
        while current is not None and current.qualname != MODULE:
            scope = self.types.scope(current)
            if scope.binds(name):
                if current != function:
                    return Path(FreeRoot(current, name))
                if name in scope.parameters and name not in scope.bindings:
                    return Path(ParameterRoot(name))
                return Path(LocalRoot(current, name, 0, 0))
            current = self.types.enclosing(current)
        found = self.types.program.attribute(function.module, name)
        if isinstance(found, ClassValue):
            return Path(ClassRoot(found.id))
        if isinstance(found, FunctionValue | ModuleValue | External):
            return None
        home = self.types.program.home(function.module, name)
        return Path(GlobalRoot(*home)) if home is not None else None

    def member(self, base: Path | None, value: Value, name: str) -> Path | None:
        """The path of an attribute of an object: class attributes hang on the class, aliases on what they alias."""
        for option in options(value):
            match option:
                case ModuleValue(name=module):
                    home = self.types.program.home(module, name)
                    found = self.types.program.attribute(module, name)
                    if isinstance(found, ClassValue):
                        return Path(ClassRoot(found.id))
                    return Path(GlobalRoot(*home)) if home is not None else None
                case ClassValue(id=id) | Instance(id=id):
                    owner = attributes.class_level(self.types, id, name)
                    if owner is not None:
                        return Path(ClassRoot(owner), (name,))
                    if base is not None:
                        return base.then(*(self.alias(id, name) or (name,)))
                    return None
                case _:
                    pass
        return base.then(name) if base is not None else None

    def alias(self, cls: ClassId, name: str) -> tuple[str, ...]:
        """The attributes that an attribute of an instance stands for: itself, or what it was made an alias of."""
        return self.types.memo.solve(("alias", cls, name), lambda: self._alias(cls, name), _NO_STEPS) or (name,)

    def _alias(self, cls: ClassId, name: str) -> tuple[str, ...]:
        method = self.types.hierarchy.method(cls, name)
        if method is not None:
            if attributes.is_property(self.types, method.function):
                return self._returned_steps(method.function)
            return (name,)
        found = self.types.hierarchy.attribute(cls, name)
        if found is None:
            return (name,)
        owner, facts = found
        given = [f for f in facts if f.value is not None and not isinstance(f.value, Const)]
        if len(given) != 1 or given[0].function is None:
            return (name,)
        return self._aliased(owner, given[0]) or (name,)

    def _aliased(self, owner: ClassId, fact: AttributeFact) -> tuple[str, ...]:
        value, function = fact.value, attributes.scope_of(owner, fact)
        if isinstance(value, Call):
            kind = self._condition(value, function)
            value = locks.argument(value, kind, 0) if kind is not None else None
        if not isinstance(value, Attr):
            return ()
        path = self.of(value, function)
        first = self.types.scope(function).first
        if path is None or path.root != ParameterRoot(first or "") or not path.steps:
            return ()
        return path.steps if path.steps != (fact.name,) else ()

    def _condition(self, call: Call, function: FunctionId) -> str | None:
        """The parameter through which a call hands a lock to the condition that it makes."""
        for option in options(self.types.evaluate(call.func, function)):
            if isinstance(option, External):
                described = self.types.library.type(option.name)
                if described is not None and described.lock is not None and described.lock.shape == "condition":
                    return described.lock.wraps
        return None

    def _returned(self, base: Path | None, value: Value, name: str) -> Path | None:
        if base is None:
            return None
        for option in options(value):
            if isinstance(option, Instance):
                method = self.types.hierarchy.method(option.id, name)
                if method is not None:
                    steps = self._returned_steps(method.function)
                    return base.then(*steps) if steps else None
        return None

    def _returned_steps(self, function: FunctionId) -> tuple[str, ...]:
        """`return self.x.y`: the attributes that lead from the method's object to what it always returns."""
        question = ("returned path", function)
        return self.types.memo.solve(question, lambda: self._find_returned(function), _NO_STEPS)

    def _find_returned(self, function: FunctionId) -> tuple[str, ...]:
        facts = self.types.program.functions[function]
        if facts.is_async or facts.is_generator:
            return ()
        scope = self.types.scope(function)
        found = {self.of(e, function) for e in scope.returns if not isinstance(e, Const)}
        path = found.pop() if len(found) == 1 else None
        if path is None or path.root != ParameterRoot(scope.first or ""):
            return ()
        return path.steps

    def lock(self, expr: Expr, function: FunctionId, env: Environment) -> LockRef | None:
        """The lock that an expression is; None where it is none as far as is known.

        A parameter of unknown type may turn out to be a lock at its callers: it has no identity here.
        """
        path = self.of(expr, function, env)
        found = locks.known(self.types.evaluate(expr, function))
        if found is not None:
            receiver = self.receiver(expr, function)
            return LockRef(found.id, path, found.kind, receiver, found.permits, found.guessed)
        return None

    def pending(self, expr: Expr, function: FunctionId, env: Environment) -> LockRef | None:
        """A lock in waiting: what a parameter of unknown type may be, or what its name says it is."""
        path = self.of(expr, function, env)
        if path is not None and isinstance(path.root, ParameterRoot | FreeRoot):
            scope = self.types.scope(function)
            own = not path.steps and path.root == ParameterRoot(scope.first or "") and scope.facts.owner is not None
            if not own and not _named(expr):
                return LockRef(None, path, None)
        if _named(expr):
            identity = self._guess(expr, function)
            if identity is not None:
                return LockRef(identity, path, None, self.receiver(expr, function), guessed=True)
        return None

    def _guess(self, expr: Expr, function: FunctionId) -> LockId | None:
        match expr:
            case Name(id=name):
                home = self.types.program.home(function.module, name)
                return GlobalLock(*home) if home is not None else LocalLock(function, name)
            case Attr(name=name):
                owner = self.receiver(expr, function)
                return AttributeLock(owner, name) if owner is not None else None
            case Item(value=value):
                container = self._guess(value, function)
                return None if container is None or isinstance(container, ElementLock) else ElementLock(container)
            case _:
                return None

    def receiver(self, expr: Expr, function: FunctionId) -> ClassId | None:
        """The class of the object that an attribute expression hangs on."""
        if isinstance(expr, Item):
            return self.receiver(expr.value, function)
        if not isinstance(expr, Attr):
            return None
        for option in options(self.types.evaluate(expr.value, function)):
            if isinstance(option, Instance | ClassValue):
                return option.id
        return None


def _named(expr: Expr) -> bool:
    match expr:
        case Name(id=name) | Attr(name=name):
            return _LOCK_NAME.search(name) is not None
        case Item(value=value):
            return _named(value)
        case _:
            return False


def _key(key: Expr, function: FunctionId) -> str:
    """A subscript as a step: a literal is the same everywhere, a name only within its function."""
    match key:
        case Const(value=value):
            return f"[={value!r}]"
        case Name(id=name):
            return f"[{function.qualname}:{name}]"
        case Attr(value=Name(id=base), name=name):
            return f"[{function.qualname}:{base}.{name}]"
        case _:
            return "[?]"


def certain(path: Path | None) -> bool:
    """Whether two equal paths of this form are the same object: no subscript is unknown."""
    return path is not None and "[?]" not in path.steps
