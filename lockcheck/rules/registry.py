"""Which rules there are: each is one file of this package, and is found by looking for it.

A rule's file has its documentation as its docstring and declares the rest once: with `@rule(…)` over its `check`,
or with `documented(…)` where reading or triage raises the code. Its name is the name of the file.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import lockcheck.rules as package
from lockcheck.model.findings import Finding

if TYPE_CHECKING:
    from lockcheck.analysis.summarise import Analysis

Check: TypeAlias = "Callable[[Analysis], Iterator[Finding]]"
"""What a rule does: a pure function from what is known of a program to what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a rule's file says of itself in code; the file adds the name and the documentation."""

    code: str
    default: bool
    since: str
    supersedes: tuple[str, ...]
    check: Check | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `default` means on without any configuration.

    `supersedes` are the codes whose reports become notes of this rule's report of the same place. A rule that
    reading or triage raises has no `check`. `documentation` is Markdown, see `lockcheck.rules.document`.
    `package` is the distribution that the rule comes with, empty for our own.
    """

    code: str
    name: str
    default: bool
    since: str
    supersedes: tuple[str, ...]
    documentation: str
    check: Check | None
    package: str = ""


def rule(*, code: str, default: bool, since: str, supersedes: tuple[str, ...] = ()) -> Callable[[Check], Declaration]:
    """Declare the decorated function to be a rule's check."""

    def declare(check: Check) -> Declaration:
        return Declaration(code, default, since, supersedes, check)

    return declare


def documented(*, code: str, default: bool, since: str) -> Declaration:
    """Declare a rule that reading or triage raises: its file holds the documentation only."""
    return Declaration(code, default, since, (), None)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of this package, by code."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    rules = sorted((found for module in modules for found in rules_of(module)), key=lambda rule: rule.code)
    for one, other in itertools.pairwise(rules):
        if one.code == other.code:
            raise TypeError(f"{one.code} is declared by two files: {one.name} and {other.name}")
    return tuple(rules)


def find(code_or_name: str) -> Rule | None:
    """The rule with this code or this name."""
    for each in all_rules():
        if code_or_name in (each.code, each.name):
            return each
    return None


def rules_of(module: ModuleType, package: str = "") -> Iterator[Rule]:
    """What a module declares, as a part of a distribution."""
    for value in vars(module).values():
        if isinstance(value, Declaration):
            yield Rule(
                code=value.code,
                name=module.__name__.rpartition(".")[2].replace("_", "-"),
                default=value.default,
                since=value.since,
                supersedes=value.supersedes,
                documentation=module.__doc__ or "",
                check=value.check,
                package=package,
            )
