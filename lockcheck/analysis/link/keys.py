"""Elements by their keys: which element of a container a subscript, a look-up or a getter means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.link.scope import Scope
from lockcheck.model.expression import Attr, Call, Const, Expr, Item, Name, Star
from lockcheck.model.facts import FunctionFacts
from lockcheck.model.flow import Assign, Node
from lockcheck.model.identity import FunctionId
from lockcheck.model.paths import Path

LOOKUPS = frozenset({"get", "setdefault", "__getitem__"})
"""Methods of containers that give the element of their first argument."""


def key_step(key: Expr, function: FunctionId) -> str:
    """A subscript as a step: a literal is the same everywhere, a name only within its function."""
    match key:
        case Const(value=value):
            return f"[={value!r}]"
        case Name(id=name):
            return f"[{function.qualname}:{name}]"
        case Attr(value=Name(id=base), name=name):
            return f"[{function.qualname}:{base}.{name}]"
        case _:
            return "[?]"


def certain(path: Path | None) -> bool:
    """Whether two equal paths of this form are the same object: no subscript is unknown."""
    return path is not None and "[?]" not in path.steps


def given(path: Path, facts: FunctionFacts, call: Call, caller: FunctionId) -> Path:
    """What a getter returns, its keys as the caller gives them: `self._lock_for(name)` is `self._locks[name]`."""
    if not any(step.startswith("[") for step in path.steps):
        return path
    names = [p.name for p in facts.parameters if p.kind in "pa"]
    if facts.owner is not None and not any(isinstance(d, Name) and d.id == "staticmethod" for d in facts.decorators):
        names = names[1:]
    exprs = {k.name: k.value for k in call.keywords if k.name is not None}
    for name, arg in zip(names, call.args, strict=False):
        if isinstance(arg, Star):
            break
        exprs[name] = arg
    return Path(path.root, tuple(replaced(step, facts.qualname, exprs, caller) for step in path.steps))


def replaced(step: str, qualname: str, exprs: Mapping[str, Expr], caller: FunctionId) -> str:
    """A step of a callee's path in the caller's terms: a subscript by a parameter is one by the argument."""
    if not step.startswith("[") or step.startswith("[="):
        return step
    function, _, name = step[1:-1].rpartition(":")
    return key_step(exprs[name], caller) if function == qualname and name in exprs else "[?]"


def kept(scope: Scope, body: tuple[Node, ...], name: str, reach: Callable[[Expr], Path | None]) -> Path | None:
    """The element that a local name always is: looked up, or else made and put there.

    `lock = self._locks.get(key)`, `if lock is None: lock = self._locks[key] = Lock()`.
    """
    bindings = scope.bindings.get(name, ())
    if name in scope.parameters or any(b.how != "value" or b.expr is None or b.place for b in bindings):
        return None
    values = [(b.expr, reach(b.expr)) for b in bindings if b.expr is not None]
    reached = {path for _, path in values if path is not None}
    made = [v for v, path in values if path is None and not (isinstance(v, Const) and v.value is None)]
    element = reached.pop() if len(reached) == 1 else None
    if element is None and not reached and len(made) == 1:
        element = next((path for path, v in _puts(body, reach) if v in (made[0], Name(name))), None)
    if element is None or not element.steps or not element.steps[-1].startswith("["):
        return None
    put = [v for path, v in _puts(body, reach) if path == element]
    return element if all(v in put or Name(name) in put for v in made) else None


def _puts(body: tuple[Node, ...], reach: Callable[[Expr], Path | None]) -> Iterator[tuple[Path, Expr]]:
    """What a body puts under which key: `x[key] = value`."""
    for step in steps(body):
        if isinstance(step, Assign) and step.value is not None:
            for target in step.targets:
                path = reach(target) if isinstance(target, Item) else None
                if path is not None:
                    yield path, step.value
