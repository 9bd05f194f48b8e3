"""Where local names point at one place of a function: a mapping of which each statement makes another.

Few functions have more names than a dictionary is copied for in no time. The others, and modules of many thousand
assignments, would cost time and memory with the square of their length: for them what two environments have in common is kept once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, TypeVar

from lockcheck.analysis.link.paths import Environment
from lockcheck.model.identity import ClassId
from lockcheck.model.paths import ClassRoot, Path

_T = TypeVar("_T")

FEW = 256
_WIDTH = 64
_NOWHERE = Path(ClassRoot(ClassId("", "")))
_Leaf: TypeAlias = "dict[str, Path | None]"
_Branch: TypeAlias = "tuple[_Leaf, ...]"
_NO_LEAF: _Leaf = {}
_NO_BRANCH: _Branch = (_NO_LEAF,) * _WIDTH


class _Wide(Mapping[str, "Path | None"]):
    """Many names, in two levels of branches: another environment shares all branches but those that differ."""

    def __init__(self, branches: tuple[_Branch, ...] = (_NO_BRANCH,) * _WIDTH, size: int = 0) -> None:
        self.branches = branches
        self._size = size

    def __getitem__(self, name: str) -> Path | None:
        upper, lower = _place(name)
        return self.branches[upper][lower][name]

    def __iter__(self) -> Iterator[str]:
        for branch in self.branches:
            if branch is not _NO_BRANCH:
                for leaf in branch:
                    yield from leaf

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Wide) and self.branches == other.branches

    def __hash__(self) -> int:
        return hash(self._size)

    def binding(self, name: str, path: Path | None) -> _Wide:
        """The environment with another path for one name."""
        upper, lower = _place(name)
        leaf = self.branches[upper][lower]
        size = self._size + (name not in leaf)
        branch = _with(self.branches[upper], lower, {**leaf, name: path})
        return _Wide(_with(self.branches, upper, branch), size)

    def differing(self, other: _Wide) -> Iterator[str]:
        """Names of leaves that the two do not share; what others there are has the same path in both."""
        for mine, its in zip(self.branches, other.branches, strict=True):
            if mine is not its:
                for leaf, another in zip(mine, its, strict=True):
                    if leaf is not another:
                        yield from leaf.keys() | another.keys()


def bound(env: Environment, name: str, path: Path | None) -> Environment:
    """The environment after a name got a value."""
    if isinstance(env, _Wide):
        return env.binding(name, path)
    if len(env) < FEW:
        return {**env, name: path}
    return _wide(env).binding(name, path)


def joined(one: Environment, other: Environment) -> Environment:
    """The environment where two flows meet: a name that points elsewhere in the other denotes no one object."""
    if one is other:
        return one
    if isinstance(one, _Wide) or isinstance(other, _Wide):
        return _joined(_wide(one), _wide(other))
    return {n: _both(one, other, n) for n in sorted(one.keys() | other.keys())}


def _joined(one: _Wide, other: _Wide) -> _Wide:
    found = one
    for name in one.differing(other):
        path = _both(one, other, name)
        if name not in found or found[name] != path:
            found = found.binding(name, path)
    return found


def _both(one: Environment, other: Environment, name: str) -> Path | None:
    path = one.get(name, _NOWHERE)
    return path if path == other.get(name, _NOWHERE) else None


def _wide(env: Environment) -> _Wide:
    if isinstance(env, _Wide):
        return env
    found = _Wide()
    for name, path in env.items():
        found = found.binding(name, path)
    return found


def _with(items: tuple[_T, ...], index: int, item: _T) -> tuple[_T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def _place(name: str) -> tuple[int, int]:
    number = hash(name)
    return number % _WIDTH, number // _WIDTH % _WIDTH
