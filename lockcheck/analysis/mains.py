"""Main coroutines: what they do before anything else can be on their loop."""

from __future__ import annotations

from lockcheck.analysis.link.arguments import Site, sites
from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.loops import RUNNERS, callee_names, calls_in
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.commands import is_command
from lockcheck.model.events import CriticalPair, Suspend
from lockcheck.model.expression import Call
from lockcheck.model.flow import Block, For, While
from lockcheck.model.source import Span


def has_loop_to_itself(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether a coroutine that is only ever given to `asyncio.run` has not been suspended before the event.

    Until a main coroutine awaits something for the first time nothing else can have begun on its loop. A command of a
    command line (`@app.command()`) is the one task of its process, and what only commands call runs in it.
    """
    first = pair.trace[0]
    if is_command(analysis, first.function):
        return True
    found = sites(analysis.engine.types, first.function)
    if not found or not all(_is_run(analysis, site) for site in found):
        return False
    own = analysis.engine.results[first.function].pairs
    if any(isinstance(p.event, Suspend) and p.trace[0].span < first.span for p in own):
        return False
    body = analysis.program.blocks(first.function)
    return body is not None and not _repeated(body, first.span)


def _is_run(analysis: Analysis, site: Site) -> bool:
    """Whether the coroutine that a call makes is run as the main one of a loop."""
    return any(
        any(given is site.call or (isinstance(given, Call) and given.span == site.call.span) for given in outer.args)
        and RUNNERS & callee_names(analysis, outer, site.caller)
        for outer in calls_in(analysis, site.caller)
    )


def _repeated(nodes: Block, span: Span) -> bool:
    """Whether a call stands in a loop, whose later rounds are not the beginning any more."""
    for node in nodes:
        if isinstance(node, For | While) and _has((node,), span):
            return True
        if any(_repeated(inner, span) for inner in blocks(node)):
            return True
    return False


def _has(nodes: Block, span: Span) -> bool:
    return any(
        isinstance(inner, Call) and inner.span == span
        for step in steps(nodes)
        for expr in expressions(step)
        for inner in walk(expr)
    )
