"""What a comment asks not to be told about: `noqa` as flake8 reads it, and the forms of lockcheck's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_ENTRY = r"(?:[A-Z]+[0-9]+|[a-z]+(?:-[a-z]+)+)"
_ENTRIES = rf"{_ENTRY}(?:(?:\s*,\s*|\s+){_ENTRY})*"
_NOQA = re.compile(rf"#\s*noqa\b(?::\s?(?P<entries>{_ENTRIES}))?", re.IGNORECASE)
_FLAKE8 = re.compile(rf"#\s*flake8[:=]\s*noqa\b(?::\s?(?P<entries>{_ENTRIES}))?\s*$", re.IGNORECASE)
_OWN_NOQA = re.compile(
    rf"#\s*lockcheck[:=]\s*noqa\b(?::\s?(?P<entries>{_ENTRIES})(?P<reason>[^#]*)|\s*(?=#|$))", re.IGNORECASE
)
_IGNORE = re.compile(
    r"#\s*lockcheck[:=]\s*ignore(?P<file>-file)?(?![\w-])"
    r"(?:\s*\[(?P<entries>[^\]\[#]*)\]|(?!\s*(?:[\[(:=]|LCK\d)))(?P<reason>[^#]*)",
    re.IGNORECASE,
)
_OWN = re.compile(r"#\s*lockcheck[:=]\s*(?:noqa|ignore(?:-file)?)(?![\w-])[^#]*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+")


class Directive(msgspec.Struct, frozen=True):
    """One request in a comment, from `start` to `end` in its text. Without entries it is about every rule.

    It is about the `whole_file` or about the line; it is lockcheck's `own`, or shared with other tools. What is
    malformed has a `fault`, and does nothing. The entries stand from `first` to `last`.
    """

    start: int
    end: int
    entries: tuple[str, ...] | None
    first: int
    last: int
    whole_file: bool = False
    own: bool = False
    fault: str = ""

    @property
    def names_lockcheck(self) -> bool:
        """Whether this is said to lockcheck, not to every tool that reads the line."""
        return self.own or self.entries is not None

    def without(self, useless: tuple[str, ...], text: str) -> str:
        """Give the text of the comment without some entries; without the directive where none is left."""
        kept = [entry for entry in self.entries or () if entry not in useless]
        if kept:
            return f"{text[: self.first]}{', '.join(kept)}{text[self.last :]}"
        rest = f"{text[: self.start].rstrip()} {text[self.end :].strip()}".strip()
        return rest if not rest or rest.startswith("#") else f"# {rest}"


def directives(text: str) -> tuple[Directive, ...]:
    """Read a comment."""
    found = sorted((*_noqa(text), *_own(text)), key=lambda directive: directive.start)
    return tuple(found)


def _noqa(text: str) -> Iterator[Directive]:
    for match in _FLAKE8.finditer(text):
        yield _directive(match, _split(match), whole_file=True)
    for match in _NOQA.finditer(text):
        yield _directive(match, _split(match))


def _own(text: str) -> Iterator[Directive]:
    for said in _OWN.finditer(text):
        noqa, ignore = (pattern.match(text, said.start()) for pattern in (_OWN_NOQA, _IGNORE))
        if noqa is not None:
            yield _directive(noqa, _split(noqa), whole_file=True, own=True)
        elif ignore is not None:
            entries = _split(ignore)
            fault = "it names no rule between the brackets" if entries == () else ""
            yield _directive(ignore, entries, whole_file=ignore["file"] is not None, own=True, fault=fault)
        else:
            fault = "write `ignore[RULE]`, `ignore-file[RULE]` or `noqa: RULE`, and the reason behind it"
            yield Directive(said.start(), said.end(), (), said.end(), said.end(), own=True, fault=fault)


def _directive(
    match: re.Match[str],
    entries: tuple[str, ...] | None,
    *,
    whole_file: bool = False,
    own: bool = False,
    fault: str = "",
) -> Directive:
    first, last = match.span("entries")
    return Directive(match.start(), match.end(), entries, first, last, whole_file, own, fault)


def _split(match: re.Match[str]) -> tuple[str, ...] | None:
    entries = match["entries"]
    return tuple(part for part in _SEPARATOR.split(entries) if part) if entries is not None else None
