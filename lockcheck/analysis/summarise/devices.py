"""Whether a lock exists to serialise the very device that it is held around."""

from __future__ import annotations

from lockcheck.analysis.link.scope import expressions, steps, walk
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.events import Acquire, Block, CriticalPair, Held
from lockcheck.model.expression import Attr, Call, Name
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, LockId

_DEVICES = {"network", "database", "subprocess", "file"}
_CONSTRUCTION = {"__init__", "__new__", "__del__", "__post_init__"}


def serialised(analysis: Analysis, pair: CriticalPair, held: Held) -> bool:
    """Whether every use of the device that an event works on is under the held lock.

    A use counts as under the lock where its method takes the lock, or is private and called only by methods that do.
    Making and finalising the object do not count: nobody else has it then.
    """
    event = pair.event
    if not isinstance(event, Block) or not isinstance(event.device, AttributeLock) or held.lock.id is None:
        return False
    if event.category not in _DEVICES:
        return False  # an event whose every use is under the lock is never set
    device, lock = event.device, held.lock.id
    key = ("serialised", device, lock)
    return analysis.engine.types.memo.solve(key, lambda: _serialised(analysis, device, lock), False)


def _serialised(analysis: Analysis, device: AttributeLock, lock: LockId) -> bool:
    users = _users(analysis, device)
    return bool(users) and all(_covered(analysis, user, lock, 3) for user in users)


def _users(analysis: Analysis, device: AttributeLock) -> list[FunctionId]:
    """Methods of the device's class and its subclasses that call something on the device."""
    found: list[FunctionId] = []
    for cls in _family(analysis, device.owner):
        for name, function in sorted(analysis.engine.hierarchy.own_methods(cls).items()):
            if name not in _CONSTRUCTION and _uses(analysis, function, device.name):
                found.append(function)
    return found


def _family(analysis: Analysis, cls: ClassId) -> tuple[ClassId, ...]:
    return (cls, *analysis.engine.hierarchy.subclasses(cls)[:20])


def _uses(analysis: Analysis, function: FunctionId, name: str) -> bool:
    first = analysis.engine.types.scope(function).first
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Call) and isinstance(inner.func, Attr):
                    outer = inner.func.value
                    if isinstance(outer, Attr) and outer.name == name and outer.value == Name(first or ""):
                        return True
    return False


def _covered(analysis: Analysis, function: FunctionId, lock: LockId, depth: int) -> bool:
    result = analysis.engine.results.get(function)
    if result is not None:
        for pair in result.pairs:
            if len(pair.trace) == 1 and isinstance(pair.event, Acquire) and pair.event.lock.id == lock:
                return True
    name = analysis.facts(function).name
    if depth == 0 or not name.startswith("_") or name.startswith("__"):
        return False
    owner = analysis.engine.types.owner(function)
    if owner is None:
        return False
    family = _family(analysis, owner)
    callers = [c for c in analysis.program.callers(name) if analysis.engine.types.owner(c) in family and c != function]
    return bool(callers) and all(_covered(analysis, c, lock, depth - 1) for c in callers)
