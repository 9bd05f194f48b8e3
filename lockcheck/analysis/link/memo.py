"""Answers to recursive questions: the least that agrees with all of them, whichever was asked first.

The top-down solver of Le Charlier and Van Hentenryck ("A universal top-down fixpoint algorithm", 1992): a question that
comes to depend on itself is given what is assumed of it so far, at first its bottom, and is answered anew until nothing
that was assumed turns out otherwise. Questions within such a circle keep their answers of the last round.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

import msgspec

from lockcheck.analysis.link.reads import EVERYTHING, NOTHING, Reads

Answer = TypeVar("Answer")

_NONE = 1 << 30
_MISSING = object()
MAX_DEPTH = 400
"""A question nested deeper than this is given up for good, for the sake of the stack and of the time that its return
would take: a chain of five thousand calls. No package met so far comes near."""
MAX_ROUNDS = 8
"""How often a circle is gone round: what has not settled by then goes to and fro, and stays as it is."""


class _Draft(msgspec.Struct, frozen=True, gc=False):
    """An answer that holds as long as `head`, the outermost question that it rests on, is open or a draft itself."""

    answer: object
    head: Hashable


class Memo:
    """Remembers answers. A question within a circle is answered once in every round of the circle's outermost one.

    Who asks has read what the answer was read from. A question that is a mere text is about the whole program: whoever
    asks it has read its answer and nothing else.
    """

    def __init__(self, reads: Reads) -> None:
        """Start with nothing known; what answers are read from is noted in `reads`."""
        self.known: dict[Hashable, object] = {}
        """The answers that are kept."""
        self.read: dict[Hashable, int] = {}
        """What they were read from; where that is not known, nobody wants to know."""
        self.reads = reads
        self.is_deep = False
        """A question was given up since it was nested too deeply: another order might have answered it."""
        self._open: dict[Hashable, int] = {}
        self._order: list[Hashable] = []
        """The open questions, outermost first."""
        self._drafts: dict[Hashable, _Draft] = {}
        self._drafted: list[Hashable] = []
        self._assumed: dict[Hashable, object] = {}
        """What open questions were taken to be answered by, where somebody asked."""
        self._cut = _NONE
        """How far out the outermost open question lies that the present answer rests on."""
        self._settled = True

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
            self.reads.now.add(self.read.get(question, NOTHING))
            return cast("Answer", known)
        at = self._open.get(question)
        if at is not None:
            self._cut = min(self._cut, at)
            return cast("Answer", self._assumed.setdefault(question, bottom))
        draft = self._drafts.get(question)
        if draft is not None:
            at = self._head(question)
            if at is not None:
                self._cut = min(self._cut, at)
                return cast("Answer", draft.answer)
            del self._drafts[question]
        if len(self._open) >= MAX_DEPTH:
            self.is_deep = True
            self.known[question] = bottom
            self.read[question] = EVERYTHING
            self.reads.now.add(EVERYTHING)
            return bottom
        return self._answer(question, compute)

    def _answer(self, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        depth = self._open[question] = len(self._open)
        self._order.append(question)
        outer, self._cut = self._cut, _NONE
        settled, self._settled = self._settled, True
        before = self.reads.begin()
        start = len(self._drafted)
        try:
            answer = self._round(question, compute)
            rounds = 1
            while self._cut == depth and not self._settled and rounds < MAX_ROUNDS:
                self._drop(start)
                self._cut, self._settled = _NONE, True
                answer = self._round(question, compute)
                rounds += 1
        except BaseException:
            self._forget(question, start)
            self._cut = min(outer, self._cut) if self._cut < depth else outer
            self._settled = self._settled and settled
            self.reads.pass_on(before)
            raise
        finally:
            del self._open[question]
            self._order.pop()
        cut, self._cut = self._cut, outer
        inner, self._settled = self._settled, settled
        if cut >= depth:
            self._keep(question, answer, start, before)
        else:
            self.reads.pass_on(before)
            self._cut = min(self._cut, cut)
            self._settled = self._settled and inner
            self._drafts[question] = _Draft(answer, self._order[cut])
            self._drafted.append(question)
        return answer

    def _round(self, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        answer = compute()
        if question in self._assumed and self._assumed[question] != answer:
            self._assumed[question] = answer
            self._settled = False
        return answer

    def _keep(self, question: Hashable, answer: object, start: int, before: set[int]) -> None:
        """Keep an answer that rests on nothing open, and with it the drafts that rest on it."""
        within = self.reads.together(self.reads.now)
        own = self.reads.number("whole", question) if isinstance(question, str) else within
        self.reads.go_on(before, own)
        for each in self._drafted[start:]:
            draft = self._drafts.pop(each, None)
            if draft is not None:
                self.known[each] = draft.answer
                self._assumed.pop(each, None)
                if within != NOTHING:
                    self.read[each] = within
        del self._drafted[start:]
        self._assumed.pop(question, None)
        self.known[question] = answer
        if own != NOTHING:
            self.read[question] = own

    def forget_reads(self) -> None:
        """Let go what answers were read from: nobody will want to know."""
        self.reads.forget()
        self.read.clear()

    def _drop(self, start: int) -> None:
        for each in self._drafted[start:]:
            self._drafts.pop(each, None)
        del self._drafted[start:]

    def _forget(self, question: Hashable, start: int) -> None:
        """Forget what rests on a question that could not be answered: asked again, it begins at its bottom."""
        for each in (question, *self._drafted[start:]):
            self._assumed.pop(each, None)
        self._drop(start)

    def _head(self, question: Hashable) -> int | None:
        """How far out the open question lies that a draft rests on; None where it is open no more."""
        passed: list[Hashable] = []
        while (draft := self._drafts.get(question)) is not None:
            passed.append(question)
            question = draft.head
        for each in passed[:-1]:
            self._drafts[each] = _Draft(self._drafts[each].answer, question)
        return self._open.get(question)
