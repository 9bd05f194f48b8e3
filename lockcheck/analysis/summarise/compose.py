"""A callee's summary as its caller sees it: parameters replaced by arguments, the call site on the trace."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import attributes, keys, locks
from lockcheck.analysis.link.foreign import Foreign
from lockcheck.analysis.link.targets import Target
from lockcheck.analysis.link.values import UNKNOWN, ClassValue, Instance, Value, options
from lockcheck.analysis.summarise import contracts, primitives
from lockcheck.analysis.summarise.dispatch import demands
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.owning import owned
from lockcheck.analysis.summarise.scopes import bounded
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import (
    Acquire,
    Block,
    Callback,
    Comeback,
    Condition,
    CriticalPair,
    Event,
    Held,
    LockRef,
    Operation,
    QueueWait,
    Step,
)
from lockcheck.model.expression import Attr, Call, Const, Expr, Name, Star
from lockcheck.model.findings import Confidence
from lockcheck.model.identity import ClassId, ElementLock, FunctionId
from lockcheck.model.paths import ClassRoot, FreeRoot, GlobalRoot, ParameterRoot, Path
from lockcheck.model.source import Span


class Arguments:
    """What a callee's parameters are at one call. Its pairs share locks and conditions: each is translated once."""

    def __init__(self, frame: Frame, target: Target, call: Call | None, state: State, receiver: Path | None) -> None:
        """Bind the parameters of `target`; a call that is not spelled (a property, a `with`) has no `call`."""
        self.frame = frame
        self.target = target
        self.state = state
        self._receiver = receiver
        self.call = call
        self._exprs: dict[str, Expr] = {}
        self._own: str | None = None
        self._paths: dict[Path, Path | None] = {}
        self._locks: dict[LockRef, LockRef | None] = {}
        self._classes: dict[Path, ClassId | None] = {}
        self._conditions: dict[Condition, Condition | bool] = {}
        self._factory: dict[FreeRoot, tuple[Expr, FunctionId]] = {}
        facts = frame.engine.program.functions[target.function]
        names = [p.name for p in facts.parameters if p.kind in "pa"]
        if target.receiver is not None and names and facts.owner is not None:
            self._own = names.pop(0)
        if target.partial is not None:
            names = self._spread(names, target.partial.origin.call, skip=1)
        if call is not None:
            self._spread(names, call, skip=0)

    def _spread(self, names: list[str], call: Call, skip: int) -> list[str]:
        args = call.args[skip:]
        for index, name in enumerate(names):
            if index >= len(args) or isinstance(args[index], Star):
                break
            self._exprs[name] = args[index]
        for keyword in call.keywords:
            if keyword.name is not None:
                self._exprs[keyword.name] = keyword.value
        return names[len(args) :]

    def rename(self, own: str | None) -> None:
        """Take `own` for the name of the callee's own object: a wrapper's first parameter is the method's."""
        self._own = own
        for known in (self._paths, self._locks, self._classes, self._conditions):
            known.clear()

    def made_by(self, factory: dict[FreeRoot, tuple[Expr, FunctionId]]) -> None:
        """Bind what the callee sees of the function that made it: what that was given, and where it is to be read."""
        self._factory = factory

    @property
    def spelled(self) -> bool:
        """Whether the arguments are all there to see: the call is spelled, with no stars."""
        return (
            self.call is not None
            and not any(isinstance(a, Star) for a in self.call.args)
            and all(k.name is not None for k in self.call.keywords)
        )

    def expr(self, name: str) -> Expr | None:
        """The argument given for a parameter."""
        return self._exprs.get(name)

    def path(self, path: Path | None) -> Path | None:
        """The callee's path in the caller's terms; None where the caller can't name the object."""
        if path is None:
            return None
        if path not in self._paths:
            self._paths[path] = self._path(path)
        return self._paths[path]

    def _path(self, path: Path) -> Path | None:
        match path.root:
            case GlobalRoot() | ClassRoot():
                return Path(path.root, tuple(self._key(step) for step in path.steps))
            case ParameterRoot(name=name):
                base = self._base(name)
            case FreeRoot(function=function, name=name) if function == self.frame.function:
                base = self.state.env.get(name)
            case FreeRoot() if path.root in self._factory:
                base = self.frame.engine.paths.of(*self._factory[path.root])
                base = base if base is not None and isinstance(base.root, GlobalRoot | ClassRoot) else None
            case FreeRoot():
                return path
            case _:
                return None
        if base is None:
            return None
        steps = tuple(self._key(step) for step in path.steps)
        return self.frame.engine.paths.joined(base, self.frame.function, steps)

    def _key(self, step: str) -> str:
        return keys.replaced(step, self.target.function.qualname, self._exprs, self.frame.function)

    def _base(self, name: str) -> Path | None:
        if name == self._own:
            return self._receiver
        given = self._exprs.get(name)
        if given is None:
            return None
        return self.frame.engine.paths.of(given, self.frame.function, self.state.env)

    def value(self, path: Path) -> Value:
        """What the object at a callee's path is, as far as the caller knows."""
        types = self.frame.engine.types
        match path.root:
            case ParameterRoot(name=name) if name == self._own:
                value = self.target.receiver or UNKNOWN
            case ParameterRoot(name=name):
                given = self._exprs.get(name)
                if given is None:
                    return UNKNOWN
                value = types.evaluate(given, self.frame.function)
            case FreeRoot(function=function, name=name) if function == self.frame.function:
                value = types.name(name, function)
            case FreeRoot() if path.root in self._factory:
                value = types.evaluate(*self._factory[path.root])
            case _:
                return UNKNOWN
        for step in path.steps:
            if step.startswith("["):
                return UNKNOWN
            value = attributes.attribute(types, value, step)
        return value

    def lock(self, lock: LockRef) -> LockRef | None:
        """A callee's lock in the caller's terms; None where the argument is no lock or of another class."""
        if lock not in self._locks:
            self._locks[lock] = self._lock(lock)
        return self._locks[lock]

    def _lock(self, lock: LockRef) -> LockRef | None:
        path = self.path(lock.path)
        factory = lock.path is not None and lock.path.root in self._factory
        if lock.open or factory:
            assert lock.path is not None
            found = locks.known(self.value(lock.path))
            if found is not None:
                receiver = self._class(Path(lock.path.root, lock.path.steps[:-1])) if lock.path.steps else None
                keeper = self.frame.engine.paths.keeper(found.id, receiver)
                return LockRef(found.id, path, found.kind, keeper, found.permits)
            if not factory and path is not None and isinstance(path.root, ParameterRoot | FreeRoot):
                return msgspec.structs.replace(lock, path=path, id=None)
            return None
        receiver = lock.receiver
        if receiver is not None and lock.path is not None and not isinstance(lock.id, ElementLock):
            known = self._class(Path(lock.path.root, lock.path.steps[:-1])) if lock.path.steps else None
            if known is not None and known != receiver:
                receiver = self.frame.engine.hierarchy.related(known, receiver)
                if receiver is None:
                    return None
                own = attributes.overriding(self.frame.engine.types, lock.id, receiver)
                if own is not None:
                    lock = msgspec.structs.replace(lock, id=own.id, kind=own.kind, permits=own.permits)
        return msgspec.structs.replace(lock, path=path, receiver=receiver)

    def _class(self, path: Path) -> ClassId | None:
        if path not in self._classes:
            found = (o.id for o in options(self.value(path)) if isinstance(o, Instance | ClassValue))
            self._classes[path] = next(found, None)
        return self._classes[path]

    def condition(self, condition: Condition) -> Condition | bool:
        """A callee's condition here: decided (True, False), or one on an object of the caller."""
        if condition not in self._conditions:
            self._conditions[condition] = self._condition(condition)
        return self._conditions[condition]

    def _condition(self, condition: Condition) -> Condition | bool:
        known = self._class(condition.path)
        hierarchy = self.frame.engine.hierarchy
        if known is not None:
            if hierarchy.derives(known, condition.cls):
                return True
            if not hierarchy.derives(condition.cls, known):
                return False
            for option in options(self.value(condition.path)):
                if isinstance(option, Instance) and option.exact:
                    return False
        path = self.path(condition.path)
        return Condition(path, condition.cls) if path is not None else True


def compose(
    frame: Frame,
    target: Target,
    call: Call | None,
    state: State,
    span: Span,
    receiver: Path | None,
    text: str,
) -> State:
    """Run a callee under the caller's state: its events are recorded, what it leaves held or gives back is applied."""
    summary = frame.engine.summary(target.function)
    arguments = Arguments(frame, target, call, state, receiver)
    own = demands(frame, target, arguments.expr, state)
    if own is None:
        return state
    for held in contracts.promised(frame.engine, target.function):
        frame.flow_matters = True
        needed = arguments.lock(held.lock)
        if needed is not None and target.confidence == Confidence.HIGH:
            frame.need(needed, span, target.function, state)
    step = frame.step(span, "call", text)
    frame.calling(target.function, state)
    if target.only is not None and receiver is not None:
        own = (*own, Condition(receiver, target.only))
    happen(frame, arguments, state, step, own)
    if summary.leaves or summary.releases:
        frame.flow_matters = True
        for lock in summary.releases:
            mine = arguments.lock(lock)
            if mine is not None:
                frame.operate(Operation("release", mine, span, callee=text), state)
                state = state.releasing(mine)
        for held in moved(arguments, summary.leaves, step):
            frame.operate(Operation("acquire", held.lock, span, callee=text), state)
            state = state.holding(held)
    return state


def happen(
    frame: Frame, arguments: Arguments, state: State, step: Step, conditions: tuple[Condition, ...] = ()
) -> None:
    """Record what a callee does under the caller's state."""
    for pair in frame.engine.summary(arguments.target.function).pairs:
        _pair(frame, arguments, pair, state, step, conditions)


def moved(arguments: Arguments, held: tuple[Held, ...], step: Step, inner: bool = False) -> Iterator[Held]:
    """Locks that a callee holds, in the caller's terms."""
    for item in held:
        lock = arguments.lock(item.lock)
        if lock is not None:
            yield Held(lock, item.mode, item.must, (step, *item.trace), item.scope, inner)


def _pair(
    frame: Frame, arguments: Arguments, pair: CriticalPair, state: State, step: Step, own: tuple[Condition, ...]
) -> None:
    conditions = list(own)
    for condition in pair.conditions:
        here = arguments.condition(condition)
        if here is False:
            return
        if isinstance(here, Condition):
            conditions.append(here)
    event = _event(arguments, pair.event)
    if isinstance(event, Callback) and event.kind == "parameter" and isinstance(pair.event, Callback):
        if _called(frame, arguments, pair, pair.event, state, step):
            return
        event = _passed_on(frame, arguments, pair.event, event)
    if event is None:
        return
    if state.bounded:
        event = bounded(event)
    event, decided = _timeout(frame, arguments, event)
    inner = tuple(moved(arguments, pair.held, step, inner=True))
    if len(inner) != len(pair.held):
        return
    inner = owned(pair, event, inner)
    dropped = pair.dropped and tuple(d for d in (arguments.lock(lock) for lock in pair.dropped) if d is not None)
    own_confidence = Confidence.HIGH if decided else pair.confidence
    confidence = min(own_confidence, arguments.target.confidence)
    frame.record(
        event,
        state.meeting(event),
        (step, *pair.trace),
        inner,
        dropped,
        tuple(sorted(set(conditions), key=repr)),
        confidence,
    )


def _timeout(frame: Frame, arguments: Arguments, event: Event) -> tuple[Event, bool]:
    """What this call gives for the parameter that bounds a wait; True if it gives none, so that nothing bounds it."""
    if not isinstance(event, Block | QueueWait) or event.hangs_on is None:
        return event, False
    given = arguments.expr(event.hangs_on)
    if given is None or (isinstance(given, Const) and given.value is None):
        return msgspec.structs.replace(event, hangs_on=None), arguments.spelled
    if isinstance(given, Name) and primitives.open_ended(frame, arguments.call, given):
        return msgspec.structs.replace(event, hangs_on=given.id), False
    return msgspec.structs.replace(event, timed=True, hangs_on=None), False


def _event(arguments: Arguments, event: Event) -> Event | None:
    match event:
        case Acquire(lock=lock):
            mine = arguments.lock(lock)
            if mine is None:
                return None
            return Acquire(mine, event.mode, event.blocking, event.timed, event.awaited, event.scoped)
        case Comeback(lock=lock):
            mine = arguments.lock(lock)
            return msgspec.structs.replace(event, lock=mine) if mine is not None else None
        case Block(releases=lock) if lock is not None:
            return msgspec.structs.replace(event, releases=arguments.lock(lock))
        case Callback(path=path):
            return msgspec.structs.replace(event, path=arguments.path(path))
        case _:
            return event


def _called(frame: Frame, arguments: Arguments, pair: CriticalPair, event: Callback, state: State, step: Step) -> bool:
    """A callee calls what it was given: where that is known here, it runs here, under its locks. True if it was."""
    if event.path is None or event.path.steps:
        return False
    root = event.path.root
    given = arguments.expr(root.name) if isinstance(root, ParameterRoot) else None
    known = False
    told = bool(frame.engine.targets.of(Name(event.name), arguments.target.function))
    for held in moved(arguments, pair.held, step, inner=told):
        state = state.holding(held)
    for option in options(arguments.value(event.path)):
        for target in frame.engine.targets.callee(option):
            known = True
            base = None
            if isinstance(given, Attr):
                base = frame.engine.paths.of(given.value, frame.function, state.env)
            if not frame.engine.program.functions[target.function].is_async:
                compose(frame, target, None, state, step.span, base, step.text)
    return known or (isinstance(given, Const) and given.value is None)


def _passed_on(frame: Frame, arguments: Arguments, event: Callback, here: Callback) -> Callback | None:
    """What a callee calls that it was given, in the caller's terms; None where that did not come from outside."""
    if event.path is None:
        return None
    match event.path.root:
        case ParameterRoot(name=name):
            given = arguments.expr(name)
        case FreeRoot(function=function, name=name) if function == frame.function:
            given = Name(name)
        case _:
            return here
    found = frame.engine.origins.of(given, frame.function) if given is not None else None
    if found is None:
        return None
    return described(event, found, here.path)


def described(event: Callback, found: Foreign, path: Path | None) -> Callback:
    """A callback with what is known of where it came from."""
    source = found.source
    given = Step(source.function, source.span, "event", event.name) if source is not None else None
    known = event.known or found.known
    return Callback(path, event.name, found.kind, found.holder, given, event.awaited, known, found.place)
