"""What libraries do, as values: the shape of the knowledge tables once they are read.

A *callable* is named by its qualified name as users import it (`requests.get`, `socket.socket.recv`). What a
call does is an `Effect`; what an object is, is a `LibraryType`. Both are data: adding a library adds a table.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Domain: TypeAlias = Literal["thread", "process", "async"]
"""Who is excluded: threads of a process, processes (file locks too), or tasks of an event loop."""

Shape: TypeAlias = Literal["mutex", "condition", "permits", "readwrite"]
"""`mutex` one holder; `condition` a mutex with wait and notify; `permits` a semaphore or limiter; `readwrite`."""

Mode: TypeAlias = Literal["exclusive", "read", "write", "permit"]
"""How a lock is taken."""

Category: TypeAlias = Literal[
    "network", "database", "subprocess", "file", "sleep", "join", "result", "wait", "queue", "input", "fork"
]
"""Why a call may take long: what it waits for. `fork` does not wait: it copies the process, its locks with it."""

Operation: TypeAlias = Literal[
    "acquire",
    "release",
    "locked",
    "wait",
    "notify",
    "put",
    "get",
    "drain",
    "task_done",
    "close",
    "start",
    "set",
    "done",
]
"""What a method of a primitive does to it. `drain` is a queue's `join()`: it waits until every item is done."""


class LockKind(msgspec.Struct, frozen=True):
    """What a lock is.

    `name` is the constructor's qualified name. `reentrant` is whether its holder may take it again (a thread,
    or for `async` a task). `wraps` names the parameter through which a condition is given its lock, `inner`
    the constructor of the lock it makes when it is given none. `permits` names the parameter that counts permits.
    Of a read-write lock, `rereads` is whether a reader may read again though a writer waits, and `upgrades` whether
    it may go on to write. `methods` are those that a class of the program has to be taken and given back by; a
    library's lock has them all.
    """

    name: str
    domain: Domain
    shape: Shape = "mutex"
    reentrant: bool = False
    wraps: str | None = None
    inner: str | None = None
    permits: str | None = None
    rereads: bool = False
    upgrades: bool = False
    methods: frozenset[str] = frozenset()


class QueueKind(msgspec.Struct, frozen=True):
    """What a queue or channel is.

    `bound` names the parameter of its constructor that limits it; None with `bounded` None means never bounded
    (`SimpleQueue`), None with `bounded` True always. `unbounded_at_zero`: a bound of 0 or less means no bound.
    `default_bound` is what the constructor takes where the parameter is left out. `stack`: last in, first out.
    """

    name: str
    domain: Domain
    bound: str | None = None
    default_bound: int | None = 0
    unbounded_at_zero: bool = True
    stack: bool = False


class Limit(msgspec.Struct, frozen=True):
    """The parameter that bounds how long a call waits.

    `position` counts from 0 without the receiver; `default` is what holds where it is not given: None waits for
    ever, a number is a bound in seconds. `odd` is a parameter that
    `timeout=30` would not do for: it has no name for callers, or counts milliseconds without saying so.
    """

    name: str
    position: int | None = None
    default: float | None = None
    odd: bool = False


class Flag(msgspec.Struct, frozen=True):
    """A parameter that, given as `value`, keeps the call from waiting at all (`block=False`, `wait=False`)."""

    name: str
    position: int | None = None
    value: bool = False


class Spawn(msgspec.Struct, frozen=True):
    """A call that makes a callable or coroutine run elsewhere, later, with nothing held.

    `parameter` names what runs, `position` its place; `context` is where; `started_by` the method that starts
    it (None: the call itself does). `together`: its failure ends whatever else runs in the same group.
    """

    context: Literal["loop", "thread", "pool", "process", "signal", "finaliser", "exit", "hook", "callback"]
    parameter: str
    position: int | None = None
    started_by: str | None = None
    together: bool = False


class Effect(msgspec.Struct, frozen=True):
    """What calling something does.

    `blocks`: it may take long, and why. `awaitable`: it is a coroutine function, the effect comes when it is
    awaited. `limit`, `flag`: what bounds or prevents the wait. `returns`: the type of the result (of the awaited
    result). `operation`: what it does to the primitive it is called on. `mode`: how `acquire` takes it, or, for a
    call whose result is a context manager that holds the receiver, how it is held. `spawn`: what it runs elsewhere.
    `scope`: a context manager that bounds every wait inside. `bounds`: the parameter holding an awaitable that
    this call awaits under a limit (`asyncio.wait_for`). `awaits`: it awaits the awaitables it is given (`gather`).
    `runs`: the parameter holding a callable that it calls at once, in this thread (`functools.reduce`).
    """

    blocks: Category | None = None
    awaitable: bool = False
    limit: Limit | None = None
    flag: Flag | None = None
    returns: str | None = None
    operation: Operation | None = None
    mode: Mode | None = None
    spawn: Spawn | None = None
    scope: bool = False
    bounds: str | None = None
    awaits: bool = False
    runs: str | None = None


class LibraryType(msgspec.Struct, frozen=True):
    """A class of a library: what it is based on, and what its methods and attributes are.

    `entered` is the type that `with` binds (None: the object itself).
    """

    name: str
    bases: tuple[str, ...] = ()
    lock: LockKind | None = None
    queue: QueueKind | None = None
    constructor: Effect | None = None
    methods: dict[str, Effect] = {}
    attributes: dict[str, str] = {}
    entered: str | None = None
