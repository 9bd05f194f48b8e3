"""Access paths: which object an expression reaches, from a root that a function's caller can replace."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from lockcheck.model.identity import ClassId, FunctionId

MAX_STEPS = 4
"""A longer path names no single object any more (DESIGN: widened, never *must*)."""


class ParameterRoot(msgspec.Struct, frozen=True, order=True, tag="p", gc=False):
    """What the function was given under this name."""

    name: str


class FreeRoot(msgspec.Struct, frozen=True, order=True, tag="f", gc=False):
    """A local name of an enclosing function, as a nested function sees it."""

    function: FunctionId
    name: str


class LocalRoot(msgspec.Struct, frozen=True, order=True, tag="l", gc=False):
    """An object that a local name got at one place of the function (`row`, `column` tell places apart)."""

    function: FunctionId
    name: str
    row: int
    column: int


class GlobalRoot(msgspec.Struct, frozen=True, order=True, tag="g", gc=False):
    """A global name of a module."""

    module: str
    name: str


class ClassRoot(msgspec.Struct, frozen=True, order=True, tag="c", gc=False):
    """A class itself: what hangs on it is shared by all instances."""

    id: ClassId


Root: TypeAlias = ParameterRoot | FreeRoot | LocalRoot | GlobalRoot | ClassRoot


class Path(msgspec.Struct, frozen=True, order=True, gc=False):
    """A root and the attributes (`name`) and subscripts (`[key]`) that lead from it to an object."""

    root: Root
    steps: tuple[str, ...] = ()

    def then(self, *steps: str) -> Path | None:
        """The path prolonged, None where it would be too long."""
        longer = (*self.steps, *steps)
        return Path(self.root, longer) if len(longer) <= MAX_STEPS else None

    def starts_with(self, other: Path) -> bool:
        """Whether this path goes through the object that `other` names."""
        return self.root == other.root and self.steps[: len(other.steps)] == other.steps
