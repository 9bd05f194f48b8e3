"""Which of a module's objects a private function is given: all its callers are known, and each names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.bodies import calls_in
from lockcheck.analysis.link.values import ClassValue, options
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.analysis.summarise.threads import Threads, begun, own
from lockcheck.model.expression import Attr, Call, Const, Expr, Name, last_word
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import GlobalRoot, ParameterRoot, Path

MAX_GIVEN = 16
"""A function that is given more objects than this is taken for one that is given any."""

Together: TypeAlias = "frozenset[tuple[Path, ...]]"
"""What a function is given for some of its parameters, once for each way in which it is called."""


class Objects:
    """Objects that have a name in a module: each is made there once, and is no other one."""

    def __init__(self, schedule: Schedule, threads: Threads) -> None:
        """Answers are found when they are asked for."""
        self._schedule = schedule
        self._threads = threads
        self._given: dict[tuple[FunctionId, tuple[str, ...]], Together | None] = {}
        self._own: dict[Path, bool] = {}

    def apart(self, one: FunctionId, first: Path | None, other: FunctionId, second: Path | None) -> bool:
        """Whether two paths, each as its function sees it, never lead to the same object."""
        if first is None or second is None or first.steps != second.steps:
            return False
        here, there = self.of(one, (first,)), self.of(other, (second,))
        return here is not None and there is not None and not here & there

    def named(self, function: FunctionId, path: Path) -> Path | None:
        """A path of a function as its module would write it, if it is one object however the function is called."""
        ways = self.of(function, (path,))
        return Path(next(iter(ways))[0].root, path.steps) if ways is not None and len(ways) == 1 else None

    def same(self, function: FunctionId, one: Path, other: Path) -> bool:
        """Whether two paths of a function lead to one object however it is called."""
        ways = self.of(function, (one, other)) if one.steps == other.steps else None
        return ways is not None and all(first == second for first, second in ways)

    def of(self, function: FunctionId, paths: tuple[Path, ...]) -> Together | None:
        """The objects behind the roots of paths, for each way in which the function is called; None if not known."""
        names = tuple(dict.fromkeys(p.root.name for p in paths if isinstance(p.root, ParameterRoot)))
        given = self._together(function, names) if names else frozenset({()})
        if given is None or not all(isinstance(p.root, ParameterRoot) or self._is_one(Path(p.root)) for p in paths):
            return None
        return frozenset(
            tuple(way[names.index(p.root.name)] if isinstance(p.root, ParameterRoot) else Path(p.root) for p in paths)
            for way in given
        )

    def _together(self, function: FunctionId, names: tuple[str, ...]) -> Together | None:
        key = (function, names)
        if key not in self._given:
            self._given[key] = None  # who calls itself is given what is not known
            self._given[key] = self._find(function, names)
        return self._given[key]

    def _find(self, function: FunctionId, names: tuple[str, ...]) -> Together | None:
        scope = self._schedule.types.scope(function)
        if any(name in scope.bindings for name in names) or not self._threads.known(function):
            return None
        found: set[tuple[Path, ...]] = set()
        for caller in sorted(self._threads.runners(function)):
            calls = list(self._calls(caller, function))
            if not calls:
                return None
            for call in calls:
                ways = self._way(function, names, caller, call)
                if ways is None:
                    return None
                found |= ways
        return frozenset(found) if 0 < len(found) <= MAX_GIVEN else None

    def _way(self, function: FunctionId, names: tuple[str, ...], caller: FunctionId, call: Call) -> Together | None:
        """What one call gives for the parameters; where the caller was given that itself, for each way to the caller."""
        paths: list[Path] = []
        for name in names:
            expr = self._argument(function, name, call)
            path = self._schedule.paths.of(expr, caller) if expr is not None else None
            if path is None or path.steps:
                return None
            paths.append(path)
        return self.of(caller, tuple(paths))

    def _argument(self, function: FunctionId, name: str, call: Call) -> Expr | None:
        facts = self._schedule.program.functions[function]
        first = own(facts)
        if name == first:
            return call.func.value if isinstance(call.func, Attr) else None
        names = [p.name for p in facts.parameters if p.kind in "pa"]
        return locks.argument(call, name, names.index(name) - (first is not None)) if name in names else None

    def _calls(self, caller: FunctionId, function: FunctionId) -> Iterator[Call]:
        """The calls of a function in another one's body, and those that its threads begin with there."""
        name = self._schedule.program.functions[function].name
        for call in calls_in(self._schedule.program.body(caller)):
            first = begun(call)
            if last_word(call.func) == name:
                yield call
            elif first is not None and last_word(first.func) == name:
                yield first

    def _is_one(self, path: Path) -> bool:
        """Whether a path is the name of a module's object that is made once, from nothing that others have too."""
        if path not in self._own:
            self._own[path] = self._made(path)
        return self._own[path]

    def _made(self, path: Path) -> bool:
        if not isinstance(path.root, GlobalRoot) or path.steps:
            return False
        values = self._schedule.program.global_values(path.root.module, path.root.name)
        if len(values) != 1 or not isinstance(values[0][1], Call):
            return False
        call, types = values[0][1], self._schedule.types
        if locks.known(types.evaluate(Name(path.root.name), FunctionId(path.root.module, values[0][0].qualname))):
            return True
        made = list(options(types.evaluate(call.func, values[0][0])))
        plain = all(isinstance(c, ClassValue) and not self._shares(c) for c in made)
        return (
            bool(made) and plain and all(isinstance(a, Const) for a in (*call.args, *(k.value for k in call.keywords)))
        )

    def _shares(self, cls: ClassValue) -> bool:
        """Whether a class may give the same object twice."""
        return self._schedule.hierarchy.method(cls.id, "__new__") is not None
