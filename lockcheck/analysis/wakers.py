"""Who can end a wait for an object: every call that puts, sets, notifies or closes, and who else may know the object."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from lockcheck.analysis.link import locks, results
from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.link.values import (
    ClassValue,
    External,
    LibraryInstance,
    LibraryMethod,
    LockValue,
    QueueValue,
    options,
)
from lockcheck.analysis.loops import calls_in
from lockcheck.analysis.summarise import Analysis, outcomes
from lockcheck.model.expression import Attr, Call, Expr, Group, Name, Star, last_word
from lockcheck.model.facts import MODULE
from lockcheck.model.flow import Return
from lockcheck.model.identity import AttributeLock, ClassId, ElementLock, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.library import Effect
from lockcheck.model.source import Span

Key: TypeAlias = "LockId | tuple[FunctionId, Span]"
"""An object by its holder or by the call that made it."""
_SEND = ("send", "send_nowait")
"""What the other end of a channel is told."""
_CLOSE = ("close", "aclose", "shutdown")
_NOTIFY = ("notify", "notify_all", "notifyAll")
_DEPTH = 4


class Waker(msgspec.Struct, frozen=True, order=True, gc=False):
    """A call that can end a wait, or that hands on the method that does."""

    function: FunctionId
    span: Span
    text: str


class Calling(msgspec.Struct, frozen=True, gc=False):
    """A call of a method, with the last word of its receiver and the objects that this may be."""

    waker: Waker
    receiver: str | None
    keys: frozenset[Key]


class Methods:
    """The calls of methods by their names: what each works on is found out once for all waits."""

    def __init__(self, analysis: Analysis) -> None:
        """Nothing is looked at before it is asked for."""
        self.analysis = analysis
        self._known: dict[str, list[Calling]] = {}
        self._left: dict[str, Iterator[Calling]] = {}

    def calls(self, word: str) -> Iterator[Calling]:
        """Every call of a method by this name, in a stable order."""
        known = self._known.setdefault(word, [])
        left = self._left.setdefault(word, self._look(word))
        for place in itertools.count():
            if place == len(known):
                known += itertools.islice(left, 1)
            if place == len(known):
                return
            yield known[place]

    def _look(self, word: str) -> Iterator[Calling]:
        for function in self.analysis.program.callers(word):
            for call in self.analysis.engine.types.scope(function).calls.get(word, ()):
                if isinstance(call.func, Attr):
                    keys = self.identities(call.func.value, function)
                    yield Calling(Waker(function, call.span, _spelled(call.func)), last_word(call.func.value), keys)

    def identities(self, expr: Expr, function: FunctionId) -> frozenset[Key]:
        """The objects that an expression may be, as far as they can be told apart from others."""
        found: set[Key] = set()
        for option in options(self.analysis.engine.types.evaluate(expr, function)):
            match option:
                case QueueValue(pair=pair) if pair is not None:
                    found.add(pair)
                case QueueValue(holder=holder) if holder is not None:
                    found.add(holder)
                case LockValue(id=lock, condition=True):
                    found.add(lock)
                case LibraryInstance(origin=origin) if origin is not None:
                    found.add((origin.function, origin.call.span))
                case _:
                    pass
        return frozenset(found)


class Wakers:
    """The calls of a program that work on one object."""

    def __init__(self, methods: Methods, receiver: Expr, function: FunctionId) -> None:
        """Name the object that an expression in a function is."""
        self.analysis = methods.analysis
        self.receiver = receiver
        self._methods = methods
        self.keys = self.identities(receiver, function)
        self.words = self._words(function)
        self.escaped = False
        self._name = last_word(receiver)

    def identities(self, expr: Expr, function: FunctionId) -> frozenset[Key]:
        """The objects that an expression may be, as far as they can be told apart from others."""
        return self._methods.identities(expr, function)

    def _words(self, function: FunctionId) -> frozenset[str]:
        found: set[str] = set()
        library = self.analysis.engine.library
        for option in options(self.analysis.engine.types.evaluate(self.receiver, function)):
            match option:
                case QueueValue(type=name):
                    found |= (library.acting(name, "put") or set(_SEND)) | set(_CLOSE)
                case LockValue(condition=True):
                    found.update(_NOTIFY)
                case LibraryInstance(type=name):
                    found |= library.acting(name, "set")
                case _:
                    pass
        return frozenset(found)

    def all(self, fits: Callable[[FunctionId], bool]) -> tuple[Waker, ...]:
        """Every call that can end the wait; none where code that is not seen may have the object.

        Nor are there any where one is in a function that does not fit: then the others need not be looked for.
        """
        if not self.keys or not self.words:
            return ()
        found: set[Waker] = set()
        for waker in self._direct():
            if waker is None or not fits(waker.function):
                return ()
            found.add(waker)
        found |= self._handed()
        return () if self.escaped else tuple(sorted(found))

    def _direct(self) -> Iterator[Waker | None]:
        """Calls of the object's own methods; None for one that may be on it."""
        for word in sorted(self.words):
            for calling in self._methods.calls(word):
                if calling.keys & self.keys:
                    yield calling.waker
                elif not calling.keys and calling.receiver == self._name:
                    yield None

    def _handed(self) -> set[Waker]:
        """Calls that hand on a method of the object; whether the object itself gets out of sight is noted."""
        found: set[Waker] = set()
        waiting = [(function, 0) for function in self._insiders()]
        seen = {function for function, _ in waiting}
        while waiting and not self.escaped:
            function, depth = waiting.pop()
            for call in calls_in(self.analysis, function):
                for given in _arguments(call):
                    if isinstance(given, Attr) and given.name in self.words and self._is(given.value, function):
                        found.add(Waker(function, call.span, _spelled(given)))
                    elif self._is(given, function):
                        inner = self._receivers(call, function)
                        self.escaped = self.escaped or inner is None or depth >= _DEPTH
                        fresh = [f for f in inner or () if f not in seen]
                        seen.update(fresh)
                        waiting += [(f, depth + 1) for f in fresh]
            self.escaped = self.escaped or self._returned(function)
        return found

    def _is(self, expr: Expr, function: FunctionId) -> bool:
        return isinstance(expr, Name | Attr) and bool(self.identities(expr, function) & self.keys)

    def _returned(self, function: FunctionId) -> bool:
        """Whether a public function gives the object to whoever calls it."""
        if self.analysis.facts(function).name.startswith("_"):
            return False
        for step in steps(self.analysis.program.body(function)):
            if isinstance(step, Return) and step.value is not None and self._is(step.value, function):
                return True
        return False

    def _insiders(self) -> Iterator[FunctionId]:
        """Functions that may name the object: of its class, of its module, or around the place where it is made."""
        hierarchy = self.analysis.engine.hierarchy
        found: dict[FunctionId, None] = {}
        for key in sorted(self.keys, key=repr):
            home, owner = _home(key)
            owner = owner or (self.analysis.engine.types.owner(home) if home is not None else None)
            if owner is not None:
                for cls in (owner, *hierarchy.subclasses(owner)):
                    found.update(dict.fromkeys(hierarchy.own_methods(cls).values()))
            elif home is not None:
                found[home] = None
        for function in list(found):
            inside = "" if function.qualname == MODULE else f"{function.qualname}.<locals>."
            for facts in self.analysis.program.units[function.module].facts.functions:
                if facts.qualname.startswith(inside):
                    found[FunctionId(function.module, facts.qualname)] = None
        yield from (function for function in found if function in self.analysis.program.functions)

    def _receivers(self, call: Call, function: FunctionId) -> tuple[FunctionId, ...] | None:
        """The functions that a call gives the object to; None where they are not known."""
        engine = self.analysis.engine
        targets = [t.function for t in engine.targets.of(call.func, function)]
        if targets:
            return tuple(dict.fromkeys(f for t in targets for f in self._fellows(t)))
        for option in options(engine.types.evaluate(call.func, function)):
            effect: Effect | None = None
            match option:
                case External(name=name):
                    if name.startswith(("builtins.isinstance", "builtins.id", "builtins.repr", "logging.")):
                        return ()
                    effect = engine.library.call(name) or engine.library.constructor(name)
                case LibraryMethod():
                    effect = results.method_effect(engine.types, option)
                case ClassValue():
                    return ()
                case _:
                    pass
            if effect is not None and effect.spawn is not None:
                given = locks.argument(call, effect.spawn.parameter, effect.spawn.position)
                return outcomes.functions_of(engine, function, given) or None
        return None

    def _fellows(self, function: FunctionId) -> Iterator[FunctionId]:
        """A function, and for a constructor the methods of its class, which find the object in an attribute."""
        yield function
        owner = self.analysis.engine.types.owner(function)
        if owner is not None and self.analysis.facts(function).name == "__init__":
            yield from self.analysis.engine.hierarchy.own_methods(owner).values()


def _spelled(method: Attr) -> str:
    return f"{last_word(method.value)}.{method.name}"


def _home(key: Key) -> tuple[FunctionId | None, ClassId | None]:
    """The function, or the class, at whose code an object is at home."""
    match key:
        case AttributeLock(owner=owner):
            return None, owner
        case GlobalLock(module=module):
            return FunctionId(module, MODULE), None
        case LocalLock(function=function):
            return function, None
        case ElementLock(container=container):
            return _home(container)
        case (function, _):
            return function, None


def _arguments(call: Call) -> Iterator[Expr]:
    for given in (*call.args, *(k.value for k in call.keywords)):
        inner = given.value if isinstance(given, Star) else given
        yield from inner.items if isinstance(inner, Group) else (inner,)
