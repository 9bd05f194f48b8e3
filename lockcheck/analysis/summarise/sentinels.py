"""Whether a loop looks at what it got from a queue and can leave."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, contains, expressions, steps, walk
from lockcheck.model.expression import Call, Compare, Expr, Name, Walrus
from lockcheck.model.flow import Assign, Block, Branch, Break, For, Match, Return, While
from lockcheck.model.source import Span


def leaves(nodes: Block, span: Span) -> bool:
    """Whether what the call at `span` gives decides about leaving the loop around it.

    `while (job := q.get()) is not None`, or `job = q.get()` and a test of `job` whose side breaks or returns.
    """
    for node in nodes:
        if isinstance(node, While) and _calls(node.test, span):
            return any(isinstance(e, Compare | Walrus) for e in walk(node.test))
        if isinstance(node, While | For) and contains(node.body, span):
            name = _bound(node.body, span)
            return leaves(node.body, span) or (name is not None and _decides(node.body, name))
        if any(leaves(inner, span) for inner in blocks(node) if contains(inner, span)):
            return True
    return False


def _calls(expr: Expr, span: Span) -> bool:
    return any(isinstance(e, Call) and e.span == span for e in walk(expr))


def _bound(nodes: Block, span: Span) -> str | None:
    """The local name that gets what the call gives."""
    for step in steps(nodes):
        if isinstance(step, Assign) and step.value is not None and _calls(step.value, span):
            return next((e.id for t in step.targets for e in walk(t) if isinstance(e, Name)), None)
        for expr in expressions(step):
            for inner in walk(expr):
                if isinstance(inner, Walrus) and _calls(inner.value, span):
                    return inner.name
    return None


def _decides(nodes: Block, name: str) -> bool:
    for node in nodes:
        if isinstance(node, Branch) and any(isinstance(e, Name) and e.id == name for e in walk(node.test)):
            if any(isinstance(n, Break | Return) for n in (*steps(node.then), *steps(node.orelse))):
                return True
        if isinstance(node, Match) and any(isinstance(e, Name) and e.id == name for e in walk(node.subject)):
            return any(isinstance(n, Break | Return) for case in node.cases for n in steps(case.body))
        if any(_decides(inner, name) for inner in blocks(node)):
            return True
    return False
