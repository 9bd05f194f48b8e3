"""What a callee's parameters are at one call: its paths, locks and conditions in the caller's terms."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.link import attributes, keys, locks
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import UNKNOWN, ClassValue, Instance, Value, options
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Condition, LockRef
from lockcheck.model.expression import Call, Expr, Star
from lockcheck.model.identity import ClassId, ElementLock, FunctionId
from lockcheck.model.paths import ClassRoot, FreeRoot, GlobalRoot, ParameterRoot, Path


class Arguments:
    """What a callee's parameters are at one call. Its pairs share locks and conditions: each is translated once."""

    def __init__(self, frame: Frame, target: Target, call: Call | None, state: State, receiver: Path | None) -> None:
        """Bind the parameters of `target`; a call that is not spelled (a property, a `with`) has no `call`."""
        self.frame = frame
        self.target = target
        self.state = state
        self._receiver = receiver
        self.call = call
        self._exprs: dict[str, Expr] = {}
        self._own: str | None = None
        self._paths: dict[Path, Path | None] = {}
        self._locks: dict[LockRef, LockRef | None] = {}
        self._classes: dict[Path, ClassId | None] = {}
        self._conditions: dict[Condition, Condition | bool] = {}
        self._factory: dict[FreeRoot, tuple[Expr, FunctionId]] = {}
        facts = frame.engine.program.functions[target.function]
        names = [p.name for p in facts.parameters if p.kind in "pa"]
        if target.receiver is not None and names and facts.owner is not None:
            self._own = names.pop(0)
        if target.partial is not None:
            names = self._spread(names, target.partial.origin.call, skip=1)
        if call is not None:
            self._spread(names, call, skip=0)

    def _spread(self, names: list[str], call: Call, skip: int) -> list[str]:
        args = call.args[skip:]
        for index, name in enumerate(names):
            if index >= len(args) or isinstance(args[index], Star):
                break
            self._exprs[name] = args[index]
        for keyword in call.keywords:
            if keyword.name is not None:
                self._exprs[keyword.name] = keyword.value
        return names[len(args) :]

    def rename(self, own: str | None) -> None:
        """Take `own` for the name of the callee's own object: a wrapper's first parameter is the method's."""
        self._own = own
        for known in (self._paths, self._locks, self._classes, self._conditions):
            known.clear()

    def made_by(self, factory: dict[FreeRoot, tuple[Expr, FunctionId]]) -> None:
        """Bind what the callee sees of the function that made it: what that was given, and where it is to be read."""
        self._factory = factory

    @property
    def spelled(self) -> bool:
        """Whether the arguments are all there to see: the call is spelled, with no stars."""
        return (
            self.call is not None
            and not any(isinstance(a, Star) for a in self.call.args)
            and all(k.name is not None for k in self.call.keywords)
        )

    def expr(self, name: str) -> Expr | None:
        """The argument given for a parameter."""
        return self._exprs.get(name)

    def path(self, path: Path | None) -> Path | None:
        """The callee's path in the caller's terms; None where the caller can't name the object."""
        if path is None:
            return None
        if path not in self._paths:
            self._paths[path] = self._path(path)
        return self._paths[path]

    def _path(self, path: Path) -> Path | None:
        match path.root:
            case GlobalRoot() | ClassRoot():
                return Path(path.root, tuple(self._key(step) for step in path.steps))
            case ParameterRoot(name=name):
                base = self._base(name)
            case FreeRoot(function=function, name=name) if function == self.frame.function:
                base = self.state.env.get(name)
            case FreeRoot() if path.root in self._factory:
                base = self.frame.engine.paths.of(*self._factory[path.root])
                base = base if base is not None and isinstance(base.root, GlobalRoot | ClassRoot) else None
            case FreeRoot():
                return path
            case _:
                return None
        if base is None:
            return None
        steps = tuple(self._key(step) for step in path.steps)
        return self.frame.engine.paths.joined(base, self.frame.function, steps)

    def _key(self, step: str) -> str:
        return keys.replaced(step, self.target.function.qualname, self._exprs, self.frame.function)

    def _base(self, name: str) -> Path | None:
        if name == self._own:
            return self._receiver
        given = self._exprs.get(name)
        if given is None:
            return None
        return self.frame.engine.paths.of(given, self.frame.function, self.state.env)

    def value(self, path: Path) -> Value:
        """What the object at a callee's path is, as far as the caller knows."""
        types = self.frame.engine.types
        match path.root:
            case ParameterRoot(name=name) if name == self._own:
                value = self.target.receiver or UNKNOWN
            case ParameterRoot(name=name):
                given = self._exprs.get(name)
                if given is None:
                    return UNKNOWN
                value = types.evaluate(given, self.frame.function)
            case FreeRoot(function=function, name=name) if function == self.frame.function:
                value = types.name(name, function)
            case FreeRoot() if path.root in self._factory:
                value = types.evaluate(*self._factory[path.root])
            case _:
                return UNKNOWN
        for step in path.steps:
            if step.startswith("["):
                return UNKNOWN
            value = attributes.attribute(types, value, step)
        return value

    def lock(self, lock: LockRef) -> LockRef | None:
        """A callee's lock in the caller's terms; None where the argument is no lock or of another class."""
        if lock not in self._locks:
            self._locks[lock] = self._lock(lock)
        return self._locks[lock]

    def _lock(self, lock: LockRef) -> LockRef | None:
        path = self.path(lock.path)
        factory = lock.path is not None and lock.path.root in self._factory
        if lock.open or factory:
            assert lock.path is not None
            found = locks.known(self.value(lock.path))
            if found is not None:
                receiver = self._class(Path(lock.path.root, lock.path.steps[:-1])) if lock.path.steps else None
                keeper = self.frame.engine.paths.keeper(found.id, receiver)
                return LockRef(found.id, path, found.kind, keeper, found.permits)
            if not factory and path is not None and isinstance(path.root, ParameterRoot | FreeRoot):
                return msgspec.structs.replace(lock, path=path, id=None)
            return None
        receiver = lock.receiver
        if receiver is not None and lock.path is not None and not isinstance(lock.id, ElementLock):
            known = self._class(Path(lock.path.root, lock.path.steps[:-1])) if lock.path.steps else None
            if known is not None and known != receiver:
                receiver = self.frame.engine.hierarchy.related(known, receiver)
                if receiver is None:
                    return None
                own = attributes.overriding(self.frame.engine.types, lock.id, receiver)
                if own is not None:
                    lock = msgspec.structs.replace(lock, id=own.id, kind=own.kind, permits=own.permits)
        return msgspec.structs.replace(lock, path=path, receiver=receiver)

    def _class(self, path: Path) -> ClassId | None:
        if path not in self._classes:
            found = (o.id for o in options(self.value(path)) if isinstance(o, Instance | ClassValue))
            self._classes[path] = next(found, None)
        return self._classes[path]

    def condition(self, condition: Condition) -> Condition | bool:
        """A callee's condition here: decided (True, False), or one on an object of the caller."""
        if condition not in self._conditions:
            self._conditions[condition] = self._condition(condition)
        return self._conditions[condition]

    def _condition(self, condition: Condition) -> Condition | bool:
        known = self._class(condition.path)
        hierarchy = self.frame.engine.hierarchy
        if known is not None:
            if hierarchy.derives(known, condition.cls):
                return True
            if not hierarchy.derives(condition.cls, known):
                return False
            for option in options(self.value(condition.path)):
                if isinstance(option, Instance) and option.exact:
                    return False
        path = self.path(condition.path)
        return Condition(path, condition.cls) if path is not None else True
