"""Functions that a framework runs alone in their process: commands of a command line, fixtures of a test."""

from __future__ import annotations

from lockcheck.analysis.link.arguments import sites
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.expression import Call, last_word
from lockcheck.model.identity import FunctionId

_DECORATORS = {"command", "fixture"}
_DEPTH = 3


def is_command(analysis: Analysis, function: FunctionId, depth: int = _DEPTH) -> bool:
    """Whether a function is decorated by `@app.command()` or `@pytest.fixture`, or is called by such functions only."""
    facts = analysis.facts(function)
    if any(last_word(d.func if isinstance(d, Call) else d) in _DECORATORS for d in facts.decorators):
        return True
    callers = {site.caller for site in sites(analysis.engine.types, function)}
    return depth > 0 and bool(callers) and all(is_command(analysis, caller, depth - 1) for caller in callers)
