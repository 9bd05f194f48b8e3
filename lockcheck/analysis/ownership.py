"""Parts that an object makes for itself: what one of its methods gives them comes back to this very object.

`self.line = Line(self.give_back)` in one method, `self.line.close()` in another: whichever object that is, both speak
of the same one, as long as nothing else is ever put where the part is kept.
"""

from __future__ import annotations

from lockcheck.analysis.link.bodies import steps
from lockcheck.analysis.link.stores import writes
from lockcheck.analysis.link.values import Instance, options
from lockcheck.analysis.summarise import Analysis
from lockcheck.model.expression import Attr, Call, Comprehension, Const, Expr, Group, Name
from lockcheck.model.facts import AttributeFact
from lockcheck.model.flow import Assign
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.paths import LocalRoot, ParameterRoot, Path, Root

ELEMENT = "[]"
"""The step from a collection to any of what is in it."""


def owner_class(analysis: Analysis, function: FunctionId, root: Root) -> ClassId | None:
    """The class of the object that a path starts from, where that is the object whose method a function is."""
    types = analysis.engine.types
    if not isinstance(root, ParameterRoot) or root.name != types.scope(function).first:
        return None
    for option in options(types.name(root.name, function)):
        if isinstance(option, Instance):
            return option.id
    return None


def same_object(analysis: Analysis, one: tuple[FunctionId, Root], other: tuple[FunctionId, Root]) -> bool:
    """Whether two methods that run on one object both start from it: their classes lie on one line of inheritance."""
    first, second = owner_class(analysis, *one), owner_class(analysis, *other)
    if first is None or second is None:
        return False
    return analysis.engine.hierarchy.related(first, second) is not None


def element_of(analysis: Analysis, function: FunctionId, path: Path) -> Path | None:
    """The collection whose element a local name is, one step further: `for line in self.lines`."""
    root = path.root
    if path.steps and path.steps[-1].startswith("["):
        return Path(root, (*path.steps[:-1], ELEMENT))
    if not isinstance(root, LocalRoot) or root.function != function:
        return None
    bound = analysis.engine.types.scope(function).bindings.get(root.name, ())
    if len(bound) != 1 or bound[0].expr is None or bound[0].how not in ("value", "element"):
        return None
    kept = analysis.engine.origins.container(Name(root.name), function)
    found = analysis.engine.paths.of(kept, function) if kept is not None else None
    return found.then(ELEMENT, *path.steps) if found is not None else None


def put_into(analysis: Analysis, caller: FunctionId, made: Call) -> Path | None:
    """The collection that what a call makes is put into, one step further: `self.lines.append(Line(…))`."""
    names = _names(analysis, caller, made)
    for item, into in writes(analysis.engine.types, caller):
        if item.given is made or (isinstance(item.given, Name) and item.given.id in names):
            found = analysis.engine.paths.of(into, caller)
            return found.then(ELEMENT) if found is not None else None
    return None


def _names(analysis: Analysis, caller: FunctionId, made: Call) -> list[str]:
    """The local names that hold nothing but what a call makes."""
    scope = analysis.engine.types.scope(caller)
    found: list[str] = []
    for step in steps(analysis.program.body(caller)):
        if isinstance(step, Assign) and step.value == made:
            found += [t.id for t in step.targets if isinstance(t, Name) and len(scope.bindings.get(t.id, ())) == 1]
    return found


def only_here(analysis: Analysis, cls: ClassId, part: Path) -> bool:
    """Whether what an object keeps under a name is its own: given once, or a collection that it made itself."""
    if len(part.steps) not in (1, 2):
        return False
    found = analysis.engine.hierarchy.attribute(cls, part.steps[0])
    given = [f for f in found[1] if not _none(f)] if found is not None else []
    if found is None or any(f.function is None for f in given):
        return False
    if len(part.steps) == 1:
        return len(given) == 1 and isinstance(given[0].value, Call)
    return part.steps[1] == ELEMENT and bool(given) and all(_fresh(f.value) for f in given)


def _none(fact: AttributeFact) -> bool:
    return fact.value is None or (isinstance(fact.value, Const) and fact.value.value is None)


def _fresh(value: Expr | None) -> bool:
    """Whether an expression makes a collection that nobody else knows."""
    return isinstance(value, Group | Comprehension) or (
        isinstance(value, Call) and isinstance(value.func, Name | Attr) and not value.args
    )
