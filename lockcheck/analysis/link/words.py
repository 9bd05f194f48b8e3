"""Equal words as one string: what is unpacked holds every name anew, and a program says the same few thousand over and over.

Nothing changes by it but memory, so that values which are frozen stay so to everybody.
"""

from __future__ import annotations

from sys import intern

from msgspec.structs import force_setattr

from lockcheck.analysis.link.bodies import walk
from lockcheck.model.expression import Attr, Call, Expr, Keyword, Name
from lockcheck.model.facts import ClassFacts, FunctionFacts, ImportFact, ModuleFacts


def share(facts: ModuleFacts) -> None:
    """Have the names that the facts of a module consist of be kept once."""
    for function in facts.functions:
        _share_function(function)
    _share_imports(facts.imports)
    for cls in facts.classes:
        _share_class(cls)
    for item in facts.globals:
        force_setattr(item, "name", intern(item.name))
        force_setattr(item, "function", intern(item.function))
        _share_in(item.value)
        _share_in(item.annotation)


def share_name(expr: Name | Attr | Keyword) -> None:
    """Have the name in an expression be kept once."""
    if isinstance(expr, Name):
        force_setattr(expr, "id", intern(expr.id))
    elif expr.name is not None:
        force_setattr(expr, "name", intern(expr.name))


def _share_function(function: FunctionFacts) -> None:
    force_setattr(function, "qualname", intern(function.qualname))
    if function.owner is not None:
        force_setattr(function, "owner", intern(function.owner))
    force_setattr(function, "called", tuple(map(intern, function.called)))
    force_setattr(function, "stored", tuple(map(intern, function.stored)))
    for parameter in function.parameters:
        force_setattr(parameter, "name", intern(parameter.name))
        _share_in(parameter.annotation)
        _share_in(parameter.default)
    for decorator in function.decorators:
        _share_in(decorator)
    _share_in(function.returns)
    _share_imports(function.imports)


def _share_class(cls: ClassFacts) -> None:
    force_setattr(cls, "methods", tuple((intern(name), intern(function)) for name, function in cls.methods))
    for attribute in cls.attributes:
        force_setattr(attribute, "name", intern(attribute.name))
        if attribute.function is not None:
            force_setattr(attribute, "function", intern(attribute.function))
        _share_in(attribute.value)
        _share_in(attribute.annotation)


def _share_in(expr: Expr | None) -> None:
    """Have the names be kept once that an expression consists of."""
    for inner in walk(expr) if expr is not None else ():
        if isinstance(inner, Name | Attr):
            share_name(inner)
        elif isinstance(inner, Call):
            for keyword in inner.keywords:
                share_name(keyword)


def _share_imports(imports: tuple[ImportFact, ...]) -> None:
    for item in imports:
        force_setattr(item, "bound", intern(item.bound))
        force_setattr(item, "module", intern(item.module))
        if item.attribute is not None:
            force_setattr(item, "attribute", intern(item.attribute))
