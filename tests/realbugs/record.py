"""The record of released bugs: what `testdata/realbugs.toml` may say, and reading it."""

from __future__ import annotations

import enum
import sys
from pathlib import Path

import msgspec

from lockcheck.rules.registry import find
from tests.cases import TESTDATA

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECORD = TESTDATA / "realbugs.toml"


class RecordError(Exception):
    """The record says something that cannot be measured."""


class Kind(enum.Enum):
    """How far one has to look to see a bug."""

    PLAIN = "plain"
    """One function, or two that stand side by side, show it."""
    INTERPROCEDURAL = "interprocedural"
    """It shows when calls are followed, also through classes and modules."""
    HARD = "hard"
    """It takes the life of objects and threads as well: callbacks, finalisers, cancellation."""
    BEYOND = "beyond"
    """The package's code alone does not say it; listed, and not counted."""


class Release(msgspec.Struct, frozen=True, order=True):
    """A package as it was released."""

    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


class Bug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the record. Files, functions and lines are those of the affected release.

    `rules` are the codes of which one has to be reported at one of the `lines`, by its own location or a related one.
    At the `fixed` release none of them may be reported in the `functions`, unless `kept` says what hazard is left there.
    `involved` names the locks, queues and threads; `story` how it freezes; `repair` what the maintainers did about it.
    """

    id: str
    package: str
    affected: str
    kind: Kind
    rules: tuple[str, ...]
    file: str
    functions: tuple[str, ...]
    lines: tuple[int, ...]
    involved: tuple[str, ...]
    story: str
    repair: str
    fixed: str | None = None
    reference: str | None = None
    kept: str | None = None

    @property
    def before(self) -> Release:
        """The release that holds the bug."""
        return Release(self.package, self.affected)

    @property
    def after(self) -> Release | None:
        """The release at which lockcheck has to be quiet, if there is one."""
        return Release(self.package, self.fixed) if self.fixed and not self.kept else None


def read(path: Path = RECORD) -> tuple[Bug, ...]:
    """Read a record; raises `RecordError`, which names the entry, for one that cannot be measured."""
    try:
        tables: list[dict[str, object]] = tomllib.loads(path.read_text("utf-8"))["bug"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecordError(f"{path}: {error}") from None
    except KeyError:
        raise RecordError(f"{path}: no [[bug]] in it") from None
    bugs = tuple(_bug(table, number, path) for number, table in enumerate(tables, 1))
    known: set[str] = set()
    for bug in bugs:
        if bug.id in known:
            raise RecordError(f"{path}: {bug.id} is there twice")
        known.add(bug.id)
    return bugs


def _bug(table: dict[str, object], number: int, path: Path) -> Bug:
    named = table.get("id", f"entry {number}")
    try:
        bug = msgspec.convert(table, Bug)
    except msgspec.ValidationError as error:
        raise RecordError(f"{path}: {named}: {error}") from None
    for lack in _lacks(bug):
        raise RecordError(f"{path}: {named}: {lack}")
    return bug


def _lacks(bug: Bug) -> list[str]:
    """What an entry needs beyond the types of its keys, and does not have."""
    texts = {"id": bug.id, "package": bug.package, "affected": bug.affected, "file": bug.file}
    texts |= {"story": bug.story, "repair": bug.repair}
    lists = {"rules": bug.rules, "functions": bug.functions, "lines": bug.lines, "involved": bug.involved}
    found = [f"`{key}` is empty" for key, value in (texts | lists).items() if not value]
    found += [f"there is no rule {code}" for code in bug.rules if find(code) is None]
    found += [f"line {line} is none" for line in bug.lines if line < 1]
    if bug.fixed == bug.affected:
        found.append("the repaired release is the affected one")
    if bug.kept is not None and bug.fixed is None:
        found.append("`kept` speaks of a repaired release, and `fixed` names none")
    if Path(bug.file).is_absolute() or ".." in Path(bug.file).parts:
        found.append("`file` leads out of the release")
    if bug.reference is not None and not bug.reference.startswith("https://"):
        found.append("`reference` is no address")
    return found
