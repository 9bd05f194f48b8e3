"""Identities: values that name modules, classes, functions and locks across a program."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from lockcheck.model.facts import MODULE

_APART = re.compile(r"(?<=<lambda):\d+:\d+(?=>)|@\d+$")


class FunctionId(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A function by its module and qualified name; a module's body is `<module>`."""

    module: str
    qualname: str

    def __str__(self) -> str:
        return self.module if self.qualname == MODULE else f"{self.module}.{self.qualname}"


def alike(name: str) -> str:
    """A function's name without what tells it from others of its name: the place of a lambda, or which of several it is."""
    return _APART.sub("", name)


def plain(name: str) -> str:
    """A function's name as people write it."""
    return alike(name).replace(".<locals>", "")


class ClassId(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A class by its module and qualified name."""

    module: str
    qualname: str

    def __str__(self) -> str:
        return f"{self.module}.{self.qualname}"


class AttributeLock(msgspec.Struct, frozen=True, order=True, tag="attribute", gc=False, cache_hash=True):
    """The lock in an attribute of the instances of a class (or of the class itself)."""

    owner: ClassId
    name: str


class GlobalLock(msgspec.Struct, frozen=True, order=True, tag="global", gc=False, cache_hash=True):
    """The lock in a module's global name."""

    module: str
    name: str


class LocalLock(msgspec.Struct, frozen=True, order=True, tag="local", gc=False, cache_hash=True):
    """The lock in a function's local name (it reaches others by a closure or an argument)."""

    function: FunctionId
    name: str


class ElementLock(msgspec.Struct, frozen=True, order=True, tag="element", gc=False, cache_hash=True):
    """Any lock out of a container of locks: a family."""

    container: AttributeLock | GlobalLock | LocalLock


LockId: TypeAlias = AttributeLock | GlobalLock | LocalLock | ElementLock


def qualified_name(lock: LockId) -> str:
    """The lock as the configuration names it: `module.qualname`; a container stands for each of its locks."""
    match lock:
        case AttributeLock(owner, name):
            return f"{owner}.{name}"
        case GlobalLock(module, name):
            return f"{module}.{name}"
        case LocalLock(function, name):
            return f"{function}.{name}"
        case ElementLock(container):
            return qualified_name(container)


def lock_name(lock: LockId) -> str:
    """The lock as a user would name it: `Room._members_lock`, `LOCK`, `Room._locks[…]`."""
    match lock:
        case AttributeLock(owner, name):
            return f"{owner.qualname.replace('.<locals>', '')}.{name}"
        case GlobalLock(_, name):
            return name
        case LocalLock(_, name):
            return name
        case ElementLock(container):
            return f"{lock_name(container)}[…]"
