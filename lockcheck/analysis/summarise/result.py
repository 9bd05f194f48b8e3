"""What was found out about one function."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.summarise.frame import Around, Spawned
from lockcheck.model.events import CriticalPair, Need, Operation, Summary
from lockcheck.model.identity import FunctionId


class Result(msgspec.Struct, frozen=True, gc=False):
    """What was found out about one function: all its pairs, what callers see, and what it runs elsewhere.

    `calls` are its callees, with what is around every call of them; `operations` what it does to locks itself;
    `needs` its calls of functions whose contract asks for a lock; `started` what threads that it starts do, where
    which locks these are is known from the start alone.
    """

    function: FunctionId
    pairs: tuple[CriticalPair, ...]
    summary: Summary
    spawned: tuple[Spawned, ...] = ()
    calls: tuple[Around, ...] = ()
    operations: tuple[Operation, ...] = ()
    needs: tuple[Need, ...] = ()
    started: tuple[CriticalPair, ...] = ()
