"""Queues and channels by who puts into them and who takes from them, whether that may wait or not."""

from __future__ import annotations

import msgspec

from lockcheck.analysis.link import results
from lockcheck.analysis.link.values import LibraryMethod, QueueValue, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.expression import Attr, Call
from lockcheck.model.identity import FunctionId, LockId

_WORDS = ("put", "put_nowait", "send", "send_nowait", "get", "get_nowait", "receive", "receive_nowait")


class Exchange(msgspec.Struct, gc=False):
    """One queue, or the ends of one channel: the calls that put and those that take, each with its function."""

    holder: LockId
    puts: list[tuple[FunctionId, Call]] = []
    gets: list[tuple[FunctionId, Call]] = []


def exchanges(analysis: Analysis) -> list[Exchange]:
    """Every queue that is known to have no bound and to be no stack, in a stable order."""
    found: dict[object, Exchange] = {}
    types = analysis.engine.types
    for word in _WORDS:
        for function in analysis.program.callers(word):
            for call in types.scope(function).calls.get(word, ()):
                if not isinstance(call.func, Attr):
                    continue
                for option in options(types.evaluate(call.func.value, function)):
                    if not isinstance(option, QueueValue) or option.holder is None or option.kind.stack:
                        continue
                    if option.bounded is not False or option.guessed:
                        continue
                    effect = results.method_effect(types, LibraryMethod(option, word))
                    key = option.pair or option.holder
                    one = found.setdefault(key, Exchange(option.holder))
                    if effect is not None and effect.operation in ("put", "get"):
                        (one.puts if effect.operation == "put" else one.gets).append((function, call))
    return list(found.values())
