"""Who ends a wait: the calls that set an event, notify a condition, or put into and take from a queue."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.values import QueueValue, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.calls import device
from lockcheck.model.events import Acquire, Block, CriticalPair, Held, QueueWait, Step
from lockcheck.model.expression import Attr, Call, Expr
from lockcheck.model.identity import AttributeLock, ElementLock, FunctionId, GlobalLock, LocalLock, LockId
from lockcheck.model.source import Span

_QUEUE = {"put": ("get", "get_nowait"), "get": ("put", "put_nowait"), "drain": ("task_done",)}
_SETTLES = ("set_result", "set_exception")
_NOTIFY = ("notify", "notify_all", "notifyAll")


class Waker(msgspec.Struct, frozen=True, order=True, gc=False):
    """A call that can end a wait."""

    function: FunctionId
    span: Span


class Need(msgspec.Struct, frozen=True, gc=False):
    """A function that what is waited for runs, and the step at which it takes the held lock."""

    function: FunctionId
    step: Step


def need(analysis: Analysis, event: Block | QueueWait, held: Held) -> Need | None:
    """Who must take the held lock before the wait can end: a job that is waited for, or everybody who can end it."""
    if held.lock.id is None:
        return None
    if isinstance(event, Block) and event.runs:
        needs = [_taken(analysis, f, held.lock.id, None) for f in event.runs]
        return next((n for n in needs if n is not None), None)
    found: Need | None = None
    anywhere = isinstance(event, QueueWait) and event.operation != "get"
    for waker in wakers(analysis, event):
        mine = _taken(analysis, waker.function, held.lock.id, None if anywhere else waker.span)
        if mine is None and held.lock.id in analysis.entry(waker.function):
            mine = Need(waker.function, Step(waker.function, waker.span, "event", "it"))
        if mine is None:
            return None
        found = found or mine
    return found


def settled_without(analysis: Analysis, event: Block, held: tuple[Held, ...]) -> bool:
    """Whether all who settle a future are known, and none of them needs a held lock before."""
    if event.category != "result" or event.runs:
        return False
    known = wakers(analysis, event)
    return bool(known) and not any(
        h.lock.id is None
        or _taken(analysis, waker.function, h.lock.id, waker.span) is not None
        or h.lock.id in analysis.entry(waker.function)
        for waker in known
        for h in held
    )


def _taken(analysis: Analysis, function: FunctionId, lock: LockId, before: Span | None) -> Need | None:
    """Where a function takes a lock, before a place in it if one is given."""
    for pair in analysis.engine.summary(function).pairs if before is None else _pairs(analysis, function):
        event = pair.event
        if isinstance(event, Acquire) and event.blocking and not event.timed and event.lock.id == lock:
            here = pair.trace[0].span
            if before is None or (here.row, here.column) < (before.row, before.column):
                return Need(function, pair.trace[-1])
    return None


def _pairs(analysis: Analysis, function: FunctionId) -> tuple[CriticalPair, ...]:
    result = analysis.engine.results.get(function)
    return result.pairs if result is not None else ()


def wakers(analysis: Analysis, event: Block | QueueWait) -> tuple[Waker, ...]:
    """All calls that can end a wait; none where some call may be one that is not resolved."""
    target, words = _target(event)
    if target is None:
        return ()
    question = ("wakers", target, words)
    nothing: tuple[Waker, ...] = ()
    return analysis.engine.types.memo.solve(question, lambda: _wakers(analysis, target, words), nothing)


def _target(event: Block | QueueWait) -> tuple[LockId | None, tuple[str, ...]]:
    match event:
        case QueueWait(queue=queue, operation=operation):
            return queue, _QUEUE[operation]
        case Block(category="wait", releases=lock) if lock is not None:
            return lock.id, _NOTIFY
        case Block(category="wait", device=event_id):
            return event_id, ("set",)
        case Block(category="result", device=future):
            return future, _SETTLES
        case _:
            return None, ()


def _wakers(analysis: Analysis, target: LockId, words: tuple[str, ...]) -> tuple[Waker, ...]:
    found: list[Waker] = []
    for word in words:
        for function in analysis.program.callers(word):
            for call in _calls(analysis, function, word):
                who = _object(analysis, call, function, word)
                if who == target:
                    found.append(Waker(function, call.span))
                elif who is None and _alike(call, target):
                    return ()
    return tuple(sorted(found))


def _calls(analysis: Analysis, function: FunctionId, word: str) -> list[Call]:
    found = analysis.calls(function)
    return [call for call in found if isinstance(call.func, Attr) and call.func.name == word]


def _object(analysis: Analysis, call: Call, function: FunctionId, word: str) -> LockId | None:
    """What a call works on: the identity of the queue, condition or event."""
    if word == "set" or word in _SETTLES:
        return device(analysis.engine, call, function)
    assert isinstance(call.func, Attr)
    value = analysis.engine.types.evaluate(call.func.value, function)
    if word in _NOTIFY:
        lock = locks.known(value)
        return lock.id if lock is not None else None
    return next((o.holder for o in options(value) if isinstance(o, QueueValue)), None)


def _alike(call: Call, target: LockId) -> bool:
    """Whether an unresolved object has the name of the one that is waited for."""
    assert isinstance(call.func, Attr)
    receiver: Expr = call.func.value
    return isinstance(receiver, Attr) and receiver.name == _name(target)


def _name(target: LockId) -> str:
    match target:
        case AttributeLock(name=name) | GlobalLock(name=name) | LocalLock(name=name):
            return name
        case ElementLock(container=container):
            return _name(container)
