"""The tree that astroid makes of the built-ins: a tenth of a second each time, so that it is made once and put back in order.

Inference writes into it: an attribute that a program gives to an exception is noted at the class. What one program left
there must not be told to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

from astroid import bases, nodes, raw_building
from astroid.manager import AstroidManager

_Names: TypeAlias = "dict[str, list[Any]]"
"""The names of a scope, with the list of what each may be."""


class Order:
    """What the scopes of the built-ins held when they were new."""

    def __init__(self) -> None:
        """Have astroid make the tree, if it has not yet, and look at it."""
        manager = AstroidManager()
        if "builtins" not in manager.astroid_cache:
            manager.bootstrap()
        self.tree: nodes.Module = manager.builtins_module
        self._before = [(names, {word: list(found) for word, found in names.items()}) for names in _scopes(self.tree)]

    def restore(self) -> None:
        """Have the scopes hold that and no more."""
        for names, before in self._before:
            if (names or before) and names != before:
                names.clear()
                names.update((word, list(found)) for word, found in before.items())


@cache
def order() -> Order:
    """The order of the built-ins, noted before the first program."""
    return Order()


def _scopes(tree: nodes.Module) -> Iterator[_Names]:
    constants: dict[type, object] = getattr(raw_building, "_CONST_PROXY")  # noqa: B009 - None's class has no other name
    waiting: list[Any] = [tree, getattr(bases.UnionType, "_proxied"), *constants.values()]  # noqa: B009
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, nodes.LocalsDictNodeNG):
            continue
        seen.add(id(node))
        kinds = ("instance_attrs",) if isinstance(node, nodes.FunctionDef) else ("locals", "instance_attrs")
        for kind in kinds:
            names: _Names | None = getattr(node, kind, None)
            if names is not None:
                yield names
                waiting += [value for found in names.values() for value in found]
