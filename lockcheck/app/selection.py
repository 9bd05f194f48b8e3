"""Which rules a run is about: codes, prefixes, names and `ALL`, the more specific selector winning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

SYNTAX_ERROR = "LCK900"
"""The code of a file that is not Python. It is on in every selection until it is ignored."""

UNUSED = "LCK901"
"""The code of a comment that suppresses nothing."""

_CODE = re.compile(r"[A-Z]{1,3}[0-9]*")
"""A code or the beginning of codes, of our own rules or of another package's."""

_BUILT_IN = (("LCK900", "syntax-error"),)


class Described(Protocol):
    """What selection needs to know of a rule."""

    @property
    def code(self) -> str:
        """The stable code, such as `LCK101`."""
        ...

    @property
    def name(self) -> str:
        """The stable name in kebab case."""
        ...

    @property
    def default(self) -> bool:
        """Whether the rule is on without any configuration."""
        ...

    @property
    def supersedes(self) -> tuple[str, ...]:
        """The codes whose reports of the same place become notes of this one's."""
        ...


class Entry(msgspec.Struct, frozen=True):
    """One rule in the catalogue."""

    code: str
    name: str
    default: bool = True
    supersedes: tuple[str, ...] = ()


class Selection(msgspec.Struct, frozen=True):
    """What one place (a configuration file, the command line) selects. `select` starts afresh."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def selectors(self) -> tuple[tuple[str, str], ...]:
        """Every selector with the key it stands under."""
        return (
            *(("select", selector) for selector in self.select or ()),
            *(("extend-select", selector) for selector in self.extend_select),
            *(("ignore", selector) for selector in self.ignore),
        )


class Catalogue(msgspec.Struct, frozen=True):
    """All rules there are."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, rules: Iterable[Described]) -> Catalogue:
        """Make the catalogue of these rules and of the codes that lockcheck itself raises."""
        entries = {rule.code: Entry(rule.code, rule.name, rule.default, tuple(rule.supersedes)) for rule in rules}
        for code, name in _BUILT_IN:
            entries.setdefault(code, Entry(code, name))
        return cls(tuple(entries[code] for code in sorted(entries)))

    def expand(self, selector: str) -> frozenset[str]:
        """Give the codes a selector stands for; none where it is unknown."""
        if selector == "ALL":
            return frozenset(entry.code for entry in self.entries)
        named = [entry.code for entry in self.entries if entry.name == selector]
        if named:
            return frozenset(named)
        if not _CODE.fullmatch(selector):
            return frozenset()
        return frozenset(entry.code for entry in self.entries if entry.code.startswith(selector))

    def nearest(self, selector: str) -> str | None:
        """Give the right spelling that is nearest to a wrong selector."""
        known = [spelling for entry in self.entries for spelling in (entry.code, entry.name)]
        for attempt in (selector, selector.upper(), selector.lower().replace("_", "-")):
            if self.expand(attempt):
                return attempt
            near = difflib.get_close_matches(attempt, [*known, "ALL"], n=1, cutoff=0.6)
            if near:
                return near[0]
        return None

    def enabled(self, selections: Sequence[Selection]) -> frozenset[str]:
        """Fold the selections, the strongest last, into the codes that are on."""
        codes = frozenset({entry.code for entry in self.entries if entry.default} | {SYNTAX_ERROR})
        for selection in selections:
            codes = self._apply(selection, codes)
        return codes

    def preferred(self, wanted: Iterable[str], unwanted: Iterable[str], before: Iterable[str] = ()) -> frozenset[str]:
        """Add some codes and take others away; the more specific selector wins, of two alike the one against."""
        codes = set(before)
        steps = [(self._specificity(selector), 0, selector) for selector in wanted]
        steps += [(self._specificity(selector), 1, selector) for selector in unwanted]
        for _, against, selector in sorted(steps):
            if against:
                codes -= self.expand(selector)
            else:
                codes |= self.expand(selector)
        return frozenset(codes)

    def _apply(self, selection: Selection, before: frozenset[str]) -> frozenset[str]:
        start = {SYNTAX_ERROR} if selection.select is not None else before
        return self.preferred((*(selection.select or ()), *selection.extend_select), selection.ignore, start)

    def _specificity(self, selector: str) -> int:
        if selector == "ALL":
            return 0
        if any(entry.name == selector for entry in self.entries):
            return len("LCK000")
        return len(selector)
