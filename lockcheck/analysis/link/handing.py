"""Functions that are handed on with their arguments, to be called by somebody else: threads, pools, loops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.link import locks
from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import FunctionValue, options
from lockcheck.model.expression import Call, Const, Expr, Group, Star, last_word
from lockcheck.model.facts import FunctionFacts
from lockcheck.model.flow import Node
from lockcheck.model.identity import FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

_WORDS = (
    "Process", "Thread", "Timer", "apply", "apply_async", "call_later", "call_soon", "call_soon_threadsafe",
    "run_in_executor", "run_sync", "start_new_thread", "start_soon", "submit", "to_thread",
)  # fmt: skip
_GIVES = frozenset(_WORDS)


class Handed(msgspec.Struct, frozen=True, gc=False):
    """A function handed on in `caller`: `target` is the expression that names it, then come its arguments."""

    caller: FunctionId
    target: Expr
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]


class Handing:
    """All places of a program where a function is handed on, by the last word of the function."""

    def __init__(self, types: Types) -> None:
        """Nothing is looked for before it is asked for."""
        self._types = types
        self._by_word: dict[str, list[Handed]] | None = None

    def of(self, function: FunctionId) -> list[Handed]:
        """The places where a function is handed on, in a stable order."""
        reads = self._types.program.reads
        if self._by_word is None:
            before = reads.begin()
            self._by_word = self._all()
            reads.now = before
        word = self._types.program.functions[function].name
        reads.note_word("handed", word)
        found = self._by_word.get(word, ())
        for handed in found:
            reads.note_code(handed.caller)
        return [handed for handed in found if self._names(handed, function)]

    def _all(self) -> dict[str, list[Handed]]:
        found: dict[str, list[Handed]] = {}
        for caller in dict.fromkeys(c for word in _WORDS for c in self._types.program.callers(word)):
            for handed in _within(self._types.program.body(caller), caller):
                found.setdefault(last_word(handed.target), []).append(handed)
        return found

    def _names(self, handed: Handed, function: FunctionId) -> bool:
        found = options(self._types.evaluate(handed.target, handed.caller))
        return any(isinstance(v, FunctionValue) and v.id == function for v in found)


def handed_words(facts: FunctionFacts) -> Iterator[str]:
    """The names by which a function hands others on."""
    if not _GIVES.isdisjoint(facts.called):
        for handed in _within(facts.nodes(), FunctionId("", "")):
            yield last_word(handed.target)


def _within(nodes: tuple[Node, ...], caller: FunctionId) -> Iterator[Handed]:
    for step in steps(nodes):
        for expr in expressions(step):
            for call in walk(expr):
                if isinstance(call, Call) and last_word(call.func) in _GIVES:
                    handed = _handed(caller, call)
                    if handed is not None:
                        yield handed


def _handed(caller: FunctionId, call: Call) -> Handed | None:
    target = locks.argument(call, "target", None)
    if target is not None:
        given = locks.argument(call, "args", None)
        named = locks.argument(call, "kwargs", None)
        items = given.items if isinstance(given, Group) else ()
        return Handed(caller, target, items, _dictionary(named))
    word = last_word(call.func)
    if word in ("apply", "apply_async", "start_new_thread") and len(call.args) > 1:
        items = call.args[1].items if isinstance(call.args[1], Group) else ()
        return Handed(caller, call.args[0], items, ())
    skip = 1 if word in ("Timer", "run_in_executor", "call_later") else 0
    if word in ("Thread", "Process") or len(call.args) <= skip or isinstance(call.args[skip], Star):
        return None
    keywords = tuple((k.name, k.value) for k in call.keywords if k.name is not None)
    return Handed(caller, call.args[skip], call.args[skip + 1 :], keywords)


def _dictionary(expr: Expr | None) -> tuple[tuple[str, Expr], ...]:
    """`{"a": x}`: a display has its keys first, then its values."""
    if not isinstance(expr, Group) or expr.kind != "dict" or len(expr.items) % 2:
        return ()
    half = len(expr.items) // 2
    pairs = zip(expr.items[:half], expr.items[half:], strict=True)
    return tuple((k.value, v) for k, v in pairs if isinstance(k, Const) and isinstance(k.value, str))
