"""Who else speaks of a lock: whatever is done with it in another module, beside taking it."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.link.bodies import expressions, steps, walk
from lockcheck.analysis.link.values import Instance, options
from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.model.expression import Attr, Const, Expr, Name
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, GlobalLock, LockId


def is_known_elsewhere(analysis: Analysis, lock: LockId) -> bool:
    """Whether another module may get hold of a lock; where that can't be told, it may."""
    match lock:
        case GlobalLock(module=module, name=name):
            return _is_imported(analysis, module, name) or any(
                isinstance(expr, Attr) for _, expr in _mentions(analysis, module, name)
            )
        case AttributeLock(owner=owner, name=name):
            return any(
                _is_of(analysis, function, expr, owner) for function, expr in _mentions(analysis, owner.module, name)
            )
        case _:
            return False


def _is_imported(analysis: Analysis, module: str, name: str) -> bool:
    """Whether an import elsewhere, of the name or of all names, leads here."""
    program = analysis.program
    for unit in program.units.values():
        inside = (item for function in unit.facts.functions for item in function.imports)
        for item in (*unit.facts.imports, *inside):
            if item.attribute == name and program.home(unit.module, item.bound) in (None, (module, name)):
                return True
            if item.bound == "*" and unit.module != module and program.home(unit.module, name) == (module, name):
                return True
    return False


def _mentions(analysis: Analysis, module: str, name: str) -> Iterator[tuple[FunctionId, Expr]]:
    """Where another module says the name behind a dot, or as a text."""
    for function in analysis.program.speaking_of(name):
        if function.module == module:
            continue
        for step in steps(analysis.program.body(function)):
            for expr in (inner for each in expressions(step) for inner in walk(each)):
                if (isinstance(expr, Attr) and expr.name == name) or (isinstance(expr, Const) and expr.value == name):
                    yield function, expr


def _is_of(analysis: Analysis, function: FunctionId, expr: Expr, owner: ClassId) -> bool:
    """Whether an attribute may be that of the class, or of one that derives from it."""
    if not isinstance(expr, Attr):
        return True
    hierarchy = analysis.engine.hierarchy
    first = analysis.engine.types.scope(function).first
    around = analysis.facts(function).owner
    if isinstance(expr.value, Name) and around is not None and expr.value.id == first:
        return hierarchy.derives(ClassId(function.module, around), owner)
    found = options(analysis.engine.types.evaluate(expr.value, function))
    known = [each.id for each in found if isinstance(each, Instance)]
    return len(known) < len(found) or not found or any(hierarchy.related(one, owner) for one in known)
