"""What is known at a call: the tests that were made on the way to it, and the calls before it."""

from __future__ import annotations

from lockcheck.analysis.link.bodies import blocks, expressions, steps, walk
from lockcheck.model.expression import Attr, Call, Comprehension, Expr, IfElse, Logic
from lockcheck.model.flow import Block, Branch, Break, Continue, Node, Raise, Return, While
from lockcheck.model.source import Span

_EXITS = (Return, Raise, Continue, Break)

_LOOKS = {"empty", "full", "qsize"}


def looked(nodes: Block, span: Span) -> bool:
    """Whether a queue is asked how full it is before the call at `span`: that waits only where others are quicker."""
    for test, _ in Known(nodes, span).tests:
        if any(isinstance(e, Call) and isinstance(e.func, Attr) and e.func.name in _LOOKS for e in walk(test)):
            return True
    return False


class Known:
    """`tests` are those under which a call is reached, each with its outcome; `calls` are made before it."""

    def __init__(self, nodes: Block, span: Span) -> None:
        """Walk from the top of a body down to the call at `span`."""
        self.tests: list[tuple[Expr, bool]] = []
        self.calls: list[Call] = []
        self._span = span
        self._block(nodes)

    def _block(self, nodes: Block) -> bool:
        for node in nodes:
            if self._has((node,)):
                self._reach(node)
                return True
            self._pass(node)
        return False

    def _reach(self, node: Node) -> None:
        """Go into the statement that the call is in."""
        if isinstance(node, Branch | While) and not self._within(node.test):
            self.tests.append((node.test, not self._has(node.orelse)))
        for block in blocks(node):
            if self._has(block):
                self._block(block)
                return
        for step in steps((node,)):
            for expr in expressions(step):
                self._expression(expr)

    def _pass(self, node: Node) -> None:
        """What a statement before the call makes known: its calls, and the outcome of a test that it leaves by."""
        if isinstance(node, Branch):
            if isinstance(node.then[-1] if node.then else None, _EXITS):
                self.tests.append((node.test, False))
            if isinstance(node.orelse[-1] if node.orelse else None, _EXITS):
                self.tests.append((node.test, True))
        elif isinstance(node, While) and not any(isinstance(step, Break) for step in steps(node.body)):
            self.tests.append((node.test, False))
        for step in steps((node,)):
            for expr in expressions(step):
                self.calls += [e for e in walk(expr) if isinstance(e, Call)]

    def _expression(self, expr: Expr) -> None:
        for inner in walk(expr):
            if not self._within(inner):
                continue
            match inner:
                case IfElse(test=test, then=then, orelse=orelse) if self._within(then) or self._within(orelse):
                    self.tests.append((test, self._within(then)))
                case Logic(conjunction=conjunction, values=values):
                    index = next(i for i, v in enumerate(values) if self._within(v))
                    self.tests += [(v, conjunction) for v in values[:index]]
                case Comprehension(element=element, clauses=clauses) if self._within(element):
                    self.tests += [(c, True) for clause in clauses for c in clause.conditions]
                case _:
                    pass

    def _has(self, nodes: Block) -> bool:
        return any(self._within(expr) for step in steps(nodes) for expr in expressions(step))

    def _within(self, expr: Expr) -> bool:
        return any(isinstance(e, Call) and e.span == self._span for e in walk(expr))
