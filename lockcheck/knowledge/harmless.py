"""Calls that are not expected to raise, by name."""

from __future__ import annotations

import functools
import sys
from importlib import resources

import msgspec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Harmless(msgspec.Struct, frozen=True):
    """Names of functions, of `externals` by qualified name, of methods; `survived`: methods that end no worker."""

    functions: frozenset[str]
    externals: frozenset[str]
    methods: frozenset[str]
    survived: frozenset[str]
    logs: frozenset[str]


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    functions: str
    externals: str
    methods: str
    survived: str
    logs: str


@functools.cache
def harmless() -> Harmless:
    """The shipped list."""
    text = resources.files("lockcheck.knowledge").joinpath("harmless.toml").read_text(encoding="utf-8")
    words = msgspec.structs.asdict(msgspec.convert(tomllib.loads(text), _Text))
    return Harmless(**{name: frozenset(value.split()) for name, value in words.items()})
