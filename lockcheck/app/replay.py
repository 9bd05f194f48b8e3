"""The report of the last run, given again where nothing has changed since: neither sources nor rules nor wishes.

It lies beside the facts in the user's cache folder. It is data, never code; whatever is damaged or of another state is
ignored and made anew. What nobody touched is not read to see that: the file system tells (`lockcheck.app.stamps`).
Where it does not, everything is read, and the contents decide.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lockcheck.app.run import Options, Outcome
from lockcheck.app.stamps import Index, Seen, confirmed, now
from lockcheck.app.state import asked_of, state_of, surroundings
from lockcheck.app.store import DAMAGED, file_of, read_sealed, write_sealed
from lockcheck.model.findings import Count, Finding, Report
from lockcheck.model.source import SourceFile

if TYPE_CHECKING:
    from lockcheck.app.project import Project
    from lockcheck.app.rulebook import Rulebook

_MAGIC = b"lockcheck report 1\n"
_LARGE = 2_000_000
"""Characters of sources of which an analysis is let go before fixes are worked out, which take memory too: some 30 MB."""


class _Named(msgspec.Struct, frozen=True, array_like=True):
    """A source that a report shows lines of."""

    path: str
    module: str
    is_package: bool


class _Stored(msgspec.Struct, frozen=True):
    """A report, what it depends on, and how that looked from outside when it was made."""

    asked: bytes
    state: bytes
    index: Index
    report: Report
    inference: Count
    shown: tuple[_Named, ...]


class Wish(msgspec.Struct, frozen=True):
    """What is asked of a project, and the folder in which reports are kept. With `fixes`, a report has them."""

    project: Project
    folder: Path
    fixes: bool

    @property
    def file(self) -> Path:
        """Where the last report of the project lies."""
        return file_of(self.folder, self.project.root, "report")

    @property
    def asked(self) -> bytes:
        """What stands for the wish."""
        return asked_of(self.project, self.fixes)


def again(wish: Wish, options: Options) -> Outcome | None:
    """Give the last report where the file system says that nothing has changed; None where it does not say so.

    The outcome has no facts, and only those sources of which the report shows lines.
    """
    if options.replacements or wish.project.config.python_path:
        return None
    with options.timing.stage("replaying"):
        stored = _load(wish.file)
        if stored is None or stored.asked != wish.asked:
            return None
        index = confirmed(stored.index)
        if index is None:
            return None
        sources = _shown(stored, wish.project)
        if sources is None:
            return None
        if index is not stored.index:
            _save(wish.file, msgspec.structs.replace(stored, index=index))
    options.timing.count("replaying", "files unchanged", len(index.files))
    options.timing.count("replaying", "findings of the last run", len(stored.report.findings))
    return Outcome(stored.report, sources, {}, stored.inference)


def outcome(wish: Wish, options: Options) -> Outcome:
    """Find the hazards in a project, and what would repair them where that is asked for; keep that for the next time."""
    from lockcheck.app.discovery import read
    from lockcheck.app.pipeline import check
    from lockcheck.app.rulebook import rulebook

    timing, project = options.timing, wish.project
    begin = now()
    with timing.stage("loading"):
        book = rulebook(project)
        around = tuple(Seen.at(place) for place in surroundings(project, book))
    with timing.stage("reading"):
        reading = read(project, options.replacements)
    timing.count("reading", "files", len(reading.sources))
    options = msgspec.structs.replace(options, reading=reading)
    state = state_of(project, options, book, project.given, project.here, wish.fixes)
    if state is None or options.replacements:
        return anew(project, options, book, fixes=wish.fixes)
    index = msgspec.structs.replace(reading.index, taken=begin, places=(*reading.index.places, *around))
    stored = _load(wish.file)
    if stored is not None and stored.state == state:
        timing.count("replaying", "findings of the last run", len(stored.report.findings))
        _save(wish.file, msgspec.structs.replace(stored, asked=wish.asked, index=index))
        sources = {source.path: source for source in reading.sources}
        return Outcome(stored.report, sources, {}, stored.inference)
    found = check(project, options, book)
    if wish.fixes:
        del reading
        found = _with_fixes(found, project, msgspec.structs.replace(options, reading=None))
    if not found.report.failures:
        report = _bare(found.report)
        paths = sorted(set(_paths(report)) & found.sources.keys())
        shown = tuple(_Named(path, found.sources[path].module, found.sources[path].is_package) for path in paths)
        _save(wish.file, _Stored(wish.asked, state, index, report, found.inference, shown))
    return found


def anew(project: Project, options: Options, book: Rulebook | None = None, *, fixes: bool) -> Outcome:
    """Find the hazards in a project, whatever was found before."""
    from lockcheck.app.pipeline import check

    found = check(project, options, book)
    return _with_fixes(found, project, options) if fixes else found


def _told(found: Outcome) -> Outcome:
    """Let everything go but a report and the sources that it speaks of."""
    wanted = set(_paths(found.report))
    sources = {path: source for path, source in found.sources.items() if path in wanted}
    return msgspec.structs.replace(found, sources=sources, facts={})


def _with_fixes(found: Outcome, project: Project, options: Options) -> Outcome:
    """Work out what would repair the hazards; of a large program, what nobody asks for any more is let go before."""
    from lockcheck.app.fixing import with_fixes
    from lockcheck.app.headroom import give_back

    is_large = sum(len(source.text) for source in found.sources.values()) > _LARGE
    if is_large:
        found = _told(found)
        if options.cache is not None:
            options.cache.let_texts_go()
        give_back()
    with options.timing.stage("fixing"):
        return with_fixes(found, project, jobs=options.jobs, cache=options.cache, sparing=is_large)


def _shown(stored: _Stored, project: Project) -> dict[str, SourceFile] | None:
    """Read the sources of which a report shows lines; None where one has changed at this very moment."""
    from lockcheck.app.discovery import Text, read_text

    digests = stored.index.digests()
    sources: dict[str, SourceFile] = {}
    for path, module, is_package in ((one.path, one.module, one.is_package) for one in stored.shown):
        read = read_text(path)
        if not isinstance(read, Text) or read.seen.digest != digests.get(path):
            return None
        sources[path] = SourceFile(path, project.display(path), module, is_package, read.text)
    return sources


def _paths(report: Report) -> Iterator[str]:
    """Every file that a report speaks of."""
    for finding in report.findings:
        yield finding.place.path
        yield from (related.place.path for related in finding.related)
        yield from (lock.place.path for lock in finding.locks)
        yield from (repair.place.path for repair in finding.repairs)
        if finding.fix is not None:
            yield from (edit.place.path for edit in finding.fix.edits)


def _bare(report: Report) -> Report:
    """A report without what only the fixing of findings needs."""
    return msgspec.structs.replace(report, findings=tuple(_without_repairs(report.findings)))


def _without_repairs(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for finding in findings:
        fix = msgspec.structs.replace(finding.fix, repair=None) if finding.fix is not None else None
        yield msgspec.structs.replace(finding, fix=fix, repairs=())


def _load(store: Path) -> _Stored | None:
    try:
        packed = read_sealed(store, _MAGIC)
        return _STORED.decode(packed) if packed is not None else None
    except (OSError, *DAMAGED):
        return None


def _save(store: Path, stored: _Stored) -> None:
    """Keep a report in one step; where that can't be, the next run is as slow as this one."""
    with contextlib.suppress(OSError, UnicodeEncodeError):  # a file's name may be no text
        packed = msgspec.msgpack.encode(stored)
        write_sealed(store, _MAGIC, [packed])


_STORED: msgspec.msgpack.Decoder[_Stored] = msgspec.msgpack.Decoder(_Stored)
