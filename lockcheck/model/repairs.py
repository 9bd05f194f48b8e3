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
    """What an attempt to take a lock says is looked at: `TimeoutError` where it failed."""

    place: Place


class TimedAcquire(_Repair, frozen=True):
    """An acquisition becomes an attempt with a timeout that raises `TimeoutError`."""

    place: Place


class MakeReentrant(_Repair, frozen=True):
    """`Lock()` becomes `RLock()`; `place` is the call that makes the lock."""

    place: Place


class LeaveRegion(_Repair, frozen=True):
    """An operation leaves the region of a lock; `region` is the item of the `with` that takes the lock."""

    place: Place
    region: Place


class RunElsewhere(_Repair, frozen=True):
    """A blocking call in a coroutine: `await asyncio.sleep(…)` for `sleep`, else `await asyncio.to_thread(…)`."""

    place: Place
    sleeps: bool = False


Repair: TypeAlias = (
    HoldByWith
    | SwitchWith
    | AwaitCall
    | WaitInLoop
    | KeepTask
    | LimitWait
    | RaiseOnFailure
    | TimedAcquire
    | MakeReentrant
    | LeaveRegion
    | RunElsewhere
)
