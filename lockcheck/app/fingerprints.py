"""What a finding is known by from run to run, when lines have moved and files have been renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from lockcheck.model.findings import Finding
from lockcheck.model.identity import alike

_MARK = "-"


def numbered(findings: Iterable[Finding], modules: Mapping[str, str]) -> list[Finding]:
    """Give the findings of a whole program, in the order of their places, their fingerprints.

    `modules` are the names of modules by path. Equal hazards are told apart by their number among them: the first has
    none. All that the rules raised must be there, so that what is shown of it changes no number.
    """
    counts: dict[str, int] = {}
    found: list[Finding] = []
    for finding in findings:
        identity = _identity(finding, modules.get(finding.place.path, ""))
        count = counts[identity] = counts.get(identity, 0) + 1
        mark = f"{identity}{_MARK}{count}" if count > 1 else identity
        found.append(msgspec.structs.replace(finding, fingerprint=mark))
    return found


def without_number(fingerprint: str) -> str:
    """Give what equal hazards have in common."""
    return fingerprint.partition(_MARK)[0]


def _identity(finding: Finding, module: str) -> str:
    """Neither path nor module: a renamed file has others, and the function, its class and the locks are the same."""
    functions = sorted(map(alike, finding.sides)) or [_within(alike(finding.symbol), module)]
    parts = (finding.code, *functions, finding.subject)
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _within(symbol: str, module: str) -> str:
    """Give the qualified name of a function in its module; empty for the module itself."""
    if symbol == module:
        return ""
    return symbol.removeprefix(f"{module}.") if module else symbol
