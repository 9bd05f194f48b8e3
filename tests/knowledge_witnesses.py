"""What an installed library says of its names, and the form in which any witness says it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

_PARTS = {
    "google": ("google.cloud.storage", "google.cloud.pubsub_v1", "google.cloud.bigquery"),
    "azure": ("azure.storage.blob", "azure.storage.queue", "azure.servicebus"),
}


@dataclass(frozen=True)
class Signature:
    """What a callable takes, without the receiver. `defaults` has the numbers only."""

    positional: tuple[str, ...]
    named: frozenset[str]
    open_positional: bool
    open_named: bool
    defaults: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        stars = (["*"] if self.open_positional else []) + (["**"] if self.open_named else [])
        return f"({', '.join([*self.positional, '|', *sorted(self.named), *stars])})"


@dataclass(frozen=True)
class Found:
    """What a witness says of a name. `coroutine` is None where it cannot tell."""

    name: str
    is_class: bool = False
    bases: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    coroutine: bool | None = None


class Witness(Protocol):
    """Somebody who knows the names of a package."""

    def find(self, name: str) -> Found | None:
        """What the name is, or None where there is none such."""


def installed(package: str) -> Iterator[Witness]:
    """The package itself, if it can be imported here."""
    if importable(package):
        yield _Installed()


def importable(package: str) -> bool:
    """Whether the package is installed here and works; a namespace is only as good as its parts."""
    return all(_import(module) is not None for module in _PARTS.get(package, (package,)))


class _Installed:
    """Imports a module and looks at what is in it."""

    def find(self, name: str) -> Found | None:
        words = name.split(".")
        for count in range(len(words), 0, -1):
            module = _import(".".join(words[:count]))
            hidden = count == len(words) > 1 and not inspect.ismodule(self._attribute(words))
            if module is not None and not hidden:
                return self._within(module, words[count:], name)
        return None

    def _attribute(self, words: list[str]) -> object:
        """What the parent module has under the name of its submodule: the submodule, or what hides it."""
        parent = _import(".".join(words[:-1]))
        return getattr(parent, words[-1], _import(".".join(words)))

    def _within(self, module: object, words: list[str], name: str) -> Found | None:
        owner: object = None
        value = module
        for word in words:
            owner = value
            try:
                value = getattr(owner, word)
            except Exception:  # noqa: BLE001 - a lazy module may fail in any way
                if inspect.isclass(owner) and word is words[-1] and _assigned(owner, word):
                    return Found(name)
                return None
        if inspect.isclass(value):
            return _class_found(value, name)
        return Found(name, False, (), _signatures(value, owner, words[-1:]), _coroutine(value))


@functools.cache
def _import(module: str) -> object | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(module)
        except Exception:  # noqa: BLE001 - whatever keeps it from being imported, it is no witness
            return None


def _class_found(value: type, name: str) -> Found:
    bases = tuple(f"{base.__module__}.{base.__qualname__}" for base in value.__mro__[1:])
    own = f"{value.__module__}.{value.__qualname__}"
    signatures: tuple[Signature, ...] = ()
    with contextlib.suppress(ValueError, TypeError):
        signatures = (_signature(inspect.signature(value), skip=0),)
    return Found(name, True, (own, *bases), signatures)


def _coroutine(value: object) -> bool | None:
    return True if inspect.iscoroutinefunction(value) else None


def _signatures(value: object, owner: object, words: list[str]) -> tuple[Signature, ...]:
    if not callable(value):
        return ()
    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError):
        return ()
    raw = inspect.getattr_static(owner, words[0], None) if inspect.isclass(owner) else None
    bound = raw is None or isinstance(raw, (staticmethod, classmethod))
    return (_signature(signature, skip=0 if bound else 1),)


def _signature(signature: inspect.Signature, skip: int) -> Signature:
    parameters = list(signature.parameters.values())
    kinds = inspect.Parameter
    positional = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    defaults = {
        p.name: float(p.default)
        for p in parameters
        if isinstance(p.default, (int, float)) and not isinstance(p.default, bool)
    }
    return Signature(
        positional=tuple(p.name for p in positional[skip:]),
        named=frozenset(p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY),
        open_positional=any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        open_named=any(p.kind is kinds.VAR_KEYWORD for p in parameters),
        defaults=defaults,
    )


def _assigned(owner: type, word: str) -> bool:
    """Whether a method of the class, or a bare annotation in it, gives its objects the attribute."""
    for kind in owner.__mro__:
        if word in getattr(kind, "__annotations__", {}):
            return True
        if re.search(rf"\bself\.{word}\b[^=\n]*=[^=]", _source(kind)):
            return True
    return False


@functools.cache
def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""
