"""In which threads a function may run, as far as all who run it are known."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.bodies import calls_in, expressions, steps, walk
from lockcheck.analysis.summarise.schedule import Schedule
from lockcheck.model.expression import Attr, Call, Group, Name, last_word
from lockcheck.model.facts import MODULE, FunctionFacts
from lockcheck.model.flow import Assign
from lockcheck.model.identity import FunctionId

_THREAD = {"thread", "process"}


class Thread(msgspec.Struct, frozen=True, order=True, gc=False):
    """A thread by the function that it runs and the function that makes it; `row` is where.

    `called`: it is no thread of its own but a call from a module's body, begun and ended at that row.
    """

    target: FunctionId
    maker: FunctionId
    repeated: bool
    row: int
    called: bool = False


def own(facts: FunctionFacts) -> str | None:
    """The parameter that is a method's own object."""
    plain = any(isinstance(d, Name) and d.id == "staticmethod" for d in facts.decorators)
    names = [p.name for p in facts.parameters if p.kind in "pa"]
    return names[0] if names and facts.owner is not None and not plain else None


def begun(call: Call) -> Call | None:
    """The call that a thread begins with, where one is made: `Thread(target=run, args=(box,))` calls `run(box)`."""
    target, args = locks.argument(call, "target", None), locks.argument(call, "args", None)
    if target is None or not (args is None or isinstance(args, Group)):
        return None
    return Call(target, args.items if args is not None else (), (), call.span)


class Threads:
    """Threads of private functions: of one that only known threads run, and of what only that calls.

    A module's body is run by one thread too: what only it calls is done there, one call after the other.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Propagate from thread targets to what they call."""
        self._schedule = schedule
        self._callers: dict[FunctionId, set[FunctionId]] = {}
        self._spawned: dict[FunctionId, set[Thread]] = {}
        self._elsewhere: set[FunctionId] = set()
        self._handed: dict[FunctionId, bool] = {}
        self._known: dict[FunctionId, bool] = {}
        for function in sorted(schedule.results):
            result = schedule.results[function]
            for call in result.calls:
                self._callers.setdefault(call.callee, set()).add(function)
            for item in result.spawned:
                if item.context in _THREAD:
                    thread = Thread(item.function, function, item.repeated, item.row)
                    self._spawned.setdefault(item.function, set()).add(thread)
                else:
                    self._elsewhere.add(item.function)

    def of(self, function: FunctionId, seen: frozenset[FunctionId] = frozenset()) -> frozenset[Thread] | None:
        """The threads that run a function; None where anybody may."""
        if function in seen or not self.known(function):
            return None
        found = set(self._spawned.get(function, ()))
        for caller in self._callers.get(function, ()):
            threads = (
                self.calls_from(caller, function) if caller.qualname == MODULE else self.of(caller, seen | {function})
            )
            if threads is None:
                return None
            found |= threads
        return frozenset(found)

    def known(self, function: FunctionId) -> bool:
        """Whether all who run a function are known."""
        if function not in self._known:
            self._known[function] = self._is_known(function)
        return self._known[function]

    def _is_known(self, function: FunctionId) -> bool:
        name = self._schedule.program.functions[function].name
        spawned = self._spawned.get(function, set())
        private = name.startswith("_") and not name.startswith("__")
        if function in self._elsewhere or not (private or (spawned and name == "run")):
            return False
        callers = self._callers.get(function, set())
        known = self._schedule.program.callers(name)
        return callers.issuperset(known) and bool(callers or spawned) and not self._is_handed_on(function, name)

    def runners(self, function: FunctionId) -> frozenset[FunctionId]:
        """The functions that call a function or start threads with it."""
        makers = {thread.maker for thread in self._spawned.get(function, ())}
        return frozenset(self._callers.get(function, set()) | makers)

    def begun(self, function: FunctionId) -> frozenset[Thread]:
        """The threads that begin with a function."""
        return frozenset(self._spawned.get(function, ()))

    def callers(self, function: FunctionId) -> list[FunctionId]:
        """The functions that call a function themselves."""
        return sorted(self._callers.get(function, ()))

    def calls_from(self, module: FunctionId, function: FunctionId) -> frozenset[Thread]:
        """The calls of a function from a module's body."""
        name = self._schedule.program.functions[function].name
        return frozenset(
            Thread(function, module, repeated=False, row=call.span.row, called=True)
            for call in self._schedule.types.scope(module).calls.get(name, ())
        )

    def _is_handed_on(self, function: FunctionId, name: str) -> bool:
        """Whether the function is also a value that goes somewhere, beside to the threads that run it."""
        if function not in self._handed:
            makers = [thread.maker for thread in self._spawned.get(function, ())]
            self._handed[function] = any(
                (mentions := self._mentions(each, name)) > makers.count(each)
                and mentions > makers.count(each) + self._lent(each, function, name)
                for each in self._schedule.program.speaking_of(name)
            )
        return self._handed[function]

    def _mentions(self, function: FunctionId, name: str) -> int:
        """How often the body of a function names something without calling it."""
        count = 0
        for step in steps(self._schedule.program.body(function)):
            for outer in expressions(step):
                for expr in walk(outer):
                    count += isinstance(expr, Name | Attr) and last_word(expr) == name
                    count -= isinstance(expr, Call) and last_word(expr.func) == name
        return count

    def _lent(self, function: FunctionId, given: FunctionId, name: str) -> int:
        """How often a function gives another one to somebody who does nothing but call it, before he returns.

        That is as if it called it itself, and it counts as its caller.
        """
        callers = self._callers.get(given, set())
        count = 0
        for call in calls_in(self._schedule.program.body(function)):
            first = begun(call)
            for made in (call,) if first is None else (call, first):
                for place, arg in enumerate(made.args):
                    if isinstance(arg, Name | Attr) and last_word(arg) == name:
                        runner = self._only_calls(function, made, place)
                        count += runner is not None and (function if made is call else runner) in callers
        return count

    def _only_calls(self, function: FunctionId, call: Call, place: int) -> FunctionId | None:
        """Who gets what a call gives at a place, if all that he does with it is to call it."""
        targets = self._schedule.targets.of(call.func, function)
        if len(targets) != 1 or targets[0].partial is not None:
            return None
        runner = targets[0].function
        facts = self._schedule.program.functions[runner]
        names = [p.name for p in facts.parameters if p.kind in "pa"][own(facts) is not None :]
        if facts.is_async or facts.is_generator or place >= len(names):
            return None
        name, nested = names[place], f"{facts.qualname}.<locals>."
        program = self._schedule.program
        kept = (
            name in self._schedule.types.scope(runner).bindings
            or any(
                f.qualname.startswith(nested) and program.speaks_of(f, name)
                for f in program.functions_of(runner.module)
            )
            or self._mentions(runner, name) != 0
        )
        return None if kept else runner

    def apart(self, one: FunctionId, one_row: int, other: FunctionId, other_row: int, one_object: bool) -> bool:
        """Whether two places never run at the same time.

        They don't where one thread runs both (`one_object`: its maker may make one for each object, which is as
        good), where one place is in the function that makes the other's thread, before the start or after the join,
        and where the threads of one place are joined before those of the other one start.
        """
        first, second = self.of(one), self.of(other)
        if first and second and all(self.in_turn(a, b, one_object) for a in first for b in second):
            return True
        return self._outside(one, one_row, second) or self._outside(other, other_row, first)

    def in_turn(self, one: Thread, other: Thread, one_object: bool) -> bool:
        """Whether two threads are one, or the one ends before the other begins."""
        if one.maker != other.maker or one.repeated or other.repeated:
            return False
        if not (one_object or one.maker.qualname == MODULE):
            return False
        if one == other:
            return True
        (start, end), (next_start, next_end) = self._life(one), self._life(other)
        if start is None or next_start is None:
            return False
        return (end is not None and end <= next_start) or (next_end is not None and next_end <= start)

    def _outside(self, function: FunctionId, row: int, threads: frozenset[Thread] | None) -> bool:
        if threads is None or not threads:
            return False
        return all(t.maker == function and not t.repeated and self._idle(t, row) for t in threads)

    def _idle(self, thread: Thread, row: int) -> bool:
        """Whether a thread that a local name holds is not started yet, or joined, at a row of its maker."""
        start, join = self._life(thread)
        return start is not None and (row < start or (join is not None and row > join))

    def _life(self, thread: Thread) -> tuple[int | None, int | None]:
        """The rows of its maker at which a thread that a local name holds is started and joined."""
        if thread.called:
            return thread.row, thread.row
        name: str | None = None
        start, join = None, None
        for step in steps(self._schedule.program.body(thread.maker)):
            if isinstance(step, Assign) and step.span.row <= thread.row <= step.span.end_row:
                name = next((t.id for t in step.targets if isinstance(t, Name)), None)
            for expr in expressions(step):
                for call in walk(expr):
                    if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.value == Name(name or ""):
                        if call.func.name == "start":
                            start = call.span.row
                        elif call.func.name == "join" and not call.args and not call.keywords:
                            join = call.span.row
        return start, join
