"""Runs a program of the generator's in every order in which its threads can come, and tells how it can stop for ever.

The source is the one that lockcheck reads. It is compiled with every function turned into a generator and with a
`threading` and a `random` of ours, so that each operation on a lock, each start, each join and each throw of a coin hands
control to the scheduler. The programs share locks and no other data, so a state is: for each thread where it stands,
for each lock who holds it and how often. Every such state is visited once, but for those that differ only in when a
thread did what no other thread can notice. Only what `tests.soundness.grammar` made may be run here.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from types import GeneratorType, MethodType, SimpleNamespace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from tests.soundness.stepwise import step_through, stepwise

MAX_STATES: Final = 20_000
"""States of one program; the outcome tells when there are more."""

Answer: TypeAlias = "bool | float | None"
ObjectId: TypeAlias = "tuple[str, int]"
"""Who has made an object, and how many it had made before: the same in every order of the threads."""
Kind: TypeAlias = Literal["order", "reentry"]


class Op(NamedTuple):
    """What a thread wants to do next: `kind` is acquire, try, timed, release, start, join or choose."""

    kind: str
    what: ObjectId
    reentrant: bool = False
    target: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()


Steps: TypeAlias = "Generator[Any, Any, Any]"


class Freeze(NamedTuple):
    """A way to stop for ever: a thread that waits for itself, or threads in a circle, with the locks that they want."""

    kind: Kind
    locks: frozenset[ObjectId]


class Outcome(NamedTuple):
    """All ways in which a program can stop for ever, how many states were seen, and whether these were all."""

    freezes: frozenset[Freeze]
    states: int
    complete: bool

    def can(self, kind: Kind) -> bool:
        """Whether it can stop in this way."""
        return any(freeze.kind == kind for freeze in self.freezes)


class _Point:
    """Where a thread is: what it wants next, or that it has ended, and some answers that lead here."""

    def __init__(self, op: Op | None, running: Steps, answers: tuple[Answer, ...]) -> None:
        self.op = op
        self.running: Steps | None = running
        self.answers = answers
        self.after: dict[Answer, _Point] = {}


class World:
    """One program, compiled; it makes the objects that the program believes to be those of `threading`.

    Locks are made by the module's body, threads by the main block alone, in one order whatever the coins say.
    """

    def __init__(self, source: str) -> None:
        self._now: tuple[str, Steps | None] = ("module", None)
        self._made: Counter[Steps | None] = Counter()
        self._points: dict[tuple[object, ...], _Point] = {}
        self._begins: dict[str, _Point] = {}
        self._entries: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        own = {"__import__": self._import, "print": _silent}
        scope: dict[str, Any] = {"__builtins__": {**vars(builtins), **own}, "step_through": step_through}
        exec(compile(stepwise(ast.parse(source)), "<generated>", "exec"), scope)
        self._entries["main"] = (scope["run_main"], ())

    def begin(self, thread: str) -> _Point:
        """The first thing that a thread wants."""
        if thread not in self._begins:
            self._begins[thread] = self._point(thread, *self._replay(thread, ()), ())
        return self._begins[thread]

    def advance(self, thread: str, point: _Point, answer: Answer) -> _Point:
        """Where a thread comes to from a point when it is answered so."""
        if answer not in point.after:
            answers = (*point.answers, answer)
            running, point.running = point.running, None
            if running is None:
                running, op = self._replay(thread, answers)
            else:
                op = self._send(thread, running, answer)
            point.after[answer] = self._point(thread, running, op, answers)
        return point.after[answer]

    def launch(self, op: Op) -> str:
        """Make a thread known; gives its name."""
        assert op.target is not None
        name = _thread_name(op.what)
        self._entries[name] = (op.target, op.args)
        return name

    def identify(self) -> ObjectId:
        """The identity of an object that is made just now."""
        name, running = self._now
        self._made[running] += 1
        return name, self._made[running]

    def _point(self, thread: str, running: Steps, op: Op | None, answers: tuple[Answer, ...]) -> _Point:
        """The point at which a thread stands; different answers can lead to one."""
        key = (thread, *_position(running), op)
        if key not in self._points:
            self._points[key] = _Point(op, running, answers)
        return self._points[key]

    def _replay(self, thread: str, answers: tuple[Answer, ...]) -> tuple[Steps, Op | None]:
        target, args = self._entries[thread]
        running = step_through(target, *args)
        op = self._send(thread, running, None)
        for answer in answers:
            op = self._send(thread, running, answer)
        return running, op

    def _send(self, thread: str, running: Steps, answer: Answer) -> Op | None:
        self._now = (thread, running)
        try:
            op: Op = running.send(answer)
        except StopIteration:
            return None
        return op

    def _import(self, name: str, *_: object) -> SimpleNamespace:
        if name == "threading":
            return SimpleNamespace(
                Lock=lambda: _Lock(self.identify(), reentrant=False),
                RLock=lambda: _Lock(self.identify(), reentrant=True),
                Condition=lambda lock=None: lock if lock is not None else _Lock(self.identify(), reentrant=True),
                Thread=lambda target, args=(): _Thread(self.identify(), target, args),
            )
        assert name == "random"
        return SimpleNamespace(random=_coin)


class _Lock:
    """A lock; a condition behaves as the lock that it is made on."""

    def __init__(self, name: ObjectId, *, reentrant: bool) -> None:
        self.name = name
        self._reentrant = reentrant

    def acquire(self, blocking: bool = True, timeout: float = -1) -> Steps:
        kind = "try" if not blocking else "acquire" if timeout < 0 else "timed"
        return (yield Op(kind, self.name, self._reentrant))

    def release(self) -> Steps:
        yield Op("release", self.name)

    def __enter__(self) -> Steps:
        yield Op("acquire", self.name, self._reentrant)

    def __exit__(self, *_: object) -> Steps:
        yield Op("release", self.name)

    def notify_all(self) -> None:
        """Nobody waits."""


class _Thread:
    def __init__(self, name: ObjectId, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name = name
        self._op = Op("start", name, target=target, args=args)

    def start(self) -> Steps:
        yield self._op

    def join(self) -> Steps:
        yield Op("join", self.name)


def _coin() -> Steps:
    return (yield Op("choose", ("coin", 0)))


def _silent(*_: object) -> None:
    """Say nothing."""


def _position(generator: Steps) -> Iterator[object]:
    """Where a generator stands, and those that it waits for: the place in each, and the values of its names."""
    running: object = generator
    while isinstance(running, GeneratorType) and (frame := running.gi_frame) is not None:
        yield frame.f_code
        yield frame.f_lasti
        yield from ((name, _value(value)) for name, value in frame.f_locals.items())
        running = running.gi_yieldfrom


def _value(value: object) -> object:
    """A value that can be compared: locks and threads are the same in every order of the threads."""
    match value:
        case _Lock() | _Thread():
            return value.name
        case tuple():
            return tuple(_value(each) for each in value)
        case MethodType():
            return _value(value.__self__), value.__func__
        case GeneratorType() | dict():
            return None
        case _:
            return value


def _thread_name(thread: ObjectId) -> str:
    return f"{thread[0]}/{thread[1]}"


class _State(NamedTuple):
    """The threads that have been started, each where it is, and the locks that are held: by whom, how often."""

    threads: tuple[tuple[str, _Point], ...]
    held: tuple[tuple[ObjectId, str, int], ...]


def explore(source: str) -> Outcome:
    """Visit every state of a program that matters."""
    world = World(source)
    attempted: frozenset[ObjectId] = frozenset()
    while True:
        outcome, met = _search(world, attempted)
        if met <= attempted:
            return outcome
        attempted |= met


def _search(world: World, attempted: frozenset[ObjectId]) -> tuple[Outcome, set[ObjectId]]:
    """Visit the states, and tell which locks are attempted: who releases another one disturbs nobody."""
    first = _State((("main", world.begin("main")),), ())
    seen = {first}
    pending = [first]
    freezes: set[Freeze] = set()
    met: set[ObjectId] = set()
    while pending and len(seen) <= MAX_STATES:
        state = pending.pop()
        met.update(p.op.what for _, p in state.threads if p.op is not None and p.op.kind in ("try", "timed"))
        after: list[_State] = []
        for name, point in sorted(state.threads, key=lambda each: not _alone(state, each[0], each[1], attempted)):
            after += _steps(world, state, name, point)
            if after and _alone(state, name, point, attempted):
                break
        if not after:
            freezes.update(_freezes(state))
        fresh = [new for new in dict.fromkeys(after) if new not in seen]
        seen.update(fresh)
        pending += fresh
    return Outcome(frozenset(freezes), len(seen), not pending), met


def _alone(state: _State, name: str, point: _Point, attempted: frozenset[ObjectId]) -> bool:
    """Whether no step of another thread makes a difference to a thread's next one, nor the other way round.

    Where that is so, and it can be done, the orders in which others come first lead nowhere else.
    """
    match point.op:
        case None:
            return False
        case Op(kind="choose" | "start" | "join"):
            return True
        case Op(kind="release", what=lock):
            return lock not in attempted or any(each[0] == lock and each[2] > 1 for each in state.held)
        case Op(what=lock):
            return any(each[:2] == (lock, name) for each in state.held)


def _steps(world: World, state: _State, name: str, point: _Point) -> Iterator[_State]:
    """The states after the next step of one thread; none where it has to wait, or has ended."""
    op = point.op
    if op is None:
        return
    held = {lock: (owner, times) for lock, owner, times in state.held}
    threads = dict(state.threads)
    answers: tuple[Answer, ...] = (None,)
    owner, times = held.get(op.what, (name, 0))
    free = times == 0 or (op.reentrant and owner == name)
    match op.kind:
        case "choose":
            answers = (0.0, 1.0)
        case "start":
            started = world.launch(op)
            threads[started] = world.begin(started)
        case "join":
            ended = threads[_thread_name(op.what)].op is None
            answers = (None,) if ended else ()
        case "release":
            assert times > 0, "a thread releases what nobody holds"
            assert owner == name, "a thread releases what another one holds"
            held[op.what] = (name, times - 1)
        case "acquire" | "try" | "timed" if free:
            answers = (True,)
            held[op.what] = (name, times + 1)
        case "acquire":
            answers = ()
        case _:  # an attempt fails at once, or when its time is over
            answers = (False,)
    locks = tuple(sorted((lock, who, n) for lock, (who, n) in held.items() if n))
    for answer in answers:
        new = {**threads, name: world.advance(name, point, answer)}
        yield _State(tuple(sorted(new.items())), locks)


def _freezes(state: _State) -> Iterator[Freeze]:
    """Who waits for whom where nobody can go on: each circle once."""
    owners = {lock: owner for lock, owner, _ in state.held}
    wants = {name: point.op.what for name, point in state.threads if point.op and point.op.kind == "acquire"}
    for start in wants:
        chain = [start]
        while (after := owners[wants[chain[-1]]]) in wants and after not in chain:
            chain.append(after)
        if after == start:
            yield Freeze("order" if len(chain) > 1 else "reentry", frozenset(wants[name] for name in chain))
