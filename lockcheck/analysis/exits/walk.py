"""Every path through a function, as far as one lock is concerned."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lockcheck.analysis.exits.evaluation import Evaluation
from lockcheck.analysis.exits.points import NOWHERE, Leave, Point, Points, spelled
from lockcheck.analysis.exits.raising import catches, caught
from lockcheck.analysis.link.bodies import steps, walk
from lockcheck.analysis.link.values import External, options
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, Name, Star, last_word
from lockcheck.model.flow import (
    Assert,
    Assign,
    Block,
    Branch,
    Break,
    Continue,
    Delete,
    Do,
    For,
    Handler,
    Match,
    Node,
    Raise,
    Return,
    Try,
    While,
    With,
)
from lockcheck.model.source import Span

_ENDS = {"sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"}
_ROUNDS = 6

Jumps = list[tuple[Point, Leave]]


class Walk(Evaluation):
    """Follows statements with a set of paths; what leaves the function is kept in `returns` and `raises`."""

    def run(self, nodes: Block, span: Span) -> tuple[Jumps, Jumps]:
        """The normal ways out of a function and the exceptional ones."""
        end = self.block(nodes, frozenset((Point(),)))
        self.returns += [(point, Leave("end", span, "the end")) for point in sorted(end, key=repr)]
        return self.returns, [r for r in self.raises[0] if r[1].how != "implicit"]

    def block(self, nodes: Block, points: Points) -> Points:
        """Follow statements in order."""
        for node in nodes:
            if not points:
                return points
            self.meter.spend(1 + len(points))
            points = self.checked(self._node(node, points))
        return points

    def _node(self, node: Node, points: Points) -> Points:
        match node:
            case With():
                return self._with(node, points)
            case Branch(test=test, then=then, orelse=orelse):
                yes, no = self.split(test, points)
                return self.block(then, yes) | self.block(orelse, no)
            case While():
                return self._while(node, points)
            case For():
                return self._for(node, points)
            case Try():
                return self._try(node, points)
            case Match(subject=subject, cases=cases):
                points = self.evaluate(subject, points)
                ends = [self.block(c.body, points) for c in cases]
                return NOWHERE.union(*ends, NOWHERE if any(c.always for c in cases) else points)
            case Assign():
                return self._assign(node, points)
            case _:
                return self._simple(node, points)

    def _simple(self, node: Node, points: Points) -> Points:
        match node:
            case Do(value=value):
                points = self.evaluate(value, points)
                return NOWHERE if self._ends(value) else points
            case Assert(test=test):
                return self.split(test, points)[0]
            case Return(value=value, span=span):
                points = self.evaluate(value, points) if value is not None else points
                self.returns += [(p, Leave("return", span, "return")) for p in sorted(points, key=repr)]
                return NOWHERE
            case Raise():
                return self._raise(node, points)
            case Break():
                self.breaks += [(p, self.nothing) for p in points]
                return NOWHERE
            case Continue():
                self.continues += [(p, self.nothing) for p in points]
                return NOWHERE
            case Delete(targets=targets):
                return self._bound(targets, points)
            case _:
                return points

    def _ends(self, value: Expr) -> bool:
        if not isinstance(value, Call):
            return False
        found = options(self.engine.types.evaluate(value.func, self.function))
        return any(isinstance(o, External) and o.name in _ENDS for o in found)

    def _raise(self, node: Raise, points: Points) -> Points:
        if node.value is None and self.handling:
            for point in points:
                self.raises[-1].append((point, self.handling[-1]))
            return NOWHERE
        value = node.value.func if isinstance(node.value, Call) else node.value
        name = value.id if isinstance(value, Name) else value.name if isinstance(value, Attr) else "an exception"
        self.leave(points, Leave("raise", node.span, name))
        return NOWHERE

    def _bound(self, targets: Iterable[Expr], points: Points) -> Points:
        """Targets get values: what was known of them is not known any more."""
        for target in targets:
            match target:
                case Group(items=items):
                    points = self._bound(items, points)
                case Star(value=inner):
                    points = self._bound((inner,), points)
                case Name() | Attr():
                    word = spelled(target)
                    if word is not None:
                        points = frozenset(p.forgetting(word) for p in points)
                case _:
                    pass
        return points

    def _assign(self, node: Assign, points: Points) -> Points:
        value = node.value
        if value is None:
            return points
        words = [w for t in node.targets if isinstance(t, Name | Attr) and (w := spelled(t)) is not None]
        if words and self._attempts(value):
            yes, no = self.split(value, points)
            yes, no = self._bound(node.targets, yes), self._bound(node.targets, no)
            return self.known(yes, words[0], True) | self.known(no, words[0], False)
        points = self._bound(node.targets, self.evaluate(value, points))
        if words and self.waits_for(value):
            points = self.known(points, words[0], True)
        if isinstance(value, Const) and not node.augmented:
            for word in words:
                points = self.known(points, word, bool(value.value))
                points = self.known(points, f"({word} is None)", value.value is None)
        return points

    def _attempts(self, value: Expr) -> bool:
        """Whether a value tells if the lock was taken."""
        found = [self.operations.get(e.span) for e in walk(value) if isinstance(e, Call)]
        return any(o is not None and o.action == "acquire" and o.attempt for o in found)

    def _with(self, node: With, points: Points) -> Points:
        swallowed: list[frozenset[str] | None] = []
        for item in node.items:
            points = self.evaluate(item.value, points)
            if item.is_async:
                self.suspend(points, item.span, "async with")
            if item.target is not None:
                points = self._bound((item.target,), points)
            if isinstance(item.value, Call) and last_word(item.value.func) == "suppress":
                swallowed += [caught(arg) for arg in item.value.args]
        if not swallowed:
            return self.block(node.body, points)
        self.raises.append([])
        end = self.block(node.body, points)
        for point, leave in self._distinct(self.raises.pop()):
            verdicts = [catches(words, leave) for words in swallowed]
            if any(may for may, _ in verdicts):
                end |= {point}
            if not any(surely for _, surely in verdicts):
                self.raises[-1].append((point, leave))
        return end

    def _loop(self, body: Callable[[Points], Points], points: Points) -> tuple[Points, Points]:
        """Follow a loop's body until no new path turns up: the paths at its head, and those that broke out."""
        outer = self.breaks, self.continues
        self.breaks, self.continues = [], []
        seen, fresh = points, points
        for _ in range(_ROUNDS):
            again = body(fresh) | {p for p, _ in self.continues}
            self.continues = []
            fresh = again - seen
            if not fresh:
                break
            seen = self.checked(seen | fresh)
        broken = frozenset(p for p, _ in self.breaks)
        self.breaks, self.continues = outer
        return seen, broken

    def _while(self, node: While, points: Points) -> Points:
        left: list[Points] = []

        def body(points: Points) -> Points:
            yes, no = self.split(node.test, points)
            left.append(no)
            return self.block(node.body, yes)

        _, broken = self._loop(body, points)
        return self.block(node.orelse, NOWHERE.union(*left)) | broken

    def _for(self, node: For, points: Points) -> Points:
        points = self.evaluate(node.head.iterable, points)
        if node.head.is_async:
            self.suspend(points, node.head.span, "async for")
        rounds: list[Points] = []

        def body(points: Points) -> Points:
            end = self.block(node.body, self._bound((node.head.target,), points))
            rounds.append(end)
            return end

        seen, broken = self._loop(body, points)
        gives = any(self._gives(step) for step in steps(node.body))
        return self.block(node.orelse, NOWHERE.union(*rounds) if gives else seen) | broken

    def _gives(self, step: Node) -> bool:
        """Whether a step of a loop releases the lock: the loop is not for nothing then."""
        return isinstance(step, Do) and isinstance(step.value, Call) and self.releases(step.value)

    def _try(self, node: Try, points: Points) -> Points:
        if not node.final:
            return self._attempted(node, points)
        outer = self.returns, self.breaks, self.continues
        self.returns, self.breaks, self.continues = [], [], []
        self.raises.append([])
        end = self._attempted(node, points)
        raised = self._distinct(self.raises.pop())
        inner = self.returns, self.breaks, self.continues
        self.returns, self.breaks, self.continues = outer
        after: dict[Point, Points] = {}

        def cleaned(point: Point) -> Points:
            if point not in after:
                after[point] = self.block(node.final, frozenset((point,)))
            return after[point]

        for jumps, target in zip((*inner, raised), (*outer, self.raises[-1]), strict=True):
            for point, leave in self._distinct(jumps):
                target += [(p, leave) for p in sorted(cleaned(point), key=repr)]
        return NOWHERE.union(*(cleaned(p) for p in end))

    def _attempted(self, node: Try, points: Points) -> Points:
        self.raises.append([])
        implicit = Leave("implicit", node.span, "")
        if node.handlers and not any(self._gives(step) for step in steps(node.body)):
            self.leave(points, implicit)
        end = self.block(node.body, points)
        if node.handlers and not self._ends_taking(node.body):
            self.leave(end, implicit)
        raised = self._distinct(self.raises.pop())
        found = [self.block(node.orelse, end)]
        for point, leave in raised:
            found.append(self._handled(node.handlers, point, leave))
        return NOWHERE.union(*found)

    def _ends_taking(self, body: Block) -> bool:
        """Whether the last thing that is tried is to take the lock: an exception says that it was not taken."""
        last = body[-1] if body else None
        return isinstance(last, Do | Assign) and last.value is not None and self.takes(last.value) is not None

    def _handled(self, handlers: tuple[Handler, ...], point: Point, leave: Leave) -> Points:
        ends = NOWHERE
        for handler in handlers:
            may, surely = catches(caught(handler.head.types), leave)
            if may:
                self.handling.append(leave)
                ends |= self.block(handler.body, frozenset((point,)))
                self.handling.pop()
            if surely:
                return ends
        self.raises[-1].append((point, leave))
        return ends

    def _distinct(self, jumps: Jumps) -> Jumps:
        """One leave of a kind for each path: the first."""
        found: dict[object, tuple[Point, Leave]] = {}
        for point, leave in jumps:
            key = (point, leave.how, leave.text if leave.how == "raise" else "")
            if key not in found or leave.span < found[key][1].span:
                found[key] = (point, leave)
        return list(found.values())
