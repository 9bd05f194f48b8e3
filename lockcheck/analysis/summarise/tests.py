"""Tests: what is held on each side of a branch."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.summarise import calls, evaluate, primitives
from lockcheck.analysis.summarise.constants import truth
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State, assuming, join
from lockcheck.model.events import Held
from lockcheck.model.expression import Attr, Await, Call, Compare, Const, Expr, Logic, Name, Not, Walrus

Both = tuple["State | None", "State | None"]


def split(frame: Frame, test: Expr, state: State) -> Both:
    """Evaluate a test; the states in which it is true and false (None where that can't be)."""
    match test:
        case Not(value=value):
            yes, no = split(frame, value, state)
            return no, yes
        case Logic(conjunction=conjunction, values=values):
            return _logic(frame, conjunction, values, state)
        case Walrus(name=name, value=value):
            yes, no = split(frame, value, state)
            return (
                yes.binding(name, None) if yes is not None else None,
                no.binding(name, None) if no is not None else None,
            )
        case Name(id=name) if name in state.attempts:
            held = state.attempts[name]
            return _took(state, held), _failed(state, name)
        case Compare(left=left, operator=operator, right=Const(value=value)) if isinstance(value, bool):
            yes, no = split(frame, left, state)
            same = operator in ("is", "==")
            return (yes, no) if same is value else (no, yes)
        case _:
            pass
    known = truth(frame.engine.types, test, frame.function)
    if known is not None:
        return (state, None) if known else (None, state)
    after, taken = attempt(frame, test, state)
    if taken is not None:
        return after.holding(msgspec.structs.replace(taken, scope="")), after
    after = evaluate.expression(frame, test, state)
    word = spelled(test)
    return assuming(after, word, True), assuming(after, word, False)


def spelled(test: Expr) -> str | None:
    """A test that comes out the same while its names keep their values: a name, an attribute, `x is None`."""
    match test:
        case Name(id=name):
            return name
        case Attr(value=value, name=name):
            outer = spelled(value)
            return f"{outer}.{name}" if outer is not None else None
        case Compare(left=left, operator="is" | "is not" | "==" | "!=" as operator, right=Const(value=value)):
            outer = spelled(left)
            return f"{outer} {operator} {value!r}" if outer is not None else None
        case _:
            return None


def _logic(frame: Frame, conjunction: bool, values: tuple[Expr, ...], state: State) -> Both:
    current: State | None = state
    left: list[State | None] = []
    for value in values:
        if current is None:
            break
        yes, no = split(frame, value, current)
        current, out = (yes, no) if conjunction else (no, yes)
        left.append(out)
    return (current, join(left)) if conjunction else (join(left), current)


def attempt(frame: Frame, value: Expr, state: State) -> tuple[State, Held | None]:
    """An acquisition that may fail, if the expression is one: the state before it, and what is held if it succeeds."""
    call = value.value if isinstance(value, Await) else value
    if not isinstance(call, Call) or not isinstance(call.func, Attr):
        return state, None
    effect = primitives.effect_of(frame, frame.engine.types.evaluate(call.func, frame.function))
    if not primitives.is_acquire(frame, call, state, effect):
        return state, None
    before = calls.arguments(frame, call, state)
    if isinstance(value, Await):
        evaluate.suspend(frame, "await", value.span, before)
    taken = primitives.acquire(frame, call, before, effect)
    return before, taken


def remember(state: State, name: str, held: Held) -> State:
    """Note that a local name tells whether a lock was taken. Until it is tested the lock may be held."""
    state = state.holding(msgspec.structs.replace(held, must=held.must and not _may_fail(held)))
    return msgspec.structs.replace(state, attempts={**state.attempts, name: held})


def _may_fail(held: Held) -> bool:
    return held.scope == "attempt"


def _took(state: State, held: Held) -> State:
    found = tuple(
        msgspec.structs.replace(h, must=True, scope="") if h.trace == held.trace and h.lock == held.lock else h
        for h in state.held
    )
    had = msgspec.structs.replace(held, must=True, scope="")
    return msgspec.structs.replace(state, held=found).passing(had)


def _failed(state: State, name: str) -> State:
    held = state.attempts[name]
    return msgspec.structs.replace(
        state, held=tuple(h for h in state.held if not (h.trace == held.trace and h.lock == held.lock))
    )
