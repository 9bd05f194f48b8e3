"""What happens while a function runs, and under which locks: the critical pairs.

After the starvation checker of Infer (`starvationDomain.mli`): one set of pairs serves every rule.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.findings import Confidence
from lockcheck.model.identity import ClassId, FunctionId, LocalLock, LockId
from lockcheck.model.library import Category, Domain, LockKind, Mode
from lockcheck.model.paths import ParameterRoot, Path
from lockcheck.model.source import Span

Action: TypeAlias = Literal["acquire", "call", "event", "contract"]
"""What is done in a step."""


class Step(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """One step of a trace: in `function`, at `span`, something named `text` is acquired, called or waited for."""

    function: FunctionId
    span: Span
    action: Action
    text: str


Trace: TypeAlias = tuple[Step, ...]
"""The steps from a function to an event inside it, the event last. Shorter traces are better, then smaller ones."""


class LockRef(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A lock as a function sees it.

    `path` is the object within one thread of execution (equal paths are the same lock; None: which instance is
    not known). `id` is its identity across threads, None for a parameter whose type only a caller knows.
    `receiver` is the most derived class known of the object that `id`'s attribute hangs on.
    """

    id: LockId | None
    path: Path | None
    kind: LockKind | None
    receiver: ClassId | None = None
    permits: int | None = 1
    guessed: bool = False

    @property
    def domain(self) -> Domain:
        """Whom the lock excludes; a lock of unknown kind is taken for a thread's."""
        return self.kind.domain if self.kind is not None else "thread"

    @property
    def reentrant(self) -> bool:
        """Whether its holder may take it again; unknown counts as yes."""
        return self.kind is None or self.kind.reentrant

    @property
    def open(self) -> bool:
        """Whether only a caller knows which lock this is: it is a parameter."""
        match self:
            case LockRef(id=LocalLock(name=name), path=Path(root=ParameterRoot(name=root), steps=())):
                return name == root
            case _:
                return self.id is None

    @property
    def exclusive(self) -> bool:
        """Whether one holder keeps all others out: not a semaphore with several permits."""
        return self.kind is None or self.kind.shape != "permits" or self.permits == 1


class Held(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A lock that is held: how it was taken, whether on every path (`must`), and the steps that took it.

    `scope` names the exit stack that gives the lock back by itself. `inner` marks a lock that a callee holds:
    it is reported there, here it only tells what else is held. `guards` are the tests under which it was taken, or
    the flags that were set when it was, each with the outcome: where one is tested again, the lock is held or not.
    `promised`: the function's contract says that its caller holds it.
    """

    lock: LockRef
    mode: Mode
    must: bool
    trace: Trace
    scope: str = ""
    inner: bool = False
    guards: tuple[tuple[str, bool], ...] = ()
    promised: bool = False


class Acquire(msgspec.Struct, frozen=True, tag="acquire", gc=False, cache_hash=True):
    """A lock is taken. `blocking`: it may wait; `timed`: not for ever; `awaited`: it is a suspension too.

    `scoped`: only a timeout scope around it ends the wait, which a holder that takes its own lock again always loses.
    """

    lock: LockRef
    mode: Mode
    blocking: bool = True
    timed: bool = False
    awaited: bool = False
    scoped: bool = False


class Block(msgspec.Struct, frozen=True, tag="block", gc=False, cache_hash=True):
    """Something that may take long. `device` is the object it works on, as `Class.attr`, where that is known.

    `timed`: an explicit timeout bounds it; `bounded`: a timeout scope around it does. `runs` are the functions
    that what is waited for runs (a joined thread's target). `hangs_on`: the parameter that is the timeout, None
    where the function's caller gives none. `limit` names the parameter of the call that would bound it, `settled`
    that no number can be added for it: it is given already, or no name and seconds would do.
    """

    category: Category
    name: str
    awaited: bool = False
    timed: bool = False
    bounded: bool = False
    device: LockId | None = None
    runs: tuple[FunctionId, ...] = ()
    releases: LockRef | None = None
    limit: str = ""
    hangs_on: str | None = None
    settled: bool = False


class Suspend(msgspec.Struct, frozen=True, tag="suspend", gc=False, cache_hash=True):
    """Other tasks, or a generator's consumer, run now. `what` is the word in the source."""

    what: Literal["await", "async for", "async with", "async comprehension", "yield"]


class QueueWait(msgspec.Struct, frozen=True, tag="queue", gc=False, cache_hash=True):
    """A queue operation that may wait. `bounded` is None where nothing is known of its bound, see `guessed`.

    `limit` names the parameter of the call that would bound the wait, `settled` says that no number can be added for it;
    `library` is the package of the queue.
    """

    operation: Literal["put", "get", "drain"]
    queue: LockId | None
    name: str
    domain: Domain
    bounded: bool | None
    timed: bool = False
    awaited: bool = False
    scoped: bool = False
    guessed: bool = False
    hangs_on: str | None = None
    limit: str = ""
    library: str = ""
    settled: bool = False


class Callback(msgspec.Struct, frozen=True, tag="callback", gc=False, cache_hash=True):
    """Something that came from outside is called: nobody knows what it does. `path` is where it was kept.

    `holder` names the attribute or collection that keeps it, as `lock_name` does; `source` is where it was given.
    `awaited`: its coroutine is. `known`: functions of the program are among those that are called. `place` is the part
    of what is kept that is called, where that is a tuple.
    """

    path: Path | None
    name: str
    kind: Literal["parameter", "attribute", "element", "future"] = "parameter"
    holder: LockId | None = None
    source: Step | None = None
    awaited: bool = False
    known: bool = False
    place: tuple[int, ...] = ()


class Comeback(msgspec.Struct, frozen=True, tag="comeback", gc=False, cache_hash=True):
    """A callback of a future may run in the middle of a call, and takes `lock`: the trace leads into it.

    `handler` is the callback, `registered` where it is. `at_once`: the call is the registration itself, which runs
    the callback of a future that is done; else it is the call that finishes the future.
    """

    lock: LockRef
    handler: FunctionId
    registered: Step
    at_once: bool


Channel: TypeAlias = Literal["log", "stdout", "stderr"]
"""Where something is said: to the handlers of the log, or to a standard stream."""


class Tell(msgspec.Struct, frozen=True, tag="tell", gc=False, cache_hash=True):
    """Something is said: whoever takes it in runs now, in this thread."""

    channel: Channel


Event: TypeAlias = Acquire | Block | Suspend | QueueWait | Callback | Comeback | Tell


class Operation(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What a function itself does to a lock, at `span` (of the call, or of the item of a `with`).

    `held`: on some path the function holds the lock just then. `waits`: it is a coroutine's operation. `attempt`: the
    acquisition may fail. `condition`: the receiver is a condition. `callee` names the function of the program that
    does it, if one does; `handed`: the operation is not called but given to a pool that calls it.
    """

    action: Literal["acquire", "release", "enter", "wait", "notify"]
    lock: LockRef
    span: Span
    held: bool = False
    waits: bool = False
    attempt: bool = False
    timed: bool = False
    callee: str = ""
    handed: bool = False


class Need(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A call, at `span`, of a function whose contract says that its caller holds `lock`; `held`: this one does."""

    lock: LockRef
    span: Span
    callee: FunctionId
    held: bool


class Condition(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """The pair holds where the object at `path` is an instance of `cls`."""

    path: Path
    cls: ClassId


class CriticalPair(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """An event and the locks held when it happens.

    `trace` leads from the function to the event. `dropped` are locks of the caller that the function has given
    back by then. `conditions` limit the classes of objects involved. `confidence` is the weakest link's.
    `passed` are locks that are taken on every way from the function to the event, as far as that is known: a caller that
    holds one of them, and cannot take it twice, does not come to the event.
    """

    held: tuple[Held, ...]
    event: Event
    trace: Trace
    dropped: tuple[LockRef, ...] = ()
    conditions: tuple[Condition, ...] = ()
    confidence: Confidence = Confidence.HIGH
    passed: frozenset[Path] = frozenset()


class Summary(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What callers need to know of a function.

    `pairs`: events that callers may be holding locks around (see `lockcheck.analysis.summarise.exports`).
    `leaves`: locks still held when it returns; `releases`: locks of the caller that it gives back for good.
    `around`: for a context manager, the locks held while the body of its `with` runs; for a decorator's
    wrapper, those held while the wrapped function runs. `lent`: locks of the caller given back around that body.
    `passed`: locks taken on every way to its end; `stuck`: it has none, for it waits for itself.
    """

    pairs: tuple[CriticalPair, ...] = ()
    leaves: tuple[Held, ...] = ()
    releases: tuple[LockRef, ...] = ()
    around: tuple[Held, ...] = ()
    lent: tuple[LockRef, ...] = ()
    passed: frozenset[Path] = frozenset()
    stuck: bool = False


EMPTY = Summary()
