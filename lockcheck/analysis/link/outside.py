"""What linking leaves open and a second opinion may settle: questions to astroid, asked late, within bounds.

Whoever summarises asks about a receiver or a context manager under a held lock whose type is not known. Nothing is
imported or built before the first question. An answer is a function of the program's texts and of the sources found in
the configured folders; nothing counts time, so that the same program gets the same answers.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from lockcheck.analysis.link.reads import OPINION
from lockcheck.analysis.link.values import NOTHING, UNKNOWN, Value
from lockcheck.model.facts import Unit
from lockcheck.model.findings import Count, Finding
from lockcheck.model.source import Place, Span

if TYPE_CHECKING:
    from lockcheck.analysis.link.inference import Inference
    from lockcheck.analysis.link.program import Program

MAX_QUESTIONS = 1000
"""Questions in one run; those that come later stay open."""


class Source(msgspec.Struct, frozen=True):
    """A module that does not belong to the program: where it was found, and its text."""

    path: str
    is_package: bool
    text: str


Text = Callable[[Unit], str]
"""Gives the text of a file of the program."""
Find = Callable[[str], "Source | None"]
"""Gives a module by its dotted name out of the folders that the user configured."""


MANY: Final = 500_000
"""Characters of modules whose trees are worth letting go: of so many they take about 20 MB, which takes a moment."""


class Question(msgspec.Struct, frozen=True, gc=False):
    """What is the expression at `span` in the file of a module? With a `member`, the span is that of `expression.member`."""

    module: str
    span: Span
    member: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """The value asked for. `heir` is the library's class from which the object has the member asked about."""

    value: Value = UNKNOWN
    heir: str | None = None


class Opinions(msgspec.Struct, frozen=True, array_like=True):
    """What came of all questions of a run.

    `modules` were looked up for them, all of them together so many `characters` long. It `is_full` where a bound was met:
    then an answer depends on which questions came before.
    """

    answers: tuple[tuple[Question, Answer], ...] = ()
    modules: tuple[str, ...] = ()
    characters: int = 0
    is_full: bool = False


class StaleError(Exception):
    """What an earlier run was told does not tell what this one would be: its questions come in another order."""


class Outside:
    """Asks astroid, remembers what it said, and keeps count."""

    def __init__(self, text: Text, find: Find) -> None:
        """Know where the texts are; nothing is read yet."""
        self._text = text
        self._find = find
        self._inference: Inference | None = None
        self._answers: dict[Question, Answer] = {}
        self._before = Opinions()
        self._recalled: dict[Question, Answer] = {}
        self._is_recalling = False
        self._places: set[Place] = set()
        self._refused = 0
        self._found: dict[str, bool] = {}
        self._words: frozenset[str] | None = None

    def finds(self, name: str) -> bool:
        """Whether the package of an external name lies in a configured folder."""
        package = name.partition(".")[0]
        found = self._found.get(package)
        if found is None:
            found = self._found[package] = self._find(package) is not None
        return found

    def matters(self, program: Program, member: str) -> bool:
        """Whether a method of this name may do something that a diagnostic is about: some class's does."""
        program.reads.note_word("whole", "methods")
        if self._words is None:
            methods = {word for cls in program.classes.values() for word, _ in cls.methods}
            self._words = program.library.methods_that_act() | methods
        return member in self._words

    def ask(self, program: Program, question: Question, place: Span) -> Answer:
        """The answer to a question, unknown where there is none; `place` is the call or item that it decides about."""
        program.reads.now.add(OPINION)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= MAX_QUESTIONS:
                self._refused += 1
                self._check()
                return Answer()
            answer = self._recalled.get(question)
            if answer is None:
                answer = self._opened(program).ask(question)
                self._check()
            self._answers[question] = answer
            if _tells(answer):
                self._places.add(Place(program.units[question.module].path, place))
        return answer

    def knows(self, question: Question) -> bool:
        """Whether a question was asked before, in this run or in the one that it goes by."""
        return question in self._answers or question in self._recalled

    def recall(self, opinions: Opinions) -> None:
        """Go by what an earlier run was told, where that is asked for again, until `settle`."""
        self._before, self._recalled, self._is_recalling = opinions, dict(opinions.answers), True

    def settle(self) -> Opinions:
        """Give what this run was told so far. From now on whatever is asked comes behind all that."""
        self._is_recalling = False
        modules = {*self._before.modules, *(name for name, _ in self.inputs())}
        return Opinions(tuple(self._answers.items()), tuple(sorted(modules)), self._characters, self._is_full)

    def forget(self) -> None:
        """Begin anew."""
        self.close()
        self._inference, self._refused = None, 0
        self._answers.clear()
        self._places.clear()
        self._before, self._recalled, self._is_recalling = Opinions(), {}, False

    def _check(self) -> None:
        """Raise `StaleError` where a question is new, and there was or is no room for all."""
        if self._is_recalling and self._is_full:
            raise StaleError

    @property
    def _is_full(self) -> bool:
        inference = self._inference
        return self._before.is_full or self._refused > 0 or (inference is not None and inference.is_full)

    @property
    def _characters(self) -> int:
        return self._inference.characters if self._inference is not None else self._before.characters

    def _opened(self, program: Program) -> Inference:
        if self._inference is None:
            is_ours = _came_with_us()
            from lockcheck.analysis.link.inference import Inference

            self._inference = Inference(program, self._text, self._find, is_ours=is_ours)
            self._inference.reckon(self._before.modules, self._before.characters)
        return self._inference

    def rest(self) -> bool:
        """Let go what takes memory and can be made again, if that is much: most questions have been asked."""
        if self._inference is None or self._inference.characters < MANY:
            return False
        self._inference.rest()
        return True

    def close(self) -> None:
        """Leave astroid as it was found."""
        if self._inference is not None:
            self._inference.close()

    def decides(self, finding: Finding) -> bool:
        """Whether a finding is about a call that was understood by an answer, or leads through one."""
        return finding.place in self._places or any(step.place in self._places for step in finding.related)

    def inputs(self) -> tuple[tuple[str, str | None], ...]:
        """Everything that the answers depend on: each module looked up, with its text or None if there was none."""
        return self._inference.inputs() if self._inference is not None else ()

    def count(self, findings: Sequence[Finding] = ()) -> Count:
        """What has happened so far, and how many of the findings it decided."""
        inference = self._inference
        return Count(
            asked=len(self._answers),
            answered=sum(_tells(answer) for answer in self._answers.values()),
            failed=inference.failed if inference is not None else 0,
            refused=self._refused,
            modules=inference.modules if inference is not None else 0,
            characters=inference.characters if inference is not None else 0,
            decided=sum(self.decides(finding) for finding in findings),
        )


@functools.cache
def _came_with_us() -> bool:
    """Whether nobody in this process had astroid before the first question of all."""
    return "astroid" not in sys.modules


def _tells(answer: Answer) -> bool:
    return answer.value not in (UNKNOWN, NOTHING) or answer.heir is not None
