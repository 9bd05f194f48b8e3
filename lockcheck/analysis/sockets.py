"""Network waits that may be none: sockets that were told not to wait, and names that need no look-up."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import CriticalPair, Step
from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Group, Name, last_word
from lockcheck.model.identity import FunctionId

_UNSWITCHED = ("socket.", "ssl.")
_OF_SOCKETS = {"recv", "recv_into", "recvfrom", "send", "sendall", "sendto", "accept", "do_handshake"}
"""Methods of sockets, and of classes that wrap one."""
_REACHES = {
    "socket.gethostbyname",
    "socket.gethostbyname_ex",
    "socket.getaddrinfo",
    "socket.create_connection",
    "socket.socket.connect",
}
_HERE = {"localhost", "127.0.0.1", "::1", "", None}


def may_not_wait(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a socket may have been switched to not waiting, by its module; or the other side is this machine."""
    last = pair.trace[-1]
    if last.text in _REACHES and _is_here(analysis, last):
        return True
    if not last.text.startswith(_UNSWITCHED) and not any(s.text in _OF_SOCKETS for s in pair.trace[:-1]):
        return False
    return any(_switches(analysis, module) for module in dict.fromkeys(s.function.module for s in pair.trace))


def _switches(analysis: Analysis, module: str) -> bool:
    """Whether a function of a module switches sockets to not waiting."""
    for facts in analysis.program.units[module].facts.functions:
        if "setblocking" in facts.called:
            return True
        if "settimeout" in facts.called and _gives_no_time(analysis, FunctionId(module, facts.qualname)):
            return True
    return False


def _gives_no_time(analysis: Analysis, function: FunctionId) -> bool:
    for step in steps(analysis.program.body(function)):
        for expr in expressions(step):
            for inner in walk(expr):
                match inner:
                    case Call(func=Attr(name="settimeout"), args=(Const(value=0 | 0.0),)):
                        return True
                    case _:
                        pass
    return False


def _is_numeric(analysis: Analysis, flags: Expr, function: FunctionId) -> bool:
    """Whether flags say that the host is a number, which needs no look-up: written out, or as a global of the module."""
    values = [flags]
    if isinstance(flags, Name) and (home := analysis.program.home(function.module, flags.id)) is not None:
        values += [value for _, value in analysis.program.global_values(*home)]
    return any(last_word(inner) == "AI_NUMERICHOST" for value in values for inner in walk(value))


def _is_here(analysis: Analysis, step: Step) -> bool:
    """Whether nobody else is asked: a number, or this machine, by a literal or by a test on the way to the call."""
    call = analysis.ways.call(step.function, step.span)
    if call is None or not call.args:
        return False
    if any(_is_numeric(analysis, k.value, step.function) for k in call.keywords if k.name == "flags"):
        return True
    host: Expr = call.args[0]
    if isinstance(host, Group) and host.items:
        host = host.items[0]
    if isinstance(host, Const):
        return host.value in _HERE
    if not isinstance(host, Name):
        return False
    for test, outcome in analysis.ways.tests(step.function, call.span):
        match test:
            case Compare(left=Name(id=name), operator="==", right=Const(value=value)) if outcome and name == host.id:
                return value in _HERE
            case _:
                pass
    return False
