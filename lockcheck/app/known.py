"""Findings that are known already: a file of them, and what a report has beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import msgspec

from lockcheck.app.config import ConfigError
from lockcheck.app.fingerprints import without_number
from lockcheck.app.project import Project, absolute, relative_to
from lockcheck.app.writing import write_whole
from lockcheck.model.findings import Finding, Report

_VERSION = 1


class Known(msgspec.Struct, frozen=True):
    """A finding that is known. There is no line number: what merely moves changes nothing in the file.

    `file` is from the root of the project, with slashes. All but the fingerprint and the file is there to be read.
    """

    file: str
    code: str
    symbol: str
    message: str
    fingerprint: str


class _Baseline(msgspec.Struct, frozen=True):
    version: int
    findings: tuple[Known, ...]


class Comparison(msgspec.Struct, frozen=True):
    """What a report has that is not known, how much of it is known, and what was known and is not found any more."""

    report: Report
    known: int
    gone: tuple[Known, ...]


def known(findings: Iterable[Finding], root: str) -> tuple[Known, ...]:
    """Give findings as they are known by, in a stable order."""
    return _in_order(
        Known(_relative(each, root), each.code, each.symbol, each.message, each.fingerprint) for each in findings
    )


def write_baseline(path: str, findings: Iterable[Finding], root: str) -> None:
    """Write a baseline; raises `OSError`."""
    encoded = msgspec.json.encode(_Baseline(_VERSION, known(findings, root)))
    write_whole(Path(path), msgspec.json.format(encoded, indent=2) + b"\n")


def read_baseline(path: str) -> tuple[Known, ...]:
    """Read a baseline; raises `ConfigError` where it is missing or damaged."""
    hint = "write it anew with --write-baseline"
    try:
        content = Path(path).read_bytes()
        baseline = msgspec.json.decode(content, type=_Baseline)
    except OSError as error:
        raise ConfigError(f"{path}: the baseline cannot be read: {error.strerror or error}; {hint}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the baseline is damaged: {error}; {hint}") from error
    if baseline.version != _VERSION:
        raise ConfigError(f"{path}: the baseline has version {baseline.version}, not {_VERSION}; {hint}")
    return baseline.findings


def compare(report: Report, entries: Sequence[Known], project: Project) -> Comparison:
    """Tell new findings from known ones.

    Equal hazards are counted: as many are known as were known, those of the same file first, so that one more in
    another file is the one that is new. What is known of files that nobody asks about is not gone.
    """
    left: defaultdict[str, list[Known]] = defaultdict(list)
    for entry in entries:
        left[without_number(entry.fingerprint)].append(entry)
    new = list(report.findings)
    for same_file in (True, False):
        new = [
            finding
            for finding in new
            if not _take(left[without_number(finding.fingerprint)], finding, project, same_file)
        ]
    gone = tuple(
        entry for entries in left.values() for entry in entries if project.covers(absolute(entry.file, project.root))
    )
    return Comparison(
        msgspec.structs.replace(report, findings=tuple(new)), len(report.findings) - len(new), _in_order(gone)
    )


def _in_order(entries: Iterable[Known]) -> tuple[Known, ...]:
    return tuple(sorted(entries, key=lambda one: (one.file, one.code, one.symbol, one.fingerprint)))


def _take(entries: list[Known], finding: Finding, project: Project, same_file: bool) -> bool:
    """Whether a finding is among the entries, one of which is then used up."""
    own = _relative(finding, project.root)
    for index, entry in enumerate(entries):
        if entry.file == own if same_file else _may_have_moved(entry, project):
            del entries[index]
            return True
    return False


def _may_have_moved(entry: Known, project: Project) -> bool:
    """Whether an entry that is left is of a file that was looked at, or is there no more; else it may still hold."""
    path = absolute(entry.file, project.root)
    return project.covers(path) or not Path(path).exists()


def _relative(finding: Finding, root: str) -> str:
    return PurePath(relative_to(finding.place.path, root)).as_posix()
