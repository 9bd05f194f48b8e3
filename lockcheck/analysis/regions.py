"""Regions under a lock in which no object dies: no call, no loop, nothing made and nothing dropped."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, walk
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.events import Step
from lockcheck.model.expression import Attr, Compare, Const, Expr, Logic, Name, Not
from lockcheck.model.flow import Assign, Block, Branch, Do, Node, Return, With
from lockcheck.model.identity import FunctionId


def counts_only(analysis: Analysis, step: Step) -> bool:
    """Whether a `with` at a step holds its lock only around tests, counters and flags.

    There the collector does not begin, which takes a call, a loop or a new object, and no object is dropped.
    """
    if not analysis.program.has_blocks(step.function):
        return False
    region = _region(analysis.program.body(step.function), step)
    return region is not None and all(_counts(analysis, node, step.function) for node in region)


def _region(nodes: Block, step: Step) -> Block | None:
    for node in nodes:
        if isinstance(node, With) and len(node.items) == 1 and node.items[0].span == step.span:
            return node.body
        for inner in blocks(node):
            found = _region(inner, step)
            if found is not None:
                return found
    return None


def _counts(analysis: Analysis, node: Node, function: FunctionId) -> bool:
    match node:
        case Branch(test=test):
            inner = (n for block in blocks(node) for n in block)
            return _only_reads(analysis, test, function) and all(_counts(analysis, n, function) for n in inner)
        case Assign(targets=targets, value=Const(value=bool() | int() | float())):
            return all(_only_reads(analysis, target, function) for target in targets)
        case Return(value=value):
            return value is None or _only_reads(analysis, value, function)
        case Do(value=value):
            return _only_reads(analysis, value, function)
        case _:
            return False


def _only_reads(analysis: Analysis, expr: Expr, function: FunctionId) -> bool:
    """Whether an expression is made of names, attributes that are no properties, literals and comparisons."""
    for part in walk(expr):
        if not isinstance(part, Name | Attr | Const | Compare | Logic | Not):
            return False
        if isinstance(part, Attr):
            owner = analysis.engine.paths.receiver(part, function)
            if owner is not None and analysis.engine.hierarchy.method(owner, part.name) is not None:
                return False
    return True
