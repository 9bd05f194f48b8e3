"""Sockets that do not wait, or not for ever: by their kind, or because somebody told them so."""

from __future__ import annotations

from typing import Literal

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import External, LibraryInstance, LibraryMethod, Value
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.known import Known
from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Group, Name, last_word
from lockcheck.model.identity import ClassId, FunctionId

_SOCKET = "socket.socket"
_CONNECTS = {"connect", "connect_ex"}
_TELLS = {"setblocking", "settimeout", "connect"}
_LOOKUPS = {"socket.gethostbyname", "socket.gethostbyname_ex", "socket.getaddrinfo"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Waits = Literal["ever", "bounded", "never"]


def waits(frame: Frame, expr: Call, callee: Value) -> Waits:
    """How long a method of a socket waits: for ever, up to the socket's timeout, or not at all.

    A datagram socket connects without sending anything. A socket that is told `setblocking(False)` anywhere in the
    class or function that keeps it does not wait; one with `settimeout(…)` not for ever. The own host is known without
    asking anybody, and who talks to it is answered at once. Of anything else nothing is known.
    """
    if isinstance(callee, External) and callee.name in _LOOKUPS and expr.args:
        return "never" if _is_own_host(frame, expr, expr.args[0]) else "ever"
    if not isinstance(callee, LibraryMethod) or not isinstance(expr.func, Attr):
        return "ever"
    made = callee.receiver
    if not isinstance(made, LibraryInstance) or not frame.engine.library.is_subtype(made.type, _SOCKET):
        return "ever"
    if callee.name in _CONNECTS and made.origin is not None and _is_datagram(made.origin.call):
        return "never"
    if callee.name in _CONNECTS and expr.args and isinstance(expr.args[0], Group) and expr.args[0].items:
        if _is_own_host(frame, expr, expr.args[0].items[0]):
            return "bounded"
    return _told(frame, expr.func.value)


def _is_own_host(frame: Frame, call: Call, host: Expr) -> bool:
    """Whether a host is this one: a literal that says so, or a name that was compared with one on the way to the call."""
    if isinstance(host, Const):
        return host.value in _LOOPBACK
    if not isinstance(host, Name):
        return False
    frame.flow_matters = True  # the tests on the way are known only where the blocks are
    return any(
        isinstance(test, Compare)
        and test.left == host
        and test.operator == ("==" if outcome else "!=")
        and isinstance(test.right, Const)
        and test.right.value in _LOOPBACK
        for test, outcome in Known(frame.engine.program.body(frame.function), call.span).tests
    )


def _is_datagram(call: Call) -> bool:
    given = (*call.args, *(k.value for k in call.keywords))
    return any(isinstance(a, Attr | Name) and (a.name if isinstance(a, Attr) else a.id) == "SOCK_DGRAM" for a in given)


def _told(frame: Frame, receiver: Expr) -> Waits:
    """What the functions that share a socket tell it: those of the class that keeps it, or the one with the name."""
    types = frame.engine.types
    functions = [frame.function]
    word: str | None = None
    if isinstance(receiver, Attr) and isinstance(receiver.value, Name):
        owner = frame.engine.paths.receiver(receiver, frame.function)
        word = receiver.name
        if owner is not None:
            functions = _methods(frame, owner)
    elif isinstance(receiver, Name):
        word = receiver.id
    if word is None:
        return "ever"
    question = ("told", word, tuple(functions))
    forever: Waits = "ever"
    return types.memo.solve(question, lambda: _in(frame, functions, word), forever)


def _methods(frame: Frame, owner: ClassId) -> list[FunctionId]:
    hierarchy = frame.engine.hierarchy
    return sorted({f for cls in hierarchy.mro(owner) for f in hierarchy.own_methods(cls).values()})


def _in(frame: Frame, functions: list[FunctionId], word: str) -> Waits:
    found: Waits = "ever"
    for function in functions:
        called = frame.engine.program.functions[function].called
        if not _TELLS & set(called):
            continue
        for step in steps(frame.engine.program.body(function)):
            for expr in expressions(step):
                for inner in walk(expr):
                    if isinstance(inner, Call) and isinstance(inner.func, Attr) and last_word(inner.func.value) == word:
                        said = _says(inner)
                        if said == "never":
                            return "never"
                        found = "bounded" if said == "bounded" else found
    return found


def _says(call: Call) -> Waits:
    assert isinstance(call.func, Attr)
    given = call.args[0] if call.args else None
    if call.func.name == "setblocking" and isinstance(given, Const) and not given.value:
        return "never"
    if call.func.name == "settimeout" and given is not None:
        if isinstance(given, Const):
            return "ever" if given.value is None else "never" if given.value == 0 else "bounded"
        return "bounded"
    if call.func.name == "connect" and isinstance(given, Group) and given.items:
        host = given.items[0]
        return "bounded" if isinstance(host, Const) and host.value in _LOOPBACK else "ever"
    return "ever"
