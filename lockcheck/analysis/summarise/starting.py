"""What a thread does to locks that only who starts it can tell: its function's parameters are what it was given."""

from __future__ import annotations

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.values import options
from lockcheck.analysis.summarise.arguments import Arguments
from lockcheck.analysis.summarise.compose import happen
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.events import Acquire, Callback, CriticalPair
from lockcheck.model.expression import Attr, Call, Expr, Group
from lockcheck.model.library import Spawn

_ALONE = {"thread", "process"}


def started(frame: Frame, expr: Call, spawn: Spawn, given: Expr | None, state: State) -> None:
    """Note the acquisitions in a thread that turn out, with its arguments, to be of a lock that it holds.

    They happen in the thread, with nothing of what is held here: no caller of this function has to do with them.
    """
    if spawn.context not in _ALONE or given is None:
        return
    args = locks.argument(expr, "args", None)
    if args is not None and not (isinstance(args, Group) and args.kind in ("tuple", "list")):
        return
    call = Call(given, args.items if isinstance(args, Group) else (), (), expr.span)
    for option in options(frame.engine.types.evaluate(given, frame.function)):
        for target in frame.engine.targets.callee(option):
            aside = Frame(frame.engine, frame.function)
            base = frame.engine.paths.of(given.value, frame.function, state.env) if isinstance(given, Attr) else None
            arguments = Arguments(aside, target, call, State(env=state.env), base)
            step = frame.step(expr.span, "call", frame.engine.program.functions[target.function].name)
            pairs = tuple(p for p in frame.engine.summary(target.function).pairs if _meets(arguments, p))
            happen(aside, arguments, State(env=state.env), step, pairs=pairs)
            frame.started.update(aside.pairs)


def _meets(arguments: Arguments, pair: CriticalPair) -> bool:
    """Whether a lock that is held and the one that is taken are seen to be one only by what was given.

    What is given may also be what is called under the lock.
    """
    if isinstance(pair.event, Callback):
        return pair.event.kind == "parameter" and bool(pair.held)
    if not isinstance(pair.event, Acquire):
        return False
    wanted = arguments.path(pair.event.lock.path)
    return wanted is not None and any(
        held.lock.path != pair.event.lock.path and arguments.path(held.lock.path) == wanted for held in pair.held
    )
