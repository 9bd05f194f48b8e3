"""The life of a worker: from the start of its thread, process, job or task to the places at which it may end."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.frame import Spawned
from lockcheck.analysis.summarise.runners import is_run
from lockcheck.model.events import Block
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span

_LIVES = {"thread", "process", "pool", "loop"}


class Start(msgspec.Struct, frozen=True, order=True, gc=False):
    """Who makes a worker run."""

    maker: FunctionId
    spawned: Spawned


class Lives:
    """Which functions only workers run, and which workers these are."""

    def __init__(self, analysis: Analysis) -> None:
        """Sort what is started and what is called by the function that it is."""
        self.analysis = analysis
        self.starts: dict[FunctionId, list[Start]] = {}
        self.callers: dict[FunctionId, set[FunctionId]] = {}
        for result in analysis.results:
            for call in result.calls:
                self.callers.setdefault(call.callee, set()).add(result.function)
            for item in result.spawned:
                self.starts.setdefault(item.function, []).append(Start(result.function, item))

    def of(self, function: FunctionId, seen: frozenset[FunctionId] = frozenset()) -> frozenset[FunctionId] | None:
        """The functions with which the workers begin that run a function; None where others may run it too."""
        if function in seen:
            return frozenset()
        starts = self.starts.get(function, [])
        callers = self.callers.get(function, set())
        begins = bool(starts) or is_run(self.analysis.engine, function)
        if not all(self._is_life(start) for start in starts) or not (begins or (callers and self._hidden(function))):
            return None
        found: frozenset[FunctionId] = frozenset((function,)) if begins else frozenset()
        for caller in callers:
            inner = self.of(caller, seen | {function})
            if inner is None:
                return None
            found |= inner
        return found

    def _is_life(self, start: Start) -> bool:
        """Whether what is started goes on by itself until it ends, and nobody is told when it fails."""
        context = start.spawned.context
        task = self.analysis.facts(start.spawned.function).is_async
        return start.spawned.alone and context in _LIVES and (context != "loop" or task)

    def _hidden(self, function: FunctionId) -> bool:
        """Whether nobody but the callers that are known calls a function, as far as its name tells."""
        name = self.analysis.facts(function).name
        private = (name.startswith("_") and not name.startswith("__")) or ".<locals>." in function.qualname
        known = set(self.analysis.program.callers(name))
        return private and len(known) <= len(self.callers.get(function, set()))

    def watched(self, worker: FunctionId, function: FunctionId, span: Span) -> bool:
        """Whether who made a task or job learns of its failure before it comes to wait at a place of `function`."""
        for start in self.starts.get(worker, ()):
            if start.spawned.context not in ("loop", "pool"):
                continue
            result = self.analysis.engine.results.get(start.maker)
            for pair in result.pairs if result is not None else ():
                asks = isinstance(pair.event, Block) and pair.event.category == "result" and len(pair.trace) == 1
                if asks and not (start.maker == function and span < pair.trace[0].span):
                    return True
        return False
