"""Which object an expression reaches, and which lock it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lockcheck.analysis.link import attributes, keys, locks
from lockcheck.analysis.link.types import Types
from lockcheck.analysis.link.values import (
    ClassValue,
    Container,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    ModuleValue,
    Value,
    options,
)
from lockcheck.model.events import LockRef
from lockcheck.model.expression import Attr, Call, Const, Expr, IfElse, Item, Logic, Name, Walrus
from lockcheck.model.facts import MODULE, AttributeFact
from lockcheck.model.identity import AttributeLock, ClassId, ElementLock, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.paths import ClassRoot, FreeRoot, GlobalRoot, LocalRoot, ParameterRoot, Path

Environment = Mapping[str, "Path | None"]
"""Where local names point at one moment; a name that is missing has not been followed."""

_LOCK_NAME = re.compile(r"(?:^|_)(?:r?lock|mutex|semaphore|cond|condition)s?$", re.IGNORECASE)
_CASTS = {"typing.cast", "typing_extensions.cast"}
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
                return base.then(keys.key_step(key, function)) if base is not None else None
            case Walrus(value=value):
                return self.of(value, function, env)
            case Call(func=Attr(value=value, name=name)):
                base = self.of(value, function, env)
                return self._returned(base, self.types.evaluate(value, function), name, expr, function)
            case Call(func=Name()):
                found = self.types.evaluate(expr.func, function)
                if isinstance(found, External) and found.name in _CASTS and len(expr.args) == 2:
                    return self.of(expr.args[1], function, env)
                if isinstance(found, FunctionValue):
                    path = self.returned(found.id)
                    if path is not None and isinstance(path.root, GlobalRoot | ClassRoot):
                        return keys.given(path, self.types.program.functions[found.id], expr, function)
                return None
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
                if current.qualname.endswith(".<body>"):
                    return Path(ClassRoot(ClassId(current.module, current.qualname.removesuffix(".<body>"))), (name,))
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
        return self.global_path(*home) if home is not None else None

    def global_path(self, module: str, name: str) -> Path | None:
        """The object that a global names: `GUARD = LOCK` and `FILLED = Condition(LOCK)` are names of the same lock."""
        question = ("global path", module, name)
        return self.types.memo.solve(question, lambda: self._global_path(module, name), None)

    def _global_path(self, module: str, name: str) -> Path | None:
        values = self.types.program.global_values(module, name)
        value = self._behind(values[0][1], values[0][0]) if len(values) == 1 else None
        if isinstance(value, Name | Attr):
            aliased = self.of(value, values[0][0])
            if aliased is not None:
                return aliased
        return Path(GlobalRoot(module, name))

    def member(self, base: Path | None, value: Value, name: str) -> Path | None:
        """The path of an attribute of an object: class attributes hang on the class, aliases on what they alias."""
        for option in options(value):
            match option:
                case ModuleValue(name=module):
                    home = self.types.program.home(module, name)
                    found = self.types.program.attribute(module, name)
                    if isinstance(found, ClassValue):
                        return Path(ClassRoot(found.id))
                    return self.global_path(*home) if home is not None else None
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

    def joined(self, base: Path, function: FunctionId, steps: tuple[str, ...]) -> Path | None:
        """A path prolonged by the steps of another function's path, seen through what constructors were given.

        `self._till._guard` is `self._lock` where `self._till = Till(self._lock)` and `Till` keeps its argument.
        """
        for step in steps:
            through = self._handed(base, function, step)
            longer = through if through is not None else base.then(step)
            if longer is None:
                return None
            base = longer
        return base

    def _handed(self, base: Path, function: FunctionId, step: str) -> Path | None:
        """What the constructor of the object at `base` was given for what it keeps as `step`, if it is all known."""
        if not base.steps or step.startswith("[") or not isinstance(base.root, ParameterRoot):
            return None
        value = self.types.name(base.root.name, function)
        for before in base.steps[:-1]:
            value = attributes.attribute(self.types, value, before)
        if not isinstance(value, Instance):
            return None
        question = ("handed", value.id, base.steps[-1], step)
        given = self.types.memo.solve(question, lambda: self._argument(value.id, base.steps[-1], step), None)
        return Path(base.root, (*base.steps[:-1], *given)) if given is not None else None

    def _argument(self, owner: ClassId, name: str, step: str) -> tuple[str, ...] | None:
        found = self.types.hierarchy.attribute(owner, name)
        given = [f for f in found[1] if f.value is not None and not isinstance(f.value, Const)] if found else []
        if found is None or len(given) != 1 or not isinstance(given[0].value, Call):
            return None
        made, scope = given[0].value, self.types.hierarchy.scope_of(found[0], given[0])
        value = self.types.evaluate(made.func, scope)
        if not isinstance(value, ClassValue):
            return None
        parameter = self._kept(value.id, step)
        if parameter is None:
            return None
        expr = locks.argument(made, parameter[0], parameter[1])
        path = self.of(expr, scope) if expr is not None else None
        own = path is not None and path.root == ParameterRoot(self.types.scope(scope).first or "")
        return path.steps if path is not None and own else None

    def _kept(self, cls: ClassId, name: str) -> tuple[str, int | None] | None:
        """The parameter that a class keeps as an attribute: its name and its place in a call of the class."""
        found = self.types.hierarchy.attribute(cls, name)
        if found is None:
            return None
        facts = found[1]
        if self.types.hierarchy.method(cls, "__init__") is None and all(f.function is None for f in facts):
            fields = [f.name for f in self.types.program.classes[cls].attributes if f.function is None and f.annotation]
            return (name, fields.index(name)) if name in fields else None
        given = [f for f in facts if f.value is not None and not isinstance(f.value, Const)]
        word = _preferred(given[0].value) if len(given) == 1 else None
        if word is None or given[0].function is None:
            return None
        scope = self.types.scope(self.types.hierarchy.scope_of(found[0], given[0]))
        if scope.facts.name != "__init__" or word not in scope.parameters:
            return None
        names = [p.name for p in scope.facts.parameters if p.kind in "pa"]
        if word == scope.first:
            return None  # it keeps itself, which no call gives it
        return word, names.index(word) - 1 if word in names else None

    def alias(self, cls: ClassId, name: str) -> tuple[str, ...]:
        """The attributes that an attribute of an instance stands for: itself, or what it was made an alias of."""
        return self.types.memo.solve(("alias", cls, name), lambda: self._alias(cls, name), _NO_STEPS) or (name,)

    def _alias(self, cls: ClassId, name: str) -> tuple[str, ...]:
        method = self.types.hierarchy.method(cls, name)
        if method is not None:
            if attributes.is_property(self.types, method.function):
                path = self.returned(method.function)
                own = path is not None and path.root == ParameterRoot(self.types.scope(method.function).first or "")
                if path is not None and own and path.steps:
                    return path.steps
            return (name,)
        found = self.types.hierarchy.attribute(cls, name)
        if found is None:
            return (name,)
        owner, facts = found
        given = [f for f in facts if f.value is not None and not isinstance(f.value, Const)]
        if len(given) != 1 or given[0].function is None:
            return (name,)
        primary = attributes.primary(self.types, owner, given)
        if primary != name:
            return (primary,)
        return self._aliased(owner, given[0]) or (name,)

    def _aliased(self, owner: ClassId, fact: AttributeFact) -> tuple[str, ...]:
        function = self.types.hierarchy.scope_of(owner, fact)
        value = self._behind(fact.value, function)
        if not isinstance(value, Attr):
            return ()
        path = self.of(value, function)
        first = self.types.scope(function).first
        if path is None or path.root != ParameterRoot(first or "") or not path.steps:
            return ()
        return path.steps if path.steps != (fact.name,) else ()

    def _behind(self, value: Expr | None, function: FunctionId) -> Expr | None:
        """What is assigned, or where that is a condition the lock that it is made on."""
        if not isinstance(value, Call):
            return value
        kind = self._condition(value, function)
        return locks.argument(value, kind, 0) if kind is not None else None

    def _condition(self, call: Call, function: FunctionId) -> str | None:
        """The parameter through which a call hands a lock to the condition that it makes."""
        for option in options(self.types.evaluate(call.func, function)):
            if isinstance(option, External):
                described = self.types.library.type(option.name)
                if described is not None and described.lock is not None and described.lock.shape == "condition":
                    return described.lock.wraps
        return None

    def _returned(self, base: Path | None, value: Value, name: str, call: Call, caller: FunctionId) -> Path | None:
        for option in options(value):
            function = None
            if isinstance(option, Container) and name in keys.LOOKUPS and call.args:
                return base.then(keys.key_step(call.args[0], caller)) if base is not None else None
            if isinstance(option, Instance | ClassValue):
                method = self.types.hierarchy.method(option.id, name)
                function = method.function if method is not None else None
            elif isinstance(option, ModuleValue):
                found = self.types.program.attribute(option.name, name)
                function = found.id if isinstance(found, FunctionValue) else None
            if function is not None:
                path = self.returned(function)
                if path is not None:
                    path = keys.given(path, self.types.program.functions[function], call, caller)
                if path is None or isinstance(path.root, GlobalRoot | ClassRoot):
                    return path
                own = path.root == ParameterRoot(self.types.scope(function).first or "")
                return base.then(*path.steps) if base is not None and own and path.steps else None
        return None

    def returned(self, function: FunctionId) -> Path | None:
        """`return self.x.y`, `return LOCK`: the object that a function always returns, by a path in it."""
        question = ("returned path", function)
        return self.types.memo.solve(question, lambda: self._find_returned(function), None)

    def _find_returned(self, function: FunctionId) -> Path | None:
        facts = self.types.program.functions[function]
        if facts.is_async or facts.is_generator:
            return None
        scope = self.types.scope(function)
        body = self.types.program.body(function)

        def reach(expr: Expr) -> Path | None:
            return self.of(expr, function)

        def element(expr: Expr) -> Path | None:
            return keys.kept(scope, body, expr.id, reach) if isinstance(expr, Name) else None

        found = {element(e) or reach(e) for e in scope.returns if not isinstance(e, Const)}
        path = found.pop() if len(found) == 1 else None
        return None if path is None or isinstance(path.root, LocalRoot) else path

    def lock(self, expr: Expr, function: FunctionId, env: Environment) -> LockRef | None:
        """The lock that an expression is; None where it is none as far as is known.

        A parameter of unknown type may turn out to be a lock at its callers: it has no identity here.
        """
        value = self.types.evaluate(expr, function)
        if isinstance(expr, Call) and isinstance(value, LibraryInstance):
            value = locks.hold(self.types, value, LocalLock(function, value.type.rpartition(".")[2]))
        found = locks.known(value)
        if found is None:
            return None
        path = self.of(expr, function, env)
        if self._rebound(expr, function, path, found.id):
            return None
        receiver = self.keeper(found.id, self.receiver(expr, function))
        return LockRef(found.id, path, found.kind, receiver, found.permits, found.guessed)

    def keeper(self, lock: LockId, receiver: ClassId | None) -> ClassId | None:
        """The class of the object whose own lock it is; None for an object that was only handed another's lock."""
        if receiver is None or not isinstance(lock, AttributeLock) or lock.owner == receiver:
            return receiver
        return receiver if self.types.hierarchy.related(receiver, lock.owner) is not None else None

    def _rebound(self, expr: Expr, function: FunctionId, path: Path | None, lock: LockId) -> bool:
        """Whether a local name that is given several values holds, at this point, none that is known to be the lock."""
        if not isinstance(expr, Name) or path is None or not isinstance(path.root, LocalRoot):
            return False
        bindings = self.types.scope(function).bindings.get(expr.id, ())
        if len(bindings) < 2 or lock == LocalLock(function, expr.id):
            return False
        return any(locks.known(self.types.binding(b, function)) is None for b in bindings)

    def pending(self, expr: Expr, function: FunctionId, env: Environment) -> LockRef | None:
        """A lock in waiting: what a parameter of unknown type may be, or what its name says it is."""
        path = self.of(expr, function, env)
        if path is not None and isinstance(path.root, ParameterRoot | FreeRoot):
            scope = self.types.scope(function)
            if scope.facts.owner is None or path.root != ParameterRoot(scope.first or ""):
                return LockRef(None, path, None)
        if _named(expr):
            identity = self.identity(expr, function)
            if identity is not None:
                return LockRef(identity, path, None, self.receiver(expr, function), guessed=True)
        return None

    def identity(self, expr: Expr, function: FunctionId) -> LockId | None:
        """What an expression would be called if it were a lock: the attribute, global or local that it is."""
        match expr:
            case Name(id=name):
                home = self.types.program.home(function.module, name)
                return GlobalLock(*home) if home is not None else LocalLock(function, name)
            case Attr(name=name):
                owner = self.receiver(expr, function)
                return AttributeLock(owner, name) if owner is not None else None
            case Item(value=value):
                container = self.identity(value, function)
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


def _preferred(value: Expr | None) -> str | None:
    """The name whose object is kept where it is given: `lock`, `lock or Lock()`, `lock if lock else Lock()`."""
    match value:
        case Name(id=name) | Logic(conjunction=False, values=(Name(id=name), *_)) | IfElse(then=Name(id=name)):
            return name
        case _:
            return None


def _named(expr: Expr) -> bool:
    match expr:
        case Name(id=name) | Attr(name=name):
            return _LOCK_NAME.search(name) is not None
        case Item(value=value):
            return _named(value)
        case _:
            return False
