"""Equal words as one string: what is unpacked holds every name anew, and a program says the same few thousand over and over.

Nothing changes by it but memory, so that values which are frozen stay so to everybody.
"""

from __future__ import annotations

from sys import intern

from msgspec.structs import force_setattr

from lockcheck.model.expression import Attr, Name
from lockcheck.model.facts import ImportFact, ModuleFacts


def share(facts: ModuleFacts) -> None:
    """Have the names that the facts of a module consist of be kept once."""
    for function in facts.functions:
        force_setattr(function, "called", tuple(map(intern, function.called)))
        for parameter in function.parameters:
            force_setattr(parameter, "name", intern(parameter.name))
        _share_imports(function.imports)
    _share_imports(facts.imports)
    for cls in facts.classes:
        force_setattr(cls, "methods", tuple((intern(name), intern(function)) for name, function in cls.methods))
        for attribute in cls.attributes:
            force_setattr(attribute, "name", intern(attribute.name))


def share_name(expr: Name | Attr) -> None:
    """Have the name in an expression be kept once."""
    if isinstance(expr, Name):
        force_setattr(expr, "id", intern(expr.id))
    else:
        force_setattr(expr, "name", intern(expr.name))


def _share_imports(imports: tuple[ImportFact, ...]) -> None:
    for item in imports:
        force_setattr(item, "bound", intern(item.bound))
        force_setattr(item, "module", intern(item.module))
        if item.attribute is not None:
            force_setattr(item, "attribute", intern(item.attribute))
