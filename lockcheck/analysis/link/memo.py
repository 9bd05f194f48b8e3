"""Answers to recursive questions, independent of the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Answer = TypeVar("Answer")

_NONE = 1 << 30
_MISSING = object()
MAX_DEPTH = 24
"""Questions nested deeper than this are given up: what is that far from the place is no evidence."""
MAX_WORK = 800
"""Questions asked for the sake of one outermost question."""


class Memo:
    """Remembers answers; a question that comes to depend on itself gets its `bottom` there.

    An answer that was formed while an outer question was still open, and that met that question, holds only
    inside it: it is not kept. So each kept answer is a function of its question alone.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.known: dict[Hashable, object] = {}
        """The answers that are kept."""
        self._open: dict[Hashable, int] = {}
        self._cut = _NONE
        self._work = 0

    @property
    def busy(self) -> bool:
        """Whether a question is being answered now."""
        return bool(self._open)

    def solve(self, question: Hashable, compute: Callable[[], Answer], bottom: Answer) -> Answer:
        """The answer to `question`, by `compute` if it is not known.

        Questions of one kind (a tuple's first word, say) have answers of one type.
        """
        known = self.known.get(question, _MISSING)
        if known is not _MISSING:
            return cast("Answer", known)
        at = self._open.get(question)
        if at is not None:
            self._cut = min(self._cut, at)
            return bottom
        depth = len(self._open)
        if depth == 0:
            self._work = 0
        self._work += 1
        if depth >= MAX_DEPTH or self._work > MAX_WORK:
            self._cut = 0
            return bottom
        self._open[question] = depth
        outer, self._cut = self._cut, _NONE
        try:
            answer = compute()
        finally:
            del self._open[question]
            cut, self._cut = self._cut, outer
        if cut >= depth:
            self.known[question] = answer
        else:
            self._cut = min(self._cut, cut)
        return answer
