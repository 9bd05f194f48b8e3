"""The report of the last run, given again where nothing has changed since: neither sources nor rules nor wishes.

It lies beside the facts in the user's cache folder. It is data, never code; whatever is damaged or of another state is
ignored and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lockcheck.analysis.link.outside import Count
from lockcheck.app.cache import replace
from lockcheck.app.discovery import read
from lockcheck.app.fixing import with_fixes
from lockcheck.app.pipeline import Options, Outcome, check
from lockcheck.app.project import Project
from lockcheck.app.rulebook import rulebook
from lockcheck.app.state import state_of
from lockcheck.model.findings import Finding, Report

_DIGEST = 16


class _Stored(msgspec.Struct, frozen=True):
    state: bytes
    report: Report
    inference: Count


def outcome(project: Project, options: Options, folder: Path | None, *, fixes: bool) -> Outcome:
    """Find the hazards in a project, and what would repair them where that is asked for.

    `folder` is where reports are kept, None where none is. The outcome of a report that is given again has no facts.
    """
    timing = options.timing
    with timing.stage("reading"):
        reading = read(project, options.replacements)
    timing.count("reading", "files", len(reading.sources))
    options = msgspec.structs.replace(options, reading=reading)
    book = rulebook(project)
    state = state_of(project, options, book, project.given, project.here, fixes) if folder is not None else None
    store = _store(folder, project) if folder is not None else None
    if store is not None and state is not None:
        stored = _load(store, state)
        if stored is not None:
            timing.count("replaying", "findings of the last run", len(stored.report.findings))
            sources = {source.path: source for source in reading.sources}
            return Outcome(stored.report, sources, {}, stored.inference)
    found = check(project, options, book)
    if fixes:
        found = with_fixes(found, project)
    if store is not None and state is not None and not options.replacements and not found.report.failures:
        _save(store, _Stored(state, _bare(found.report), found.inference))
    return found


def _store(folder: Path, project: Project) -> Path:
    name = hashlib.blake2b(project.root.encode("utf-8", "surrogateescape"), digest_size=_DIGEST).hexdigest()
    return folder / f"{name}.report"


def _bare(report: Report) -> Report:
    """A report without what only the fixing of findings needs."""
    return msgspec.structs.replace(report, findings=tuple(_without_repairs(report.findings)))


def _without_repairs(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for finding in findings:
        fix = msgspec.structs.replace(finding.fix, repair=None) if finding.fix is not None else None
        yield msgspec.structs.replace(finding, fix=fix, repairs=())


def _load(store: Path, state: bytes) -> _Stored | None:
    try:
        stored = _STORED.decode(store.read_bytes())
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    return stored if stored.state == state else None


def _save(store: Path, stored: _Stored) -> None:
    """Keep a report in one step; where that can't be, the next run is as slow as this one."""
    with contextlib.suppress(OSError, UnicodeEncodeError):  # a file's name may be no text
        replace(store, msgspec.msgpack.encode(stored))


_STORED: msgspec.msgpack.Decoder[_Stored] = msgspec.msgpack.Decoder(_Stored)
