"""Contracts: what comments say that a function's caller holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lockcheck.analysis.link.values import (
    UNKNOWN,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    ModuleValue,
    QueueValue,
    Value,
    options,
)
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import CriticalPair, Held, LockRef
from lockcheck.model.expression import Attr, Expr, Name
from lockcheck.model.facts import ContractFact
from lockcheck.model.identity import ClassId, FunctionId, lock_name
from lockcheck.model.library import Mode
from lockcheck.model.paths import ParameterRoot, Path

_TAKES = ("__enter__", "__aenter__", "acquire")


def promised(engine: Engine, function: FunctionId) -> tuple[Held, ...]:
    """The locks that a function's callers hold, as the function sees them; what does not resolve is left out."""
    engine.program.reads.note_code(function)
    if function not in engine.program.contracts:
        return ()
    nothing: tuple[Held, ...] = ()
    return engine.types.memo.solve(("promised", function), lambda: tuple(_promises(engine, function)), nothing)


def _promises(engine: Engine, function: FunctionId) -> Iterator[Held]:
    for contract in engine.program.contracts[function]:
        for expr in contract.locks:
            found = _lock(engine, function, expr)
            if isinstance(found, LockRef):
                name = lock_name(found.id) if found.id is not None else contract.spelled
                span = contract.span.below(-engine.program.functions[function].above)
                step = engine.step(function, span, "contract", name)
                mode: Mode = "permit" if found.kind is not None and found.kind.shape == "permits" else "exclusive"
                yield Held(found, mode, True, (step,), promised=True)


def _lock(engine: Engine, function: FunctionId, expr: Expr) -> LockRef | str:
    """The lock that a contract names; or what is wrong with that, empty where it cannot be told."""
    env: dict[str, Path | None] = {n: Path(ParameterRoot(n)) for n in engine.types.scope(function).parameters}
    found = engine.paths.lock(expr, function, env)
    if found is not None:
        return msgspec.structs.replace(found, guessed=False)
    value = engine.types.evaluate(expr, function)
    if value == UNKNOWN:
        return _untyped(engine, function, expr, env)
    return "" if any(_may_lock(engine, option) for option in options(value)) else "there is no such lock"


def _may_lock(engine: Engine, value: Value) -> bool:
    match value:
        case FunctionValue() | ClassValue() | ModuleValue() | QueueValue():
            return False
        case Instance(id=id):
            return any(engine.hierarchy.method(id, n) for n in _TAKES) or any(engine.hierarchy.library_bases(id))
        case External(name=name):
            return not name.startswith("builtins.")  # what nothing defines is looked for there
        case LibraryInstance(type=name):
            return engine.library.type(name) is None
        case _:
            return True


def _untyped(engine: Engine, function: FunctionId, expr: Expr, env: dict[str, Path | None]) -> LockRef | str:
    """Something of unknown type: the contract says that it is a lock, if it is there at all."""
    path = engine.paths.of(expr, function, env)
    identity = engine.paths.identity(expr, function)
    match expr:
        case Name(id=name):
            if path is None:
                return f"there is no `{name}`"
            here = None if isinstance(path.root, ParameterRoot) else identity
            return LockRef(here, path, None) if here is not None or isinstance(path.root, ParameterRoot) else ""
        case Attr(value=outer, name=name):
            owner = engine.paths.receiver(expr, function)
            if owner is not None:
                return _attribute(engine, owner, name, LockRef(identity, path, None, owner))
            if path is not None and isinstance(path.root, ParameterRoot):
                return LockRef(None, path, None)
            return _untyped_outer(engine, function, outer, env)
        case _:
            return ""


def _untyped_outer(engine: Engine, function: FunctionId, expr: Expr, env: dict[str, Path | None]) -> str:
    while isinstance(expr, Attr):
        expr = expr.value
    if isinstance(expr, Name) and engine.types.evaluate(expr, function) == UNKNOWN:
        return "" if engine.paths.of(expr, function, env) is not None else f"there is no `{expr.id}`"
    return ""


def _attribute(engine: Engine, owner: ClassId, name: str, lock: LockRef) -> LockRef | str:
    if engine.hierarchy.attribute(owner, name) is not None:
        return lock
    open_ended = any(engine.hierarchy.library_bases(owner)) or engine.hierarchy.below(owner, name)
    complete = len(engine.program.classes[owner].bases) == len(engine.hierarchy.bases(owner))
    return "" if open_ended or not complete else f"`{owner.qualname}` has no attribute `{name}`"


def faults(engine: Engine) -> Iterator[tuple[FunctionId, ContractFact, str]]:
    """Contracts that name what is no lock, each with what is wrong."""
    for function in sorted(engine.program.contracts):
        for contract in engine.program.contracts[function]:
            wrong = (_lock(engine, function, expr) for expr in contract.locks)
            said = next((w for w in wrong if isinstance(w, str) and w), None)
            if said is not None:
                yield function, contract, said


def assumed(frame: Frame, state: State) -> State:
    """The state at the first statement of a function that has a contract."""
    held = promised(frame.engine, frame.function)
    return msgspec.structs.replace(state, held=(*state.held, *held), promised=held) if held else state


def without(pairs: Iterable[CriticalPair]) -> Iterator[CriticalPair]:
    """Pairs as callers see them: a lock that the caller holds is not held by the callee once more."""
    for pair in pairs:
        if pair.held and any(h.promised for h in pair.held):
            yield msgspec.structs.replace(pair, held=tuple(h for h in pair.held if not h.promised))
        else:
            yield pair
