"""The rules of a run: our own, and those that installed packages declare under the entry point `lockcheck.rules`.

A package counts as installed where this Python keeps packages, or lies in a folder of `PYTHONPATH`. Nothing out of the
tree that is analysed is ever loaded, however it came to be on the import path, and no configuration can name a rule's
code to be loaded.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import os
import pkgutil
import re
import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lockcheck.app.attempt import attempt
from lockcheck.app.project import Project, is_within
from lockcheck.model.errors import RuleError
from lockcheck.model.findings import Failure
from lockcheck.rules.registry import Rule, all_rules, rules_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lockcheck.rules"
"""The entry points that name modules with rules, or packages of such modules."""

_CODE = re.compile(r"[A-Z]{1,3}[0-9]{3}")
_METADATA = (".dist-info", ".egg-info")


class Rulebook(msgspec.Struct, frozen=True):
    """The rules that there are, by code, and what could not be loaded."""

    rules: tuple[Rule, ...]
    failures: tuple[Failure, ...]

    def rule(self, code: str) -> Rule | None:
        """The rule with this code."""
        return next((rule for rule in self.rules if rule.code == code), None)


def rulebook(project: Project) -> Rulebook:
    """Give the rules for a project, of which no code is loaded."""
    return _loaded(_trees(project), tuple(sys.path), str(Path.cwd()))


def _trees(project: Project) -> tuple[str, ...]:
    """The folders that are analysed, and so not trusted."""
    trees = {project.root, *project.folders, *project.apart, *(str(Path(path).parent) for path in project.files)}
    return tuple(sorted(os.path.realpath(tree) for tree in trees))


def places(project: Project) -> list[str]:
    """Give the places that tell which rules are installed: where packages lie, and what their metadata declares."""
    folders = [folder for folder in sys.path if _is_trusted(folder, _trees(project), str(Path.cwd()))]
    declared = [str(metadata / "entry_points.txt") for folder in folders for metadata in _installed(folder)]
    return [*folders, *declared]


@functools.lru_cache(maxsize=8)
def _loaded(trees: tuple[str, ...], path: tuple[str, ...], here: str) -> Rulebook:
    rules: list[Rule] = []
    failures: list[Failure] = []
    for package, entry in _entries([folder for folder in path if _is_trusted(folder, trees, here)]):
        found = attempt(
            f"rules of {package}",
            functools.partial(_rules, package, entry, trees),
            functools.partial(_cannot_load, package, entry),
        )
        if isinstance(found, Failure):
            failures.append(found)
        else:
            rules += found
    everything = sorted((*all_rules(), *rules), key=lambda rule: (rule.code, rule.package))
    _refuse_collisions(everything)
    return Rulebook(tuple(everything), tuple(failures))


def _entries(folders: Sequence[str]) -> Iterator[tuple[str, EntryPoint]]:
    """The entry points of installed distributions, with their names; of two with a name, the first is the one."""
    candidates = [metadata for folder in folders for metadata in _metadata(folder)]
    if not candidates:
        return  # most have none, and reading metadata is slow to load
    from importlib.metadata import PathDistribution

    seen: set[str] = set()
    for metadata in candidates:
        distribution = PathDistribution(metadata)
        package = distribution.metadata["Name"] or metadata.name
        if package not in seen:
            seen.add(package)
            for entry in sorted(distribution.entry_points.select(group=GROUP)):
                yield package, entry


def _metadata(folder: str) -> list[Path]:
    """The folders of metadata that speak of rules; reading them all as metadata would take long."""
    return [candidate for candidate in _installed(folder) if _speaks_of_rules(candidate / "entry_points.txt")]


def _installed(folder: str) -> list[Path]:
    """The folders of metadata of what is installed in a folder."""
    try:
        with os.scandir(folder) as listing:
            return sorted(Path(entry.path) for entry in listing if entry.name.endswith(_METADATA))
    except OSError:  # a path may name what there is not, or an archive
        return []


def _speaks_of_rules(file: Path) -> bool:
    try:
        return GROUP.encode() in file.read_bytes()
    except OSError:
        return False


def _is_trusted(folder: str, trees: Sequence[str], here: str) -> bool:
    """Whether what is installed in a folder of the import path may be loaded."""
    if not folder:
        return False
    real = os.path.realpath(folder)
    if real in _installations():
        return True
    return real != os.path.realpath(here) and not any(is_within(real, tree) for tree in trees)


@functools.cache
def _installations() -> frozenset[str]:
    """Where this Python keeps installed packages: trusted even inside the tree, as the interpreter itself is."""
    folders = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return frozenset(os.path.realpath(folder) for folder in folders)


def _rules(package: str, entry: EntryPoint, trees: Sequence[str]) -> list[Rule]:
    _refuse_analysed(entry.module, trees)
    try:
        top = importlib.import_module(entry.module)
        names = [module.name for module in pkgutil.iter_modules(getattr(top, "__path__", []))]
        modules = [top, *(importlib.import_module(f"{entry.module}.{name}") for name in sorted(names))]
    except SystemExit as end:
        raise ImportError(f"it ends the program with {end.code}") from end
    rules = [rule for module in modules for rule in rules_of(module, package)]
    if not rules:
        raise ImportError(f"`{entry.module}` declares no rule with `@lockcheck.rule(…)`")
    for rule in rules:
        if not _CODE.fullmatch(rule.code) or rule.code.startswith("LCK"):
            raise ImportError(
                f"`{rule.code}` is no code for it: up to three capital letters other than LCK, and three digits"
            )
        if rule.check is None:
            raise ImportError(f"{rule.code} has nothing to check")
    return rules


def _refuse_analysed(module: str, trees: Sequence[str]) -> None:
    """Raise `ImportError` if a module would come out of the tree that is analysed."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None:
        return  # importing it says so
    for place in (*(spec.submodule_search_locations or ()), *filter(None, (spec.origin,))):
        real = os.path.realpath(place)
        if any(is_within(real, folder) for folder in _installations()):
            continue
        if any(is_within(real, tree) for tree in trees):
            raise ImportError(f"it lies in the tree that is analysed ({place}), whose code is never loaded")


def _cannot_load(package: str, entry: EntryPoint, error: Exception) -> str:
    what = next(iter(f"{type(error).__name__}: {error}".splitlines()))
    return f"`{entry.value}` could not be loaded: {what}; update, repair or uninstall {package}"


def _refuse_collisions(rules: Sequence[Rule]) -> None:
    for what, known in (("code", [rule.code for rule in rules]), ("name", [rule.name for rule in rules])):
        pairs = sorted(zip(known, rules, strict=True), key=lambda pair: pair[0])
        for (key, one), (other_key, other) in itertools.pairwise(pairs):
            if key == other_key:
                both = " and ".join(
                    f"{rule.code} {rule.name} of {rule.package or 'lockcheck'}" for rule in (one, other)
                )
                raise RuleError(f"two rules have the {what} `{key}`: {both}; uninstall one of the packages")
