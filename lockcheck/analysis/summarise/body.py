"""Statements: how the state flows through a function's body."""

from __future__ import annotations

from functools import reduce

import msgspec

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import External
from lockcheck.analysis.summarise import debugging, entering, evaluate, protocol, tests
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State, branched, join
from lockcheck.model.expression import Attr, Await, Call, Const, Expr, Group, Name, Not, Star, Walrus
from lockcheck.model.facts import MODULE
from lockcheck.model.flow import (
    Assert,
    Assign,
    Block,
    Bound,
    Branch,
    Break,
    Caught,
    Continue,
    Define,
    Delete,
    Do,
    Enter,
    For,
    Handler,
    Iterate,
    Match,
    Node,
    Raise,
    Return,
    Try,
    While,
    With,
)
from lockcheck.model.paths import LocalRoot, Path
from lockcheck.model.source import Span

_ENDS = {"sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"}
MAX_ROUNDS = 3
"""Rounds through a loop; what is held settles in two, the third is for nested loops."""


def run(frame: Frame, nodes: Block, state: State, structured: bool) -> State | None:
    """Follow a whole body. A flat one has no jumps: every step is taken."""
    if structured:
        return block(frame, nodes, state)
    for node in nodes:
        frame.meter.spend(1 + len(state.held))
        state = _flat(frame, node, state)
    return state


def _flat(frame: Frame, node: Node, state: State) -> State:
    match node:
        case Return(value=value) | Raise(value=value):
            return evaluate.expression(frame, value, state) if value is not None else state
        case Break() | Continue():
            return state
        case Enter(value=value, target=target):
            state = evaluate.expression(frame, value, state)
            return bind(frame, target, None, state, node.span) if target is not None else state
        case Iterate():
            return _iterate(frame, node, state)
        case _:
            return _step(frame, node, state) or state


def block(frame: Frame, nodes: Block, state: State | None) -> State | None:
    """Follow statements in order; None when the end can't be reached."""
    before: Node | None = None
    for node in nodes:
        if state is None:
            return None
        frame.meter.spend(1 + len(state.held))
        if frame.watched is not None:
            frame.watched.append((node, state))
        state = _node(frame, node, state)
        if state is not None and state.held and isinstance(node, Assign):
            state = _flagged(node, before, state)
        before = node
    return state


def _flagged(node: Assign, before: Node | None, state: State) -> State:
    """`lock.acquire()`, then `self._locked = True`: the flag tells from now on whether the lock is held."""
    value = node.value.value if isinstance(node.value, Const) and not node.augmented else None
    taking = before.value if isinstance(before, Do) else None
    call = taking.value if isinstance(taking, Await) else taking
    for target in node.targets:
        word = tests.spelled(target)
        if word is not None:
            acquired = call.span if isinstance(call, Call) else None
            state = state.telling(word, value if isinstance(value, bool) else None, acquired)
    return state


def _node(frame: Frame, node: Node, state: State) -> State | None:
    match node:
        case With():
            return entering.with_items(frame, node.items, state, lambda s: block(frame, node.body, s))
        case Branch(test=test, then=then, orelse=orelse):
            yes, no = tests.split(frame, test, state)
            if yes is not None and debugging.is_question(frame.engine, frame.function, test):
                yes = msgspec.structs.replace(yes, debugging=True)
            then_end, else_end = block(frame, then, yes), block(frame, orelse, no)
            if isinstance(test, Not):
                return branched(tests.spelled(test.value), else_end, then_end)
            return branched(tests.spelled(test), then_end, else_end)
        case While():
            return _while(frame, node, state)
        case For():
            return _for(frame, node, state)
        case Try():
            return _try(frame, node, state)
        case Match():
            return _match(frame, node, state)
        case _:
            return _step(frame, node, state)


def _step(frame: Frame, node: Node, state: State) -> State | None:
    match node:
        case Do(value=value):
            after = evaluate.expression(frame, value, state)
            return None if _ends(frame, value) else after
        case Assign():
            return _assign(frame, node, state)
        case Return(value=value):
            frame.returns.append(evaluate.expression(frame, value, state) if value is not None else state)
            return None
        case Raise(value=value):
            frame.may_raise(evaluate.expression(frame, value, state) if value is not None else state)
            return None
        case Break():
            frame.breaks.append(state)
            return None
        case Continue():
            frame.continues.append(state)
            return None
        case Assert(test=test):
            yes, no = tests.split(frame, test, state)
            if no is not None:
                frame.may_raise(no)
            return yes
        case Delete(targets=targets):
            for target in targets:
                state = bind(frame, target, None, state, Span(0, 0, 0, 0))
            return state
        case Define(name=name):
            return state.binding(name, None)
        case Caught(name=name):
            return state.binding(name, None) if name is not None else state
        case Bound(names=names):
            return reduce(lambda s, n: s.binding(n, None), names, state)
        case _:
            return state


def _ends(frame: Frame, value: Expr) -> bool:
    """`sys.exit()` and its like do not return."""
    if not isinstance(value, Call):
        return False
    callee = frame.engine.types.evaluate(value.func, frame.function)
    return isinstance(callee, External) and callee.name in _ENDS


def _assign(frame: Frame, node: Assign, state: State) -> State:
    value = node.value
    if value is None:
        return state
    attempt = None
    if len(node.targets) == 1 and isinstance(node.targets[0], Name):
        state, attempt = tests.attempt(frame, value, state)
    if attempt is None:
        state = evaluate.expression(frame, value, state)
    for target in node.targets:
        state = bind(frame, target, None if node.augmented else value, state, node.span)
        if attempt is not None and isinstance(target, Name):
            state = tests.remember(state, target.id, attempt)
    return state


def bind(frame: Frame, target: Expr, value: Expr | None, state: State, span: Span) -> State:
    """The state after a target got a value: aliases keep the path of what they alias."""
    match target:
        case Name(id=name):
            if name in frame.facts.globals:
                return state
            path = None
            if value is not None and not isinstance(value, Const):
                path = _alias(frame, value, state)
            if path is None:
                path = _own(frame, name) or Path(LocalRoot(frame.function, name, span.row, span.column))
                state = state.forgetting(path)
            return state.binding(name, path)
        case Group(items=items):
            for index, item in enumerate(items):
                paired = isinstance(value, Group) and len(value.items) == len(items)
                part = value.items[index] if paired and isinstance(value, Group) else None
                state = bind(frame, item, part, state, span)
            return state
        case Star(value=inner):
            return bind(frame, inner, None, state, span)
        case Attr():
            state = evaluate.expression(frame, target.value, state)
            state = protocol.assigned(frame, target, state)
            path = frame.engine.paths.of(target, frame.function, state.env)
            return state.forgetting(path) if path is not None and value != target else state
        case _:
            return evaluate.expression(frame, target, state)


def _own(frame: Frame, name: str) -> Path | None:
    """What a module's body binds once and for all is what its functions know by that name."""
    module = frame.function.module
    once = frame.function.qualname == MODULE and len(frame.engine.program.global_values(module, name)) == 1
    return frame.engine.paths.global_path(module, name) if once else None


def _alias(frame: Frame, value: Expr, state: State) -> Path | None:
    """`x = self._lock`: the path of an attribute, name or argument-free getter; a fresh object has none."""
    if isinstance(value, Await):
        return None
    if isinstance(value, Call) and not isinstance(value.func, Attr):
        return None
    return frame.engine.paths.of(value, frame.function, state.env)


def _assigned(nodes: Block) -> set[str]:
    """Names bound anywhere in a block."""
    found: set[str] = set()

    def names(target: Expr | None) -> None:
        if target is not None:
            found.update(e.id for e in walk(target) if isinstance(e, Name))

    for step in steps(nodes):
        match step:
            case Assign(targets=targets) | Delete(targets=targets):
                for target in targets:
                    if isinstance(target, Name | Group | Star):
                        names(target)
            case Iterate(target=target) | Enter(target=target):
                names(target)
            case Bound(names=bound):
                found.update(bound)
            case Caught(name=name) if name is not None:
                found.add(name)
            case _:
                pass
        for expr in expressions(step):
            found.update(e.name for e in walk(expr) if isinstance(e, Walrus))
    return found


def _settle(state: State, nodes: Block) -> State:
    """The state at a loop's head: what the loop binds anew names no one object there."""
    for name in sorted(_assigned(nodes) & state.env.keys()):
        state = state.binding(name, None)
    return state


def _while(frame: Frame, node: While, state: State) -> State | None:
    state = _settle(state, node.body)
    outer = frame.breaks, frame.continues
    frame.breaks, frame.continues = [], []
    frame.loops += 1
    exits: list[State | None] = []
    for _ in range(MAX_ROUNDS):
        yes, no = tests.split(frame, node.test, state)
        exits.append(no)
        end = join((block(frame, node.body, yes), *frame.continues))
        frame.continues = []
        after = join((state, end))
        if after is None or (after.held == state.held and after.dropped == state.dropped):
            break
        state = after
    if not isinstance(node.test, Const):
        exits.append(tests.split(frame, node.test, state)[1])
    frame.loops -= 1
    breaks = frame.breaks
    frame.breaks, frame.continues = outer
    return join((block(frame, node.orelse, join(exits)), *breaks))


def _iterate(frame: Frame, head: Iterate, state: State) -> State:
    state = evaluate.iterable(frame, head.iterable, state, head.is_async, head.span)
    if head.is_async:
        evaluate.suspend(frame, "async for", head.span, state)
    return bind(frame, head.target, None, state, head.span)


def _for(frame: Frame, node: For, state: State) -> State | None:
    state = _settle(state, node.body)
    entry = _iterate(frame, node.head, state)
    outer = frame.breaks, frame.continues
    frame.breaks, frame.continues = [], []
    frame.loops += 1
    state = entry
    for _ in range(MAX_ROUNDS):
        end = join((block(frame, node.body, state), *frame.continues))
        frame.continues = []
        again = bind(frame, node.head.target, None, end, node.head.span) if end is not None else None
        after = join((state, again))
        if after is None or (after.held == state.held and after.dropped == state.dropped):
            break
        state = after
    frame.loops -= 1
    breaks = frame.breaks
    frame.breaks, frame.continues = outer
    return join((block(frame, node.orelse, join((entry, state))), *breaks))


def _try(frame: Frame, node: Try, state: State) -> State | None:
    if not node.final:
        return _attempted(frame, node, state)
    return frame.guarded(lambda: _attempted(frame, node, state), lambda s: block(frame, node.final, s))


def _attempted(frame: Frame, node: Try, state: State) -> State | None:
    frame.raised.append([])
    end = block(frame, node.body, state)
    raised = join(frame.raised.pop())
    ends = [block(frame, node.orelse, end)]
    if raised is not None:
        frame.may_raise(raised)
        ends += [_handle(frame, handler, raised) for handler in node.handlers]
    return join(ends)


def _handle(frame: Frame, handler: Handler, state: State) -> State | None:
    if handler.head.types is not None:
        state = evaluate.expression(frame, handler.head.types, state)
    if handler.head.name is not None:
        state = state.binding(handler.head.name, None)
    return block(frame, handler.body, state)


def _match(frame: Frame, node: Match, state: State) -> State | None:
    state = evaluate.expression(frame, node.subject, state)
    ends: list[State | None] = []
    always = False
    for case in node.cases:
        inner = reduce(lambda s, n: s.binding(n, None), case.head.names, state)
        yes: State | None = inner
        if case.guard is not None:
            yes, _ = tests.split(frame, case.guard, inner)
        ends.append(block(frame, case.body, yes))
        always = always or case.always
    return join(ends if always else (*ends, state))
