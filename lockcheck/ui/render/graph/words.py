"""How the parts of the graph are said in all its forms."""

from __future__ import annotations

from lockcheck.model.graph import Edge, Lock, Runner
from lockcheck.model.source import Place
from lockcheck.ui.render.view import View, visible

VERDICTS = {
    "order": "on no cycle",
    "cycle": "on a cycle that can happen",
    "ruled-out": "on a cycle that cannot happen",
}
_RUNNERS = {
    "loop": "an event loop",
    "thread": "a thread",
    "pool": "a pool",
    "process": "a process",
    "signal": "a signal handler",
    "finaliser": "the collector",
    "exit": "the end of the program",
    "hook": "a hook",
    "callback": "whoever calls back",
    "import": "the import of its module",
    "caller": "whoever calls",
}


def where(view: View, place: Place | None) -> str:
    """A place as `file:row`."""
    return f"{view.display(place.path)}:{place.span.row}" if place is not None else "a place that is not seen"


def title(lock: Lock) -> str:
    """A lock by its name, with the class of its object where that is not the class that has it."""
    inherited = lock.on and not lock.qualified.startswith(f"{lock.on}.")
    return visible(f"{lock.name} of {lock.on.rpartition('.')[2]}" if inherited else lock.name)


def traits(lock: Lock) -> str:
    """What kind of lock it is: `threading.RLock, re-entrant`."""
    reentry = "re-entrant" if lock.reentrant else "not re-entrant"
    whole = "" if lock.exclusive else ", with several permits"
    return visible(f"{lock.kind}, {reentry}{whole}" if lock.kind != "unknown" else "of a kind that is not seen")


def run_by(runner: Runner) -> str:
    """Who runs something, in a few words."""
    kind = _RUNNERS.get(runner.kind, runner.kind)
    function = visible(runner.function)
    return f"{kind} {function}" if runner.kind == "caller" else f"{kind} ({function})"


def ways(edge: Edge) -> str:
    """In how many ways a nesting comes about."""
    number = len(edge.nestings)
    return f"{number} place{'' if number == 1 else 's'}"
