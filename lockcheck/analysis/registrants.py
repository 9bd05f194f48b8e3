"""Who is called back, as far as the program itself registers it, and whether that comes back for the same lock."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link import arguments
from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.link.foreign import part
from lockcheck.analysis.link.stores import Stored
from lockcheck.analysis.link.values import FunctionValue, PartialValue, options
from lockcheck.analysis.ownership import element_of, only_here, owner_class, put_into, same_object
from lockcheck.analysis.summarise import Analysis, futures
from lockcheck.model.events import Acquire, Callback, CriticalPair, Held
from lockcheck.model.expression import Attr, Call, Expr, Lambda, Name, last_word
from lockcheck.model.flow import Assign
from lockcheck.model.identity import AttributeLock, FunctionId
from lockcheck.model.paths import ClassRoot, FreeRoot, GlobalRoot, ParameterRoot, Path
from lockcheck.model.source import Span


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A function of the program that is called back.

    It is given by `given` in `site`, at `span`; `owner` is the object that keeps it, by a path in `site`.
    """

    function: FunctionId
    site: FunctionId
    given: Expr
    span: Span
    owner: Path | None


class WayBack(msgspec.Struct, frozen=True, gc=False):
    """A registered function that takes the lock under which it is called."""

    registration: Registration
    held: Held
    pair: CriticalPair


def way_back(analysis: Analysis, function: FunctionId, event: Callback, held: tuple[Held, ...]) -> WayBack | None:
    """The first registration whose function takes one of the locks that `function` holds at the event."""
    for registration in registrations(analysis, event):
        for pair in analysis.engine.summary(registration.function).pairs:
            for item in held:
                if _meets(analysis, function, event, registration, pair, item):
                    return WayBack(registration, item, pair)
    return None


def registrations(analysis: Analysis, event: Callback) -> Iterator[Registration]:
    """What the program itself puts where the callback comes from."""
    if event.holder is None:
        return
    for item in _kept(analysis, event):
        first = analysis.engine.types.scope(item.function).first
        own = Path(ParameterRoot(first)) if first is not None and isinstance(event.holder, AttributeLock) else None
        given = part(item.given, event.place)
        for function in _functions(analysis, given, item.function):
            yield Registration(function, item.function, _bound(given), item.span, own)
        if isinstance(given, Name) and given.id in analysis.engine.types.scope(item.function).parameters:
            yield from _given(analysis, item.function, given.id)


def _kept(analysis: Analysis, event: Callback) -> Iterator[Stored]:
    assert event.holder is not None
    yield from analysis.engine.origins.stored(event.holder)
    yield from futures.registered(analysis.engine, event.holder)
    if event.kind == "attribute" and isinstance(event.holder, AttributeLock):
        found = analysis.engine.hierarchy.attribute(event.holder.owner, event.holder.name)
        for fact in found[1] if found is not None else ():
            if fact.value is not None and fact.function is not None and not isinstance(fact.value, Name):
                assert found is not None
                yield Stored(analysis.engine.hierarchy.scope_of(found[0], fact), fact.value, fact.span)


def _given(analysis: Analysis, function: FunctionId, name: str) -> Iterator[Registration]:
    """The functions that callers in the program give for a parameter."""
    types = analysis.engine.types
    for site in arguments.sites(types, function):
        for caller, given in arguments.given(types, function, name):
            if caller == site.caller and any(given is e for e in _spelled(site.call)):
                owner = _owner(analysis, site.caller, site.call)
                for handler in _functions(analysis, given, caller):
                    yield Registration(handler, caller, _bound(given), site.call.span, owner)


def _bound(given: Expr) -> Expr:
    """The callable itself inside a `partial`."""
    return given.args[0] if isinstance(given, Call) and last_word(given.func) == "partial" and given.args else given


def _spelled(call: Call) -> tuple[Expr, ...]:
    return (*call.args, *(k.value for k in call.keywords))


def _owner(analysis: Analysis, caller: FunctionId, call: Call) -> Path | None:
    """The object that a registering call works on: its receiver, or what it makes."""
    paths = analysis.engine.paths
    if isinstance(call.func, Attr):
        found = paths.of(call.func.value, caller)
        if found is not None:
            return found
    inside = put_into(analysis, caller, call)
    if inside is not None:
        return inside
    for step in steps(analysis.program.body(caller)):
        if isinstance(step, Assign) and step.value == call and len(step.targets) == 1:
            return paths.of(step.targets[0], caller)
    return None


def _functions(analysis: Analysis, given: Expr, function: FunctionId) -> Iterator[FunctionId]:
    if isinstance(given, Lambda):
        yield FunctionId(function.module, given.qualname)
    for option in options(analysis.engine.types.evaluate(given, function)):
        inner = option.target if isinstance(option, PartialValue) else option
        if isinstance(inner, FunctionValue):
            yield inner.id


def _meets(
    analysis: Analysis,
    function: FunctionId,
    event: Callback,
    registration: Registration,
    pair: CriticalPair,
    held: Held,
) -> bool:
    """Whether a pair of the registered function waits for the very lock that is held."""
    again = pair.event
    if not isinstance(again, Acquire) or not again.blocking or again.timed or again.lock.reentrant:
        return False
    lock = held.lock
    if again.lock.id != lock.id or again.lock.path is None or lock.path is None or lock.reentrant:
        return False
    if isinstance(lock.path.root, GlobalRoot | ClassRoot) or isinstance(again.lock.path.root, GlobalRoot | ClassRoot):
        if again.lock.path == lock.path:
            return True
    if event.path is None or not event.path.steps:
        return False
    seen = _seen(analysis, registration, again.lock.path)
    return seen is not None and seen in (
        _kept_by_holder(event.path, registration, lock.path),
        _kept_by_part(analysis, function, event.path, registration, lock.path),
    )


def _kept_by_holder(called: Path, registration: Registration, lock: Path) -> Path | None:
    """The lock as the registering place names it, where it hangs on the object that keeps what is called."""
    keeper = Path(called.root, called.steps[:-1])
    if registration.owner is None or not lock.starts_with(keeper):
        return None
    return registration.owner.then(*lock.steps[len(keeper.steps) :])


def _kept_by_part(
    analysis: Analysis, function: FunctionId, called: Path, registration: Registration, lock: Path
) -> Path | None:
    """The same where a part of the lock's object keeps it, which this object made and gave the callable to."""
    given = analysis.engine.paths.of(registration.given, registration.site)
    own: Path | None
    if given is not None and given.steps == called.steps:  # the part was seen through to what it was given
        own, alone = given, True
        whole = called
    else:
        part_of = Path(called.root, called.steps[:-1])
        inside = element_of(analysis, function, part_of)
        whole = part_of if inside is None else inside
        own, alone = registration.owner, False
    if own is None or lock.root != whole.root:
        return None
    if not same_object(analysis, (function, whole.root), (registration.site, own.root)):
        return None
    cls = owner_class(analysis, function, whole.root)
    if not alone and (whole.steps != own.steps or cls is None or not only_here(analysis, cls, whole)):
        return None
    return Path(own.root, lock.steps)


def _seen(analysis: Analysis, registration: Registration, path: Path) -> Path | None:
    """A path of the registered function in terms of the place that registers it."""
    paths = analysis.engine.paths
    base: Path | None = None
    match path.root:
        case ParameterRoot(name=name) if isinstance(registration.given, Attr):
            if name == analysis.engine.types.scope(registration.function).first:
                base = paths.of(registration.given.value, registration.site)
        case FreeRoot(function=function, name=name) if function == registration.site:
            base = paths.of(Name(name), registration.site)
        case FreeRoot(function=function, name=name):
            base = Path(path.root)
        case GlobalRoot() | ClassRoot():
            base = Path(path.root)
        case _:
            return None
    return base.then(*path.steps) if base is not None else None
