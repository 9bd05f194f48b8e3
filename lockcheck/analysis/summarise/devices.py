"""Whether a lock exists to serialise the very device that it is held around: a connection, a stream, a client."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.link.values import Instance, LibraryInstance, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.calls import device
from lockcheck.analysis.summarise.sections import ends, is_end, starts
from lockcheck.model.events import Block, CriticalPair, Held
from lockcheck.model.expression import Attr, Await, Call, Expr, Name
from lockcheck.model.flow import Assign, With
from lockcheck.model.flow import Block as Nodes
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, GlobalLock, LockId
from lockcheck.model.source import Span

_DEVICES = {"network", "database", "subprocess", "file"}
_SIGNALS = {"wait", "join", "queue"}
_CONSTRUCTION = {"__init__", "__new__", "__post_init__"}
_ASIDE = {
    "fileno",
    "settimeout",
    "setblocking",
    "setsockopt",
    "getpeername",
    "getsockname",
    "get_extra_info",
    "is_closing",
}
"""Methods that tell of a device or set it up, and put nothing on the line."""
MAX_FAMILY = 20


def serialised(analysis: Analysis, pair: CriticalPair, held: Held) -> bool:
    """Whether every use of the device that an event works on is under the held lock.

    A use counts as under the lock where it stands in a section of the lock, or in a private function that is called
    only from such sections. Making, opening and closing the device do not count: nobody else has it then, or will.
    The device may also be an object of the program that keeps a connection and hangs beside the lock on one object
    (`self._line.ask()` under `self._lock`); then whoever takes the lock must do so to use the device, or to wait as well.
    """
    event, lock = pair.event, held.lock.id
    if not isinstance(event, Block) or lock is None or event.category in _SIGNALS:
        return False
    own = event.device
    if own is not None and event.category in _DEVICES and _under(analysis, own, lock, False):
        return True
    return any(
        _beside(analysis, found, lock) and _under(analysis, found, lock, True)
        for found in _Devices(analysis, pair).found()
    )


def devoted(analysis: Analysis, pair: CriticalPair, held: Held) -> bool:
    """Whether at least two functions take the lock, and each works on the device that the event works on, beside it.

    Then nobody waits for the lock who would not have to wait for the device; that others use the device without the
    lock (who reads beside who writes) does not change that.
    """
    event, lock = pair.event, held.lock.id
    if not isinstance(event, Block) or lock is None or event.category in _SIGNALS:
        return False
    own = (event.device,) if event.device is not None else ()
    return any(
        _beside(analysis, found, lock) and _all_work_on(analysis, found, lock)
        for found in (*own, *_Devices(analysis, pair).found())
    )


def _all_work_on(analysis: Analysis, found: LockId, lock: LockId) -> bool:
    def answer() -> bool:
        users = {section.function for section in analysis.sections.of(lock)}
        others = [f for f in users if (n := analysis.facts(f)).name not in _CONSTRUCTION and not ends(n)]
        return len(others) > 1 and all(bool(_uses(analysis, f, found)) or _replaces(analysis, f, found) for f in others)

    return analysis.engine.types.memo.solve(("devoted", found, lock), answer, False)


def _under(analysis: Analysis, found: LockId, lock: LockId, alone: bool) -> bool:
    key = ("serialised", found, lock, alone)
    return analysis.engine.types.memo.solve(key, lambda: _is_under(analysis, found, lock, alone), False)


def _is_under(analysis: Analysis, found: LockId, lock: LockId, alone: bool) -> bool:
    sections = analysis.sections.of(lock)
    if alone:
        for section in sections:
            facts = analysis.facts(section.function)
            if not section.waits and not starts(facts) and not ends(facts) and facts.name not in _CONSTRUCTION:
                if not _uses(analysis, section.function, found) and not _replaces(analysis, section.function, found):
                    return False
    users = [f for f in _candidates(analysis, found, lock) if _uses(analysis, f, found)]
    return bool(users) and all(_covered(analysis, user, found, lock, 3) for user in users)


def _candidates(analysis: Analysis, found: LockId, lock: LockId) -> list[FunctionId]:
    """Functions that may use a device: those of its class or module, and those that take the lock."""
    functions = {section.function for section in analysis.sections.of(lock)}
    match found:
        case AttributeLock(owner=owner):
            for cls in _family(analysis, owner):
                functions.update(analysis.engine.hierarchy.own_methods(cls).values())
        case GlobalLock(module=module):
            functions.update(analysis.program.functions_of(module))
        case _:
            pass
    known = sorted(functions)
    return [f for f in known if (n := analysis.facts(f)).name not in _CONSTRUCTION and not starts(n) and not ends(n)]


def _family(analysis: Analysis, cls: ClassId) -> tuple[ClassId, ...]:
    return (cls, *analysis.engine.hierarchy.subclasses(cls)[:MAX_FAMILY])


def _beside(analysis: Analysis, found: LockId, lock: LockId) -> bool:
    """Whether lock and device are attributes of one object, or names of one module."""
    match found, lock:
        case AttributeLock(owner=one), AttributeLock(owner=other):
            return one in _family(analysis, other) or other in _family(analysis, one)
        case GlobalLock(module=one_module), GlobalLock(module=other_module):
            return one_module == other_module
        case _:
            return False


def _uses(analysis: Analysis, function: FunctionId, found: LockId) -> list[Span]:
    """Where a function calls something on a device, also through a local name for it, or hands it on."""
    name = found.name if isinstance(found, AttributeLock | GlobalLock) else ""
    scope = analysis.engine.types.scope(function)
    aliases = {
        local
        for local, bindings in scope.bindings.items()
        if any(b.how == "value" and isinstance(b.expr, Attr) and b.expr.name == name for b in bindings)
    }
    return [
        call.span
        for call in _calls(analysis.program.body(function))
        if (_is_given(call, name, scope.first) and analysis.engine.targets.of(call.func, function))
        or (
            isinstance(call.func, Attr)
            and not (is_end(call.func.name) or call.func.name in _ASIDE)
            and _is_on(analysis, call, function, found, aliases)
        )
    ]


def _is_given(call: Call, name: str, first: str | None) -> bool:
    """Whether a call is given the device of the function's own object."""
    return any(isinstance(a, Attr) and a.name == name and a.value == Name(first or "") for a in call.args)


def _replaces(analysis: Analysis, function: FunctionId, found: LockId) -> bool:
    """Whether a function assigns the device: to make another one is work on it."""
    return isinstance(found, AttributeLock) and any(
        isinstance(step, Assign) and any(isinstance(t, Attr) and t.name == found.name for t in step.targets)
        for step in steps(analysis.program.body(function))
    )


def _is_on(analysis: Analysis, call: Call, function: FunctionId, found: LockId, aliases: set[str]) -> bool:
    assert isinstance(call.func, Attr)
    receiver = call.func.value
    if isinstance(receiver, Name) and receiver.id in aliases:
        return True
    if isinstance(found, AttributeLock):
        if not isinstance(receiver, Attr) or receiver.name != found.name:
            return False
        if receiver.value == Name(analysis.engine.types.scope(function).first or ""):
            return True
    return device(analysis.engine, call, function) == found


def _covered(analysis: Analysis, function: FunctionId, found: LockId, lock: LockId, depth: int) -> bool:
    here = [section.span for section in analysis.sections.of(lock) if section.function == function]
    if here:
        regions = list(_regions(analysis.program.body(function), here))
        uses = _uses(analysis, function, found)
        if len(regions) < len(here) or all(any(_inside(use, region) for region in regions) for use in uses):
            return True
    if lock in analysis.entry(function):
        return True
    facts = analysis.facts(function)
    if depth == 0 or not facts.name.startswith("_") or facts.name.startswith("__"):
        return False
    owner = analysis.engine.types.owner(function)
    family = _family(analysis, owner) if owner is not None else ()
    callers = [
        c
        for c in analysis.program.callers(facts.name)
        if c != function
        and (analysis.engine.types.owner(c) in family if owner is not None else c.module == function.module)
    ]
    callers = [c for c in callers if not _outside_work(analysis, c)]
    return bool(callers) and all(_covered(analysis, c, found, lock, depth - 1) for c in callers)


def _outside_work(analysis: Analysis, function: FunctionId) -> bool:
    facts = analysis.facts(function)
    return facts.name in _CONSTRUCTION or starts(facts) or ends(facts)


def _regions(nodes: Nodes, spans: list[Span]) -> Iterator[With]:
    for node in nodes:
        if isinstance(node, With) and any(item.span in spans for item in node.items):
            yield node
        for inner in blocks(node):
            yield from _regions(inner, spans)


def _inside(span: Span, region: With) -> bool:
    return any(call.span == span for call in _calls(region.body))


def _calls(nodes: Nodes) -> Iterator[Call]:
    for step in steps(nodes):
        for expr in expressions(step):
            yield from (inner for inner in walk(expr) if isinstance(inner, Call))


def _keepers(analysis: Analysis) -> frozenset[ClassId]:
    """Classes whose methods wait for an attribute of their own: a socket, a database connection, a process."""
    nothing: frozenset[ClassId] = frozenset()
    return analysis.engine.types.memo.solve(
        "keepers",
        lambda: frozenset(
            pair.event.device.owner
            for _, pair in analysis.pairs(Block)
            if len(pair.trace) == 1
            and isinstance(pair.event, Block)
            and pair.event.category in _DEVICES
            and isinstance(pair.event.device, AttributeLock)
        ),
        nothing,
    )


class _Devices:
    """The objects that the calls of a trace work on, as attributes and globals."""

    def __init__(self, analysis: Analysis, pair: CriticalPair) -> None:
        self._analysis = analysis
        self._trace = pair.trace
        self._here = [analysis.ways.call(step.function, step.span) for step in pair.trace]

    def found(self) -> Iterator[LockId]:
        """What each call of the trace is made on; of the last one also what its result is kept in."""
        for index, call in enumerate(self._here):
            if call is not None and isinstance(call.func, Attr):
                if index == len(self._here) - 1 or self._is_connection(index, call.func.value):
                    yield from self._named(index, call.func.value, call)
        last = self._here[-1]
        if last is not None:
            receiver = last.func.value if isinstance(last.func, Attr) else None
            yield from self._kept(last, receiver)

    def _is_connection(self, index: int, expr: Expr) -> bool:
        """Whether an object is of a class of the program that keeps something which its methods wait for."""
        types = self._analysis.engine.types
        kept = _keepers(self._analysis)
        found = options(types.evaluate(expr, self._trace[index].function))
        return any(isinstance(o, Instance) and kept & set(self._analysis.engine.hierarchy.mro(o.id)) for o in found)

    def _is_object(self, index: int, expr: Expr) -> bool:
        """Whether something is an object of a known class, so that what its methods return belongs to it: no container."""
        found = options(self._analysis.engine.types.evaluate(expr, self._trace[index].function))
        return any(isinstance(o, LibraryInstance | Instance) for o in found)

    def _named(self, index: int, expr: Expr, call: Call) -> Iterator[LockId]:
        """The attribute or global that an object is, or comes from: an argument, a local name, `self._db.cursor()`."""
        function = self._trace[index].function
        while isinstance(expr, Await | Call):
            inner = expr.value if isinstance(expr, Await) else expr.func
            if isinstance(expr, Call):
                call = expr
                if not isinstance(inner, Attr) or not self._is_object(index, inner.value):
                    return
                inner = inner.value
            expr = inner
        if isinstance(expr, Name):
            yield from self._local(index, expr.id, call)
        found = device(self._analysis.engine, Call(Attr(expr, "", call.span), (), (), call.span), function)
        if found is not None:
            yield found

    def _local(self, index: int, name: str, call: Call) -> Iterator[LockId]:
        scope = self._analysis.engine.types.scope(self._trace[index].function)
        bindings = scope.bindings.get(name, ())
        if len(bindings) == 1 and bindings[0].how in ("value", "entered") and bindings[0].expr is not None:
            if bindings[0].expr != Name(name):
                yield from self._named(index, bindings[0].expr, call)
        elif name in scope.parameters and not bindings and index > 0:
            outer = self._here[index - 1]
            given = self._given(scope.facts.owner is not None, list(scope.parameters), name, outer) if outer else None
            if given is not None and outer is not None:
                yield from self._named(index - 1, given, outer)

    @staticmethod
    def _given(is_method: bool, names: list[str], name: str, call: Call) -> Expr | None:
        """The argument that a call gives for a parameter."""
        keyword = next((k.value for k in call.keywords if k.name == name), None)
        position = names.index(name) - (1 if is_method and isinstance(call.func, Attr) else 0)
        return keyword or (call.args[position] if 0 <= position < len(call.args) else None)

    def _kept(self, call: Call, receiver: Expr | None) -> Iterator[LockId]:
        """`self._line = connect()`: the attributes that keep what is opened here, or that it is handed on to."""
        body = self._analysis.program.body(self._trace[-1].function)
        kept = [receiver] if isinstance(receiver, Attr) else []
        for step in steps(body):
            if isinstance(step, Assign) and step.value is not None:
                handed = isinstance(step.value, Attr) and any(_alike(step.value, one) for one in kept)
                if handed or any(e == call for e in walk(step.value)):
                    kept += [target for target in step.targets if isinstance(target, Attr)]
        for target in kept:
            yield from self._named(len(self._trace) - 1, target, call)


def _alike(one: Attr, other: Attr) -> bool:
    return one.name == other.name and one.value == other.value
