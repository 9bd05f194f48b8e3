"""What the modules of a program bind, each by itself: the names of functions, of the top level, and of packages."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

from lockcheck.model.expression import last_word
from lockcheck.model.facts import FunctionFacts, GlobalFact, ImportFact, Unit

_Key = TypeVar("_Key", bound=Hashable)
_Kept = TypeVar("_Kept")


def namespaces(modules: Collection[str]) -> set[str]:
    """The names of packages that are no modules of a program themselves, as what is in them tells."""
    return {name[:at] for name in modules for at, sign in enumerate(name) if sign == "." and name[:at] not in modules}


def identified(functions: Iterable[FunctionFacts]) -> dict[str, FunctionFacts]:
    """The functions of a module by the names that tell them apart.

    Of several definitions of one name the first has it, but for overloads; to those of the others a number is added.
    """
    found: dict[str, FunctionFacts] = {}
    times: dict[str, int] = {}
    for facts in functions:
        name = facts.qualname
        known = found.get(name)
        if known is not None and not any(last_word(d) == "overload" for d in known.decorators):
            times[name] = times.get(name, 1) + 1
            name = f"{name}@{times[name]}"
        found[name] = facts
    return found


def packed(found: Mapping[_Key, Iterable[_Kept]]) -> dict[_Key, tuple[_Kept, ...]]:
    """Give the same in half of the memory: most hold one thing, and all of a program's are kept."""
    return {name: tuple(items) for name, items in found.items()}


class Names:
    """The names that one module's top level binds."""

    def __init__(self, unit: Unit) -> None:
        """Sort the module's facts by name."""
        facts = unit.facts
        imports: dict[str, list[ImportFact]] = {}
        self.stars: list[ImportFact] = []
        for item in facts.imports:
            if item.bound == "*":
                self.stars.append(item)
            else:
                imports.setdefault(item.bound, []).append(item)
        values: dict[str, list[GlobalFact]] = {}
        for fact in facts.globals:
            values.setdefault(fact.name, []).append(fact)
        self.imports = packed(imports)
        self.globals = packed(values)
        self.classes = {c.qualname for c in facts.classes if c.parent is None and "." not in c.qualname}
        self.functions = {f.qualname for f in facts.functions if f.parent is None and f.owner is None}
