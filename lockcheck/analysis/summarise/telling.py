"""What a program says: log records and text for the standard streams, where the program itself takes them in."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import External, Instance, LibraryInstance, LibraryMethod, Value, options
from lockcheck.analysis.summarise.engine import Engine
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Channel, Tell
from lockcheck.model.expression import Attr, Call, Const, Expr
from lockcheck.model.flow import Assign
from lockcheck.model.identity import ClassId, FunctionId

_HANDLER = "logging.Handler"
_LOGS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"}
_STREAMS: dict[str, Channel] = {"stdout": "stdout", "stderr": "stderr"}
_SAYS: dict[str, Channel] = {
    "builtins.print": "stdout",
    "sys.stdout.write": "stdout",
    "sys.stderr.write": "stderr",
    "warnings.warn": "stderr",
    "traceback.print_exc": "stderr",
    "traceback.print_exception": "stderr",
    "traceback.print_stack": "stderr",
}


class Sink(msgspec.Struct, frozen=True, order=True, gc=False):
    """A function that takes in what is said; `installed`: the program itself puts an object of its class there."""

    function: FunctionId
    owner: ClassId
    channel: Channel
    installed: bool


def called(frame: Frame, expr: Call, value: Value, state: State) -> None:
    """Record that something is said, if there is anybody in the program to hear it."""
    channel = _channel(expr, value)
    if channel is not None and any(sink.channel == channel for sink in sinks(frame.engine)):
        name = expr.func.name if isinstance(expr.func, Attr) else "print"
        frame.record(Tell(channel), state, (frame.step(expr.span, "event", name),))


def _channel(expr: Call, value: Value) -> Channel | None:
    for option in options(value):
        match option:
            case External(name=name) if name in _SAYS and (not name.startswith("sys.") or _spelled(expr.func)):
                return _SAYS[name] if all(k.name != "file" for k in expr.keywords) else None
            case External(name=name) if name.rpartition(".")[0] == "logging" and name.rpartition(".")[2] in _LOGS:
                return "log"
            case LibraryMethod(receiver=LibraryInstance(type="logging.Logger"), name=name) if name in _LOGS:
                return "log"
            case _:
                pass
    return None


def _spelled(func: Expr) -> bool:
    """Whether a stream is asked for here and now: one that was kept is what stood there before."""
    return isinstance(func, Attr) and isinstance(func.value, Attr) and func.value.name in _STREAMS


def sinks(engine: Engine) -> tuple[Sink, ...]:
    """Everything of the program that takes in what is said, in a stable order."""
    nothing: tuple[Sink, ...] = ()
    return engine.types.memo.solve("sinks", lambda: tuple(sorted({*_handlers(engine), *_streams(engine)})), nothing)


def _handlers(engine: Engine) -> Iterator[Sink]:
    """The `emit` of each class of log handlers."""
    added: set[ClassId] | None = None
    for cls in engine.program.classes:
        emit = engine.hierarchy.own_methods(cls).get("emit")
        if emit is None or not any(
            engine.library.is_subtype(base, _HANDLER) for base in engine.hierarchy.library_bases(cls)
        ):
            continue
        if added is None:
            added = set(_added(engine))
        yield Sink(emit, cls, "log", any(engine.hierarchy.derives(one, cls) for one in added))


def _added(engine: Engine) -> Iterator[ClassId]:
    """Classes of which the program gives an object to a logger."""
    for function in engine.program.callers("addHandler"):
        for step in steps(engine.program.body(function)):
            for outer in expressions(step):
                for expr in walk(outer):
                    match expr:
                        case Call(func=Attr(name="addHandler"), args=(given,)):
                            yield from _classes(engine, given, function)
                        case _:
                            pass


def _streams(engine: Engine) -> Iterator[Sink]:
    """The `write` of what is put in the place of a standard stream."""
    for function, facts in engine.program.functions.items():
        if _STREAMS.keys().isdisjoint(facts.stored):
            continue
        for step in steps(engine.program.body(function)):
            if not isinstance(step, Assign) or step.value is None or isinstance(step.value, Const):
                continue
            for target in step.targets:
                if not isinstance(target, Attr) or target.name not in _STREAMS:
                    continue
                if engine.types.evaluate(target.value, function) == External("sys"):
                    for cls in _classes(engine, step.value, function):
                        write = engine.hierarchy.method(cls, "write")
                        if write is not None:
                            yield Sink(write.function, cls, _STREAMS[target.name], True)


def _classes(engine: Engine, expr: Expr, function: FunctionId) -> Iterator[ClassId]:
    for option in options(engine.types.evaluate(expr, function)):
        if isinstance(option, Instance):
            yield option.id
