"""The dotted names under which the files of a program import each other.

A package's name begins at the outermost folder with an `__init__.py`. Above that, only source roots tell for
certain; elsewhere a longer name (`ns.pkg` for a namespace package) is taken where a file of the program imports it.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path, PurePath

import msgspec

_IMPORT = re.compile(r"import[ \t]+")
_FROM = re.compile(r"[ \t]*from[ \t]+([\w.]+)[ \t]+")
_BARE = re.compile(r"[^\n#;]*")
_MEMBERS = re.compile(r"\([^)]*\)|[^\n#;]*")
_ITEM = re.compile(r"(?:^|[,(])\s*([\w.]+)")
_FEW = 8
"""Words that all texts are searched for; for more it is quicker to look at all imports."""


class ModuleName(msgspec.Struct, frozen=True):
    """What a file is called; a package's `__init__` carries the package's name."""

    name: str
    is_package: bool


class Ground(msgspec.Struct, frozen=True):
    """The folders that were searched, and those that are certainly source roots."""

    roots: tuple[str, ...]
    sources: tuple[str, ...]


def name_modules(paths: Sequence[str], ground: Ground, texts: Callable[[], Iterable[str]]) -> dict[str, ModuleName]:
    """Name the files at these absolute paths, each differently; `texts` is asked only where imports must decide."""
    groups = _groups(paths)
    imported: Imported | None = None
    taken: set[str] = set()
    names: dict[str, ModuleName] = {}
    for key in sorted(groups, key=lambda each: (len(each.parts), each)):
        certain = _certain(key, ground)
        if certain is None and imported is None:
            imported = Imported(texts())
        choices = [certain] if certain is not None else _likely(key, ground, imported or ())
        for choice in _distinct(choices):
            named = {path: _name(path, key, choice) for path in groups[key]}
            if taken.isdisjoint(one.name for one in named.values()):
                taken.update(one.name for one in named.values())
                names.update(named)
                break
    return names


class Imported(Container[str]):
    """Every absolute dotted name that an import in the texts may mean, and all that lead to it.

    As long as few words tell, only texts that hold all words of a name are looked at closely.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Nothing is looked at yet."""
        self._texts = list(texts)
        self._holding: dict[str, list[str]] = {}
        """The texts that hold a word."""
        self._seen: set[str] = set()
        self._names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name not in self._names:
            for text in self._candidates(name.split(".")):
                if text not in self._seen:
                    self._seen.add(text)
                    self._names |= _imports(text)
        return name in self._names

    def _candidates(self, words: Sequence[str]) -> list[str]:
        """Give the texts that hold some words; all that there are, once, where too many words have been looked for."""
        known = [self._holding[word] for word in words if word in self._holding]
        if not known and len(self._holding) == _FEW:
            every, self._texts = self._texts, []
            return every
        if not known:
            known.append(self._holding.setdefault(words[0], [text for text in self._texts if words[0] in text]))
        return [text for text in min(known, key=len) if all(word in text for word in words)]


def _imports(text: str) -> set[str]:
    """Give the absolute names in the imports of a text, and all that lead to them.

    The word is looked for, which takes a tenth of a look at every line.
    """
    names: set[str] = set()
    done = 0
    for word in _IMPORT.finditer(text):
        head = text[text.rfind("\n", 0, word.start()) + 1 : word.start()]
        if not head.strip(" \t"):
            names.update(_ITEM.findall(_found(_BARE, text, word.end())))
        elif word.start() >= done and (module := _FROM.fullmatch(head)) is not None:
            members = _found(_MEMBERS, text, word.end())
            done = word.end() + len(members)
            if not module[1].startswith("."):
                names.add(module[1])
                names.update(f"{module[1]}.{item}" for item in _ITEM.findall(members))
    return {prefix for name in names for prefix in itertools.accumulate(name.split("."), "{}.{}".format)}


def _found(pattern: re.Pattern[str], text: str, place: int) -> str:
    match = pattern.match(text, place)
    return "" if match is None else match[0]


def _groups(paths: Sequence[str]) -> dict[PurePath, list[str]]:
    """Put the files of one top-level package together, under its folder; a loose module is under its own path."""
    packages = {PurePath(path).parent for path in paths if PurePath(path).stem == "__init__"}
    tops: dict[PurePath, PurePath | None] = {}
    groups: dict[PurePath, list[str]] = {}
    for path in paths:
        pure = PurePath(path)
        if pure.parent not in tops:
            tops[pure.parent] = _top(pure.parent, packages)
        groups.setdefault(tops[pure.parent] or pure, []).append(path)
    return groups


def _top(folder: PurePath, packages: set[PurePath]) -> PurePath | None:
    """Give the outermost package that a folder is in."""
    inside = next((each for each in (folder, *folder.parents) if each in packages), None)
    while inside is not None and inside.parent in packages:
        inside = inside.parent
    return inside


def _certain(key: PurePath, ground: Ground) -> str | None:
    """Name a package or loose module where a source root tells."""
    source = _deepest(key.parent, ground.sources)
    if source is not None:
        return _dotted(key.relative_to(source))
    root = _deepest(key.parent, ground.roots)
    return _stem(key) if root is None or root == key.parent else None


def _likely(key: PurePath, ground: Ground, imported: Container[str]) -> list[str]:
    """Name a package or loose module below folders that may be namespace packages, or mean nothing."""
    root = _deepest(key.parent, ground.roots)
    parts = [*key.parent.relative_to(root or key.parent).parts, _stem(key)]
    longest_first = [".".join(parts[start:]) for start in range(len(parts))]
    for name in longest_first[:-1]:
        if name in imported and name.partition(".")[0] not in sys.stdlib_module_names:
            return [name, longest_first[0]]
    alone = longest_first[-1]
    is_loose = key.suffix in (".py", ".pyi") and not Path(key).is_dir()
    if is_loose and (alone not in imported or alone in sys.stdlib_module_names):
        return [longest_first[0]]
    return [alone, longest_first[0]]


def _distinct(choices: Sequence[str]) -> Iterator[str]:
    """Give the choices and, should all be taken, endless variations of the first."""
    yield from choices
    for number in itertools.count(2):
        yield f"{choices[0]}~{number}"


def _name(path: str, key: PurePath, choice: str) -> ModuleName:
    pure = PurePath(path)
    if pure == key:
        return ModuleName(choice, is_package=False)
    inner = _dotted(pure.relative_to(key))
    is_package = pure.stem == "__init__"
    if is_package:
        inner = inner.removesuffix("__init__").removesuffix(".")
    return ModuleName(f"{choice}.{inner}" if inner else choice, is_package)


def _deepest(folder: PurePath, among: Sequence[str]) -> PurePath | None:
    found = [PurePath(each) for each in among if folder.is_relative_to(each)]
    return max(found, key=lambda each: len(each.parts), default=None)


def _dotted(relative: PurePath) -> str:
    return ".".join((*relative.parts[:-1], _stem(relative)))


def _stem(path: PurePath) -> str:
    return path.stem if path.suffix in (".py", ".pyi") else path.name
