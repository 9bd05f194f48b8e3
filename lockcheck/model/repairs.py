"""What a rule says would repair a finding. How it is done is known in `lockcheck.fixes`, and only on request.

`place` is the operation that the finding stands on, unless something else is said.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.source import Place


class _Repair(msgspec.Struct, frozen=True, tag=True):
    pass


class HoldByWith(_Repair, frozen=True):
    """`acquire` … `release` becomes `with` (`async with` where the acquisition is awaited)."""

    place: Place


class ReleaseInFinally(_Repair, frozen=True):
    """What stands between an acquisition and its release is put into a `try`, the release into its `finally`."""

    place: Place


class AcquireInTry(_Repair, frozen=True):
    """An acquisition goes into the `try` behind it, whose `finally` gives the lock back."""

    place: Place


class CatchAll(_Repair, frozen=True):
    """The handler that gives back what is acquired at `place`, and raises again, catches a cancellation as well."""

    place: Place


class UndoOnCancel(_Repair, frozen=True):
    """What was marked before an await is undone where the await fails: by the method called `undo`."""

    place: Place
    undo: str


class SwitchWith(_Repair, frozen=True):
    """`with` becomes `async with`, or the other way round; `place` is the item of the `with`."""

    place: Place
    asynchronous: bool


class AwaitCall(_Repair, frozen=True):
    """A coroutine that nobody awaits is awaited."""

    place: Place


class WaitInLoop(_Repair, frozen=True):
    """The `if` around a condition's `wait()` becomes `while`."""

    place: Place


class KeepTask(_Repair, frozen=True):
    """The task is kept in a set until it is done; `place` is the call that starts it."""

    place: Place


class LimitWait(_Repair, frozen=True):
    """A wait is given an end: by the parameter called `parameter`, or, where that is empty, by a scope of `library`."""

    place: Place
    parameter: str = ""
    library: Literal["asyncio", "anyio", "trio"] = "asyncio"


class RaiseOnFailure(_Repair, frozen=True):
    """What an attempt to take a lock, or a wait, says is looked at: `TimeoutError` where it failed.

    `waits`: it has no end yet, and is given a timeout first.
    """

    place: Place
    waits: bool = False


class MakeReentrant(_Repair, frozen=True):
    """`Lock()` becomes `RLock()`; `place` is the assignment that makes the lock."""

    place: Place


class LeaveRegion(_Repair, frozen=True):
    """An operation leaves the region of a lock; `region` is the item of the `with` that takes the lock.

    `free`: the operation needs no lock, so that a region with nothing else in it can go. `foreign`: what is called came
    from outside and knows nothing of the lock, so that it may be handed the object that holds it. `beside` are the items
    of all locks that are held, which the same `with` may take.
    """

    place: Place
    region: Place
    free: bool = False
    foreign: bool = False
    beside: tuple[Place, ...] = ()


class DoLater(_Repair, frozen=True):
    """A call whose result nobody looks at is made after the region, if it was reached; `region` is as in `LeaveRegion`."""

    place: Place
    region: Place


class TakeFirst(_Repair, frozen=True):
    """A lock that is taken behind a call is taken before the region too; `lock` is what it is called there."""

    place: Place
    region: Place
    lock: str


class CallUnlocked(_Repair, frozen=True):
    """A call of a method that takes the lock again becomes one of what that method calls under the lock.

    `place` is that call, `taken` the item of the `with` in the method.
    """

    place: Place
    taken: Place


class SplitMethod(_Repair, frozen=True):
    """What a method does under the lock becomes a method of its own, which whoever holds the lock calls.

    `place` and `taken` are as in `CallUnlocked`.
    """

    place: Place
    taken: Place


class SwapNesting(_Repair, frozen=True):
    """Two locks that are taken right after one another are taken the other way round; both are items of a `with`."""

    place: Place
    outer: Place


class TakeSorted(_Repair, frozen=True):
    """Two instances of a family of locks are taken in one order; both are items of a `with`."""

    place: Place
    outer: Place


class MakeAsynchronous(_Repair, frozen=True):
    """A thread's lock that only coroutines of one module use becomes an `asyncio.Lock`.

    `place` is the assignment that makes it, `uses` are all items of `with` that take it.
    """

    place: Place
    uses: tuple[Place, ...]


class DoneInFinally(_Repair, frozen=True):
    """`task_done()` moves into a `finally`; `get` is the call that took the item."""

    place: Place
    get: Place


class RunElsewhere(_Repair, frozen=True):
    """A blocking call in a coroutine: `await asyncio.sleep(…)` for `sleep`, else `await asyncio.to_thread(…)`."""

    place: Place
    sleeps: bool = False


class TakeLock(_Repair, frozen=True):
    """What a call is done to is held while it is done: `with` (or `async with`) around its statement."""

    place: Place
    asynchronous: bool


class DropStatement(_Repair, frozen=True):
    """A call that is a statement of its own goes."""

    place: Place


class MoveBehind(_Repair, frozen=True):
    """The statement of a call comes after the one that is at `other`, in the same block."""

    place: Place
    other: Place


class DoItHere(_Repair, frozen=True):
    """What is handed to a pool or a loop, and waited for, is called here, or awaited if it is a coroutine."""

    place: Place
    awaited: bool


class TakeOnce(_Repair, frozen=True):
    """Two items of `with` take one lock: the outer one takes it as the inner one does, and the inner one goes."""

    place: Place
    outer: Place


class Advise(_Repair, frozen=True):
    """What a person would have to do, where no text can be proposed."""

    place: Place
    text: str


class Rewrite(_Repair, frozen=True):
    """What stands at the place, a comment, is replaced by a text; the blanks before go with it where that is empty."""

    place: Place
    text: str = ""


LockRepair: TypeAlias = (
    MakeReentrant
    | LeaveRegion
    | DoLater
    | SwapNesting
    | TakeFirst
    | TakeSorted
    | MakeAsynchronous
    | CallUnlocked
    | SplitMethod
)
"""Another lock, another region, another order."""

ReleaseRepair: TypeAlias = HoldByWith | ReleaseInFinally | AcquireInTry | CatchAll | UndoOnCancel
"""What gives back in every way out."""

ShownRepair: TypeAlias = TakeLock | DropStatement | MoveBehind | DoItHere | TakeOnce
"""What is proposed to a person, who must know more than the program tells."""

TreeRepair: TypeAlias = (
    ReleaseRepair
    | SwitchWith
    | AwaitCall
    | WaitInLoop
    | KeepTask
    | LimitWait
    | RaiseOnFailure
    | RunElsewhere
    | DoneInFinally
    | LockRepair
    | ShownRepair
)


class Show(_Repair, frozen=True):
    """A repair that is shown and never made, whatever it is elsewhere; `text`, if given, is what it says of itself."""

    repair: TreeRepair
    text: str = ""

    @property
    def place(self) -> Place:
        """Where the repair begins."""
        return self.repair.place


Repair: TypeAlias = TreeRepair | Rewrite | Show | Advise
