"""Queues that are filled up where they are made: as many items as there is room for."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.model.expression import Attr, Call, Expr, Name
from lockcheck.model.flow import Assign, Block, For, Iterate, While


def fills(frame: Frame, put: Call) -> bool:
    """Whether a `put` puts one item for each of the places that the queue was given in the same function.

    `self.free = Queue(size)` and `for _ in range(size): self.free.put(None)`: nobody else has it yet, and it cannot be
    full before the last item is in.
    """
    if not isinstance(put.func, Attr):
        return False
    body = frame.engine.program.body(frame.function)
    sizes = set(_sizes(body, put.func.value))
    if not sizes:
        return False
    frame.flow_matters = True  # the loop is known only where the blocks are
    return any(_puts_once(loop, put) for loop in _loops(body) if _count(loop) in sizes)


def _sizes(nodes: Block, queue: Expr) -> list[Expr]:
    """What is given to the calls that the queue is assigned from."""
    found: list[Expr] = []
    for step in steps(nodes):
        if isinstance(step, Assign) and isinstance(step.value, Call) and any(_alike(t, queue) for t in step.targets):
            found += [*step.value.args, *(k.value for k in step.value.keywords)]
    return [one for one in found if isinstance(one, Name)]


def _alike(one: Expr, other: Expr) -> bool:
    match one, other:
        case Attr(value=left, name=name), Attr(value=right, name=same):
            return name == same and _alike(left, right)
        case _:
            return one == other


def _loops(nodes: Block) -> list[For | While]:
    """The outermost loops of a body."""
    found: list[For | While] = []
    for node in nodes:
        if isinstance(node, For | While):
            found.append(node)
        else:
            for inner in blocks(node):
                found += _loops(inner)
    return found


def _count(loop: For | While) -> Expr | None:
    match loop:
        case For(head=Iterate(iterable=Call(func=Name(id="range"), args=(count,)))):
            return count
        case _:
            return None


def _puts_once(loop: For | While, put: Call) -> bool:
    """Whether a `put` stands in the loop itself, and in no loop within it."""
    inner = [call for nested in _loops(loop.body) for call in _calls(nested.body)]
    return any(call.span == put.span for call in _calls(loop.body)) and not any(c.span == put.span for c in inner)


def _calls(nodes: Block) -> list[Call]:
    return [
        inner for step in steps(nodes) for expr in expressions(step) for inner in walk(expr) if isinstance(inner, Call)
    ]
