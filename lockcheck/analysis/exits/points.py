"""One path through a function, reduced to one lock and to the tests that were made on the way."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from lockcheck.model.expression import Attr, Call, Compare, Const, Expr, Group, Item, Logic, Name, Not, Opaque
from lockcheck.model.source import Span

How = Literal["return", "end", "raise", "call", "await", "cancel", "yield", "implicit"]
"""`call`, `await` and `yield` may raise an exception, at a `cancel` the task is cancelled; an `implicit` exception
(of a subscript, say) reaches handlers, but is no evidence that a function is left."""
Facts = frozenset[tuple[str, bool]]


class Leave(NamedTuple):
    """Why a path leaves its block; `text` names what is called or raised."""

    how: How
    span: Span
    text: str


class Point(NamedTuple):
    """A path so far: the acquisitions (by number) that hold the lock, and outcomes of tests.

    `dropped`: the path gave back a lock that the caller holds; `released`: it gave back one of its own.
    """

    held: tuple[int, ...] = ()
    dropped: bool = False
    released: bool = False
    facts: Facts = frozenset()

    def taking(self, number: int) -> Point:
        """The path after an acquisition."""
        if self.dropped:
            return self._replace(dropped=False)
        return self._replace(held=(*self.held, number)) if len(self.held) < 3 else self

    def giving(self) -> Point:
        """The path after a release."""
        if self.held:
            return self._replace(held=self.held[:-1], released=True)
        return self._replace(dropped=True)

    def knowing(self, key: str, outcome: bool) -> Point | None:
        """The path on which a test comes out so; None where it is known to come out otherwise."""
        if (key, not outcome) in self.facts:
            return None
        return self._replace(facts=self.facts | {(key, outcome)})

    def forgetting(self, word: str) -> Point:
        """The path after a name or attribute got a value: tests that read it may come out otherwise."""
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
        kept = frozenset(f for f in self.facts if not pattern.search(f[0]))
        return self._replace(facts=kept) if len(kept) != len(self.facts) else self


Points = frozenset[Point]
NOWHERE: Points = frozenset()


def spelled(expr: Expr) -> str | None:
    """An expression as a text that is the same wherever the same is asked."""
    match expr:
        case Name(id=name):
            return name
        case Const(value=value):
            return repr(value)
        case Attr(value=value, name=name):
            outer = spelled(value)
            return f"{outer}.{name}" if outer is not None else None
        case Compare(left=left, operator=operator, right=right):
            return _all((left, right), f" {operator} ")
        case Not(value=value):
            return _all((value,), "", "not ")
        case Logic(conjunction=conjunction, values=values):
            return _all(values, " and " if conjunction else " or ")
        case Call(func=func, args=args, keywords=keywords):
            return _all((func, *args, *(k.value for k in keywords)), ", ", "call ")
        case Item(value=value, key=key):
            return _all((value, key), ", ", "item ")
        case Opaque(parts=parts) | Group(items=parts):
            return _all(parts, ", ", type(expr).__name__)
        case _:
            return None


def _all(parts: tuple[Expr, ...], between: str, before: str = "") -> str | None:
    words = [spelled(part) for part in parts]
    known = [word for word in words if word is not None]
    return f"{before}({between.join(known)})" if len(known) == len(words) else None


def question(test: Expr) -> tuple[str | None, bool]:
    """A test as a text, and the outcome that stands for true: `x is not None` asks what `x is None` asks."""
    if isinstance(test, Compare) and test.operator in ("is not", "!=", "not in"):
        operator = {"is not": "is", "!=": "==", "not in": "in"}[test.operator]
        return spelled(Compare(test.left, operator, test.right)), False
    return spelled(test), True
