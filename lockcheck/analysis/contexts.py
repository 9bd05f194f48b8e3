"""Who runs a function: a thread, a task of an event loop, a pool, or whoever calls it."""

from __future__ import annotations

from collections import deque
from typing import Literal, TypeAlias

import msgspec

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.frame import Spawned
from lockcheck.analysis.summarise.runners import is_run
from lockcheck.model.facts import MODULE
from lockcheck.model.identity import FunctionId

Kind: TypeAlias = Literal[
    "loop", "thread", "pool", "process", "signal", "finaliser", "exit", "hook", "callback", "import", "caller"
]
"""`caller`: whoever calls `function` from outside what is seen. The others are those of `Spawn`, and imports."""

MAX_CALLERS = 300
"""Functions that are looked through on the way back to who runs them."""


class Context(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where something runs: it begins with `function`; `maker` is who starts it, at `row`, where that is known."""

    kind: Kind
    function: FunctionId
    maker: FunctionId | None = None
    row: int = 0


class Contexts:
    """The beginnings of all that runs, found by going from callees to callers."""

    def __init__(self, analysis: Analysis) -> None:
        """Turn calls and starts round."""
        self._analysis = analysis
        self._callers: dict[FunctionId, list[FunctionId]] = {}
        self._starts: dict[FunctionId, list[tuple[FunctionId, Spawned]]] = {}
        for result in analysis.results:
            for call in result.calls:
                self._callers.setdefault(call.callee, []).append(result.function)
            for item in result.spawned:
                self._starts.setdefault(item.function, []).append((result.function, item))

    def callers(self, function: FunctionId) -> list[FunctionId]:
        """The functions that are seen to call a function, in a stable order."""
        return self._callers.get(function, [])

    def of(self, function: FunctionId) -> tuple[Context, ...]:
        """Who runs a function, sorted, each once."""
        found: set[Context] = set()
        seen = {function}
        pending = deque([function])
        while pending and len(seen) < MAX_CALLERS:
            here = pending.popleft()
            found |= self._begins(here)
            if self._analysis.facts(here).is_async:
                continue
            for caller in self.callers(here):
                if caller not in seen:
                    seen.add(caller)
                    pending.append(caller)
        return tuple(sorted(found)) or (Context("caller", function),)

    def _begins(self, function: FunctionId) -> set[Context]:
        """What begins with a function itself."""
        facts = self._analysis.facts(function)
        if function.qualname == MODULE or function.qualname.endswith(".<body>"):
            return {Context("import", function)}
        if facts.is_async:
            return {Context("loop", function)}
        found = {
            Context(kind, function, maker, item.row)
            for maker, item in self._starts.get(function, ())
            if (kind := _kind(item.context)) is not None
        }
        if not found and is_run(self._analysis.engine, function):
            found.add(Context("thread", function))
        if not found and not any(caller != function for caller in self.callers(function)):
            found.add(Context("caller", function))
        return found


def _kind(word: str) -> Kind | None:
    match word:
        case "loop" | "thread" | "pool" | "process" | "signal" | "finaliser" | "exit" | "hook" | "callback":
            return word
        case _:
            return None
