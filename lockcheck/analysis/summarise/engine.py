"""What every part of the summarise stage works with: the linked program and the summaries so far."""

from __future__ import annotations

from lockcheck.analysis.budget import Budget
from lockcheck.analysis.link.hierarchy import Hierarchy
from lockcheck.analysis.link.origins import Origins
from lockcheck.analysis.link.outside import Outside
from lockcheck.analysis.link.paths import Paths
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.targets import Targets
from lockcheck.analysis.link.types import Types
from lockcheck.model.events import EMPTY, Action, Step, Summary
from lockcheck.model.identity import FunctionId
from lockcheck.model.source import Span


class Engine:
    """The linked program, and the summary of each function as far as it is known."""

    def __init__(self, program: Program, outside: Outside | None = None) -> None:
        """Link lazily: nothing is resolved before it is asked for. `outside` is asked where that is not enough."""
        self.program = program
        self.outside = outside
        self.library = program.library
        self.hierarchy = Hierarchy(program)
        self.types = Types(program, self.hierarchy)
        self.paths = Paths(self.types)
        self.targets = Targets(self.types)
        self.origins = Origins(self.paths, self.targets)
        self.budget = Budget(len(program.functions))
        self.summaries: dict[FunctionId, Summary] = {}

    def step(self, function: FunctionId, span: Span, action: Action, text: str) -> Step:
        """A step in any function, whose place may be another one when things move in its file."""
        self.program.speak_of_places(function)
        return Step(function, span, action, text)

    def summary(self, function: FunctionId) -> Summary:
        """What is known of a function now; within a cycle of calls this grows until nothing changes."""
        return self.summaries.get(function, EMPTY)
