"""Callables that came from outside: given as a parameter, kept in an attribute, or registered in a collection."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import arguments, asked
from lockcheck.analysis.link.foreign import CALLABLE, HOOK, ROLES, Foreign, part
from lockcheck.analysis.link.paths import Paths
from lockcheck.analysis.link.stores import Stored, writes
from lockcheck.analysis.link.targets import Targets
from lockcheck.analysis.link.values import (
    ClassValue,
    Container,
    FunctionValue,
    Instance,
    LibraryInstance,
    NoneValue,
    PartialValue,
    TupleValue,
    UnknownValue,
    Value,
    options,
)
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, IfElse, Item, Logic, Name, last_word
from lockcheck.model.facts import MODULE, AttributeFact
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId

_SEES_THROUGH = {
    "list",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "reversed",
    "iter",
    "enumerate",
    "copy",
    "dict",
    "deque",
}
_LOOKS_INTO = {"values", "items", "copy", "get", "pop", "popleft", "setdefault", "popitem", "__getitem__"}
_WRAPPERS = {"partial", "cast"}
_WEAK = {"WeakMethod", "ref"}
MAX_DEPTH = 5


class Origins:
    """Tells what is called back, over the whole program and on demand."""

    def __init__(self, paths: Paths, targets: Targets) -> None:
        """Nothing is computed before it is asked for."""
        self.paths = paths
        self.targets = targets
        self.types = paths.types

    def of(self, func: Expr, function: FunctionId) -> Foreign | None:
        """How what `func` denotes came from outside; None where it did not, or nobody can tell."""
        if not isinstance(func, Name | Attr | Item | Call) or self._is_ordinary(func, function):
            return None
        question = ("outside", function, func.id if isinstance(func, Name) else id(func))
        nothing: Foreign | None = None
        return self.types.memo.solve(question, lambda: self._of(func, function), nothing)

    def _is_ordinary(self, func: Expr, function: FunctionId) -> bool:
        """Whether a callee shows at once that it did not come from outside, as nine of ten do.

        It is a global, or an attribute without a hook's name of something that is no argument: a method that its class
        has, or of an object of which nothing is known.
        """
        match func:
            case Name(id=name):
                return self.types.binder(name, function) is None
            case Attr(value=value, name=name):
                scope = self.types.scope(function)
                own = scope.facts.owner is not None and value == Name(scope.first or "")
                if HOOK.search(name) or (not own and isinstance(value, Name) and value.id in scope.parameters):
                    return False
                receiver = self.paths.receiver(func, function)
                return receiver is None or self.types.hierarchy.method(receiver, name) is not None
            case _:
                return False

    def _of(self, func: Expr, function: FunctionId) -> Foreign | None:
        value = self.types.evaluate(func, function)
        found = self._place(func, function, (), MAX_DEPTH)
        if found is not None and asked.dereferenced(self.types, func, function):
            return None
        if found is not None:
            return msgspec.structs.replace(found, known=_resolved(value)) if not found.weak else None
        if isinstance(func, Attr):
            return self._registered(func, function) or (self._told(func, function) if not _resolved(value) else None)
        if isinstance(func, Name):
            for binding in self.types.scope(function).bindings.get(func.id, ()):
                if binding.how == "value" and isinstance(binding.expr, Attr) and not binding.place:
                    found = self._registered(binding.expr, function)
                    if found is not None:
                        return found
        return None

    def _registered(self, func: Attr, function: FunctionId) -> Foreign | None:
        """`def register(self, plugin): self._plugins[plugin.name()] = plugin`: what is being registered is asked."""
        scope = self.types.scope(function)
        if not isinstance(func.value, Name) or func.value.id not in scope.parameters or func.name.startswith("_"):
            return None
        for option in options(self.types.evaluate(func.value, function)):
            if isinstance(option, Instance):
                method = self.types.hierarchy.method(option.id, func.name)
                if method is not None and not self.targets.is_stub(method.function):
                    return None
            elif not isinstance(option, UnknownValue | NoneValue):
                return None
        found = self.parameter(function, func.value.id, declared=True)
        if found is None or found.source is None or found.kind != "parameter":
            return None
        for item, _ in writes(self.types, found.source.function):
            if item.given == found.source.given:
                holder = self._holder(item.into, item.function) if item.into is not None else None
                if holder is not None:
                    return Foreign("element", holder, item, sure=False, known=asked.named(self.types, func, function))
        return None

    def _told(self, func: Attr, function: FunctionId) -> Foreign | None:
        """`for listener in self._listeners: listener.on_change(…)`: a registered object is told."""
        if not HOOK.search(func.name) or _resolved(self.types.evaluate(func.value, function)):
            return None
        found = self._place(func.value, function, (), MAX_DEPTH)
        if found is None or found.kind == "parameter" or found.source is None:
            return None
        return msgspec.structs.replace(found, sure=False)

    def _place(self, expr: Expr, function: FunctionId, place: tuple[int, ...], depth: int) -> Foreign | None:
        """Where the value of an expression was kept, or who gave it. `place`: the part of a tuple that is meant."""
        if depth == 0:
            return None
        match expr:
            case Name(id=name):
                return self._name(name, function, place, depth)
            case Attr():
                return self._attribute(expr, function, place, depth)
            case Item() | Call(func=Attr(name="get" | "pop" | "popleft" | "setdefault" | "popitem")):
                return self._element(expr, function, place, depth)
            case Call(func=func, args=args) if args and last_word(func) in _WRAPPERS:
                return self._place(args[-1] if last_word(func) == "cast" else args[0], function, place, depth - 1)
            case Call(func=func, args=args) if args and last_word(func) in _WEAK:
                found = self._place(args[0], function, place, depth - 1)
                return msgspec.structs.replace(found, weak=True) if found is not None else None
            case Call(func=Name(), args=(), keywords=()):
                found = self._place(expr.func, function, place, depth - 1)
                return msgspec.structs.replace(found, weak=False) if found is not None and found.weak else None
            case Logic(values=values):
                return self._first(values, function, place, depth)
            case IfElse(then=then, orelse=orelse):
                return self._first((then, orelse), function, place, depth)
            case Group(kind="tuple", items=items):
                if place and place[-1] < len(items):
                    return self._place(items[place[-1]], function, (), depth - 1)
                return self._first(items, function, (), depth)
            case _:
                return None

    def _first(
        self, exprs: tuple[Expr, ...], function: FunctionId, place: tuple[int, ...], depth: int
    ) -> Foreign | None:
        return next((f for e in exprs if (f := self._place(e, function, place, depth - 1)) is not None), None)

    def _name(self, name: str, function: FunctionId, place: tuple[int, ...], depth: int) -> Foreign | None:
        current: FunctionId | None = function
        while current is not None and current.qualname != MODULE and not self.types.scope(current).binds(name):
            current = self.types.enclosing(current)
        if current is None or current.qualname == MODULE:
            return None
        scope = self.types.scope(current)
        bindings = [b for b in scope.bindings.get(name, ()) if b.how != "annotation"]
        if name in scope.parameters:
            return self.parameter(current, name, depth) if not bindings else None
        for binding in bindings:
            found: Foreign | None = None
            if binding.expr is not None and binding.how == "value":
                found = self._place(binding.expr, current, (*place, *binding.place), depth - 1)
            elif binding.expr is not None and binding.how == "element":
                found = self._element(binding.expr, current, (*place, *binding.place), depth)
            if found is not None:
                return found
        return None

    def parameter(
        self, function: FunctionId, name: str, depth: int = MAX_DEPTH, declared: bool = False
    ) -> Foreign | None:
        """Whether a parameter's callable comes from outside: from anybody, or for a private function from such a one.

        With `declared` an object of a class of the program counts as well.
        """
        facts = self.types.program.functions[function]
        scope = self.types.scope(function)
        parameter = scope.parameters.get(name)
        if parameter is None:
            return None
        owner = facts.owner is not None and name == scope.first
        if owner or parameter.kind in ("*", "**") or ROLES.search(name) or self.is_decorator(function):
            return None
        if parameter.default is not None and not isinstance(parameter.default, Const):
            return None
        here = Foreign("parameter", source=Stored(function, Name(name), facts.span))
        if not declared and parameter.annotation is not None and _promises(self.types.parameter(scope, parameter)):
            return None
        if not self._private(function):
            return here
        if depth == 0:
            return None
        for caller, given in arguments.given(self.types, function, name):
            if declared and isinstance(given, Name) and given.id in self.types.scope(caller).parameters:
                found = self.parameter(caller, given.id, depth - 1, declared)
            else:
                found = self._place(given, caller, (), depth - 1)
            if found is not None:
                return found
        return None

    def _private(self, function: FunctionId) -> bool:
        name = self.types.program.functions[function].name
        nested = ".<locals>." in function.qualname or "<lambda" in function.qualname
        hidden = any(w.startswith("_") and not w.startswith("__") for w in function.qualname.split("."))
        return nested or hidden or (name.startswith("__") and name not in ("__init__", "__call__", "__setitem__"))

    def is_decorator(self, function: FunctionId) -> bool:
        """Whether a function returns one that is defined in it: what it is given is wrapped, on purpose."""
        for expr in self.types.scope(function).returns:
            for option in options(self.types.evaluate(expr, function)):
                if isinstance(option, FunctionValue) and option.id.qualname.startswith(f"{function.qualname}.<locals>"):
                    return True
        return False

    def _attribute(self, expr: Attr, function: FunctionId, place: tuple[int, ...], depth: int) -> Foreign | None:
        receiver = self.paths.receiver(expr, function)
        if receiver is None or self.types.hierarchy.method(receiver, expr.name) is not None:
            return None
        found = self.types.hierarchy.attribute(receiver, expr.name)
        if found is None or ROLES.search(expr.name):
            return None
        owner, facts = found
        holder = AttributeLock(owner, expr.name)
        for fact in facts:
            scope = self.types.hierarchy.scope_of(owner, fact)
            if fact.value is None or fact.function is None:
                continue
            given = self._place(fact.value, scope, place, depth - 1)
            if given is not None:
                return Foreign("attribute", holder, Stored(scope, fact.value, fact.span), weak=given.weak, base=expr)
        if all(_unset(f) for f in facts) and CALLABLE.search(expr.name):
            fact = facts[0]
            kept = Stored(self.types.hierarchy.scope_of(owner, fact), Const(None), fact.span)
            return Foreign("attribute", holder, kept, sure=False, base=expr)
        return None

    def _element(self, expr: Expr, function: FunctionId, place: tuple[int, ...], depth: int) -> Foreign | None:
        """An element of a collection: what was registered in it."""
        passed = _collection(expr)
        if passed in self.types.scope(function).parameters and not self.types.scope(function).bindings.get(passed):
            return self._passed(passed, function, place, depth)
        base = self.container(expr, function, depth)
        holder = self._holder(base, function) if base is not None else None
        if holder is None:
            return None
        place = self._indexed(expr, function) or place[-1:]
        kept = self.stored(holder)
        for item in kept:
            given = self._place(item.given, item.function, place, depth - 1)
            if given is not None:
                return Foreign("element", holder, item, weak=given.weak, base=base, place=place)
        name = holder.name if isinstance(holder, AttributeLock | GlobalLock) else ""
        if not kept and CALLABLE.search(name) and not ROLES.search(name):
            return Foreign("element", holder, sure=False, base=base)
        for item in kept:
            found = options(self.types.evaluate(part(item.given, place), item.function))
            if any(isinstance(o, FunctionValue | PartialValue) for o in found):
                return Foreign("element", holder, item, base=base, place=place)
        return None

    def _passed(self, name: str, function: FunctionId, place: tuple[int, ...], depth: int) -> Foreign | None:
        """`self._tell(self._listeners, news)`: an element of the collection that a private function is given."""
        if depth == 0 or not self._private(function):
            return None
        for caller, given in arguments.given(self.types, function, name):
            found = self._element(given, caller, place, depth - 1)
            if found is not None:
                return msgspec.structs.replace(found, base=None)
        return None

    def _indexed(self, expr: Expr, function: FunctionId) -> tuple[int, ...]:
        """`entry[0]`: the part of a tuple that a subscript means."""
        match expr:
            case Item(value=value, key=Const(value=int(index))) if index >= 0:
                found = options(self.types.evaluate(value, function))
                return (index,) if any(isinstance(o, TupleValue) for o in found) else ()
            case _:
                return ()

    def container(self, expr: Expr, function: FunctionId, depth: int = MAX_DEPTH) -> Expr | None:
        """The attribute or name whose elements (or elements' elements) an expression gives."""
        if depth == 0:
            return None
        match expr:
            case Call(func=func, args=args) if last_word(func) in _SEES_THROUGH and args:
                return self.container(args[0], function, depth - 1)
            case Call(func=Attr(value=value, name=name)) if name in _LOOKS_INTO:
                return self.container(value, function, depth - 1)
            case Item(value=value) | Logic(values=(value, *_)):
                return self.container(value, function, depth - 1)
            case Name(id=name) if function.qualname != MODULE and self.types.scope(function).binds(name):
                scope = self.types.scope(function)
                bound = [b for b in scope.bindings.get(name, ()) if b.how in ("value", "element")]
                if len(bound) == 1 and bound[0].expr is not None and name not in scope.parameters:
                    return self.container(bound[0].expr, function, depth - 1)
                return None
            case Attr() | Name():
                return expr
            case _:
                return None

    def _holder(self, base: Expr, function: FunctionId) -> LockId | None:
        match base:
            case Attr(name=name):
                receiver = self.paths.receiver(base, function)
                found = self.types.hierarchy.attribute(receiver, name) if receiver is not None else None
                return AttributeLock(found[0], name) if found is not None else None
            case Name(id=name):
                home = self.types.program.home(function.module, name)
                return GlobalLock(*home) if home is not None else None
            case _:
                return None

    def stored(self, holder: LockId) -> tuple[Stored, ...]:
        """What is put into a collection, in a stable order; what an attribute is given counts as well."""
        nothing: tuple[Stored, ...] = ()
        return self.types.memo.solve(("kept", holder), lambda: tuple(self._stored(holder)), nothing)

    def _stored(self, holder: LockId) -> Iterator[Stored]:
        match holder:
            case AttributeLock(owner=owner, name=name):
                for cls in (owner, *self.types.hierarchy.subclasses(owner)[:8]):
                    for function in self.types.hierarchy.own_methods(cls).values():
                        first = Name(self.types.scope(function).first or "")
                        for item, target in writes(self.types, function):
                            if isinstance(target, Attr) and target.name == name and target.value == first:
                                yield item
                found = self.types.hierarchy.attribute(owner, name)
                for fact in found[1] if found is not None else ():
                    if isinstance(fact.value, Name | Logic | IfElse | Attr | Group) and fact.function is not None:
                        for given in fact.value.items if isinstance(fact.value, Group) else (fact.value,):
                            yield Stored(self.types.hierarchy.scope_of(owner, fact), given, fact.span)
            case GlobalLock(module=module, name=name):
                for facts in self.types.program.units[module].facts.functions:
                    for item, target in writes(self.types, FunctionId(module, facts.qualname)):
                        if target == Name(name):
                            yield item
            case _:
                return


def _collection(expr: Expr) -> str:
    """The name whose elements (or elements' elements) an expression gives, if it is a name."""
    match expr:
        case Call(func=func, args=args) if last_word(func) in _SEES_THROUGH and args:
            return _collection(args[0])
        case Call(func=Attr(value=value, name=name)) if name in _LOOKS_INTO:
            return _collection(value)
        case Item(value=value) | Logic(values=(value, *_)):
            return _collection(value)
        case Name(id=name):
            return name
        case _:
            return ""


def _unset(fact: AttributeFact) -> bool:
    return fact.value is None or (isinstance(fact.value, Const) and fact.value.value is None)


def _resolved(value: Value) -> bool:
    """Whether something is known that is called; what nobody can call shows a bag of options for different keys."""
    if any(isinstance(o, TupleValue | Container) for o in options(value)):
        return False
    return not all(isinstance(o, UnknownValue | NoneValue | LibraryInstance) for o in options(value))


def _promises(value: Value) -> bool:
    """Whether an annotation says that the argument is an object of the program or a class, not just any callable."""
    return any(isinstance(o, Instance | ClassValue) for o in options(value))
