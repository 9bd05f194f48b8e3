"""What fixing does to a whole package: `python -m tests.mended FOLDER [--diff] [--unsafe-fixes]`.

Copies the folder, runs `lockcheck --fix` on the copy, with and without `--unsafe-fixes`, and checks that

- every changed file that compiled before compiles after;
- nothing differs but the rows that the fixes name, byte for byte, ends of lines and byte order marks included;
- no file has come or gone, and none has another mode;
- there is no finding that was not there before, and a second run changes nothing.

Prints what was done as rows of a table, then what is wrong, if anything is, and with `--diff` what was changed and what
was taken back. The exit status is 1 where something is wrong. What is known of the same texts is not analysed again: the
analyses and seconds are nevertheless those that a user would wait for.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import os
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from unittest import mock

import msgspec

from lockcheck.app import fixing
from lockcheck.app.decoding import decode
from lockcheck.app.discovery import read
from lockcheck.app.fixing import Fixed, Made
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project
from lockcheck.app.run import Options, Outcome
from lockcheck.model.findings import Edit, Finding
from lockcheck.ui import mending
from lockcheck.ui.cli import main as lockcheck

HEAD = (
    "| package | fixes | files | made | taken back | not possible | findings | analyses | seconds |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)

Files: TypeAlias = "dict[str, tuple[bytes, int]]"
"""Content and mode by path."""

Kinds: TypeAlias = "Counter[tuple[str, str, str]]"
"""How many findings there are of each code, in a file, about a subject."""


class Run(msgspec.Struct, frozen=True):
    """What one run of the command came to."""

    fixed: Fixed
    first: Kinds
    analyses: int
    seconds: float
    failures: tuple[str, ...]


class Line(msgspec.Struct, frozen=True):
    """A line of a text: as it was, in a row, or put there by a fix (row 0)."""

    row: int
    text: str


def main(arguments: Sequence[str]) -> int:
    """Fix a copy of a folder and look at it."""
    parser = argparse.ArgumentParser(prog="python -m tests.mended", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--diff", action="store_true", help="show what was changed, and what was taken back")
    parser.add_argument("--unsafe-fixes", action="store_true", help="with unsafe fixes only, not without them too")
    asked = parser.parse_args(arguments)
    sys.stdout.write(HEAD)
    runner = Runner()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve() / asked.folder.resolve().name
        for flags in [["--unsafe-fixes"]] if asked.unsafe_fixes else [[], ["--unsafe-fixes"]]:
            shutil.copytree(asked.folder, root)
            before = _files(root)
            first = runner.run(root, flags)
            after = _files(root)
            again = runner.run(root, flags)
            wrong += [*differences(before, after, first), *_once_more(after, _files(root), first, again)]
            sys.stdout.write(_row(root.name, " ".join(["--fix", *flags]), first))
            if asked.diff:
                sys.stdout.writelines([*_diff(before, after), *_taken_back(first.fixed)])
            sys.stdout.flush()
            shutil.rmtree(root)
    sys.stdout.writelines(f"wrong: {line}\n" for line in wrong)
    return 1 if wrong else 0


class Runner:
    """The command line, with ears at what it asks the rest of the program, and a memory of what that said."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._known: dict[frozenset[tuple[str, str]], tuple[Outcome, float]] = {}
        self._saved = 0.0
        self._asked: list[Kinds] = []
        self._fixed: list[Fixed] = []

    def run(self, root: Path, flags: Sequence[str]) -> Run:
        """Fix what is in a folder."""
        self._asked, self._saved = [], 0.0
        begin = time.perf_counter()
        said = io.StringIO()
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(said),
            mock.patch.object(fixing, "check", self._check),
            mock.patch.object(mending, "fix", self._fix),
        ):
            lockcheck(["--isolated", "--no-cache", "--fix-only", *flags, str(root)])
        failures = tuple(line for line in said.getvalue().splitlines() if line.startswith("lockcheck: "))
        seconds = time.perf_counter() - begin + self._saved
        return Run(self._fixed[-1], self._asked[0], len(self._asked), seconds, failures)

    def _check(self, project: Project, options: Options) -> Outcome:
        texts = frozenset((source.path, source.text) for source in read(project, options.replacements).sources)
        if texts in self._known:
            outcome, seconds = self._known[texts]
            self._saved += seconds
        else:
            begin = time.perf_counter()
            outcome = check(project, options)
            self._known[texts] = outcome, time.perf_counter() - begin
        self._asked.append(_kinds(outcome.report.findings))
        return outcome

    def _fix(self, project: Project, options: Options, *, unsafe: bool) -> Fixed:
        self._fixed.append(fixing.fix(project, options, unsafe=unsafe))
        return self._fixed[-1]


def differences(before: Files, after: Files, done: Run) -> Iterator[str]:
    """What is not as it was, and should be."""
    yield from done.failures
    yield from (f"{path}: came" for path in sorted(after.keys() - before.keys()))
    yield from (f"{path}: is gone" for path in sorted(before.keys() - after.keys()))
    named: dict[str, list[Made]] = {}
    for made in done.fixed.made:
        for path in sorted({edit.place.path for edit in made.fix.edits}):
            named.setdefault(path, []).append(made)
    for path in sorted(before.keys() & after.keys()):
        (old, mode), (new, mode_now) = before[path], after[path]
        if mode != mode_now:
            yield f"{path}: mode {mode:o} is now {mode_now:o}"
        if old != new:
            yield from _differences(path, old, new, named.get(path, []))


def _differences(path: str, old: bytes, new: bytes, made: Sequence[Made]) -> Iterator[str]:
    if _compiles(old) and not _compiles(new):
        yield f"{path}: does not compile any more"
    lines = replayed(decode(old), path, made)
    raw, raw_now = _rows(old), _rows(new)
    if len(raw_now) != len(lines):
        yield f"{path}: has {len(raw_now)} lines, and should have {len(lines)}"
        return
    texts = decode(new).split("\n")
    for row, (line, content, text) in enumerate(zip(lines, raw_now, texts, strict=True), 1):
        if (line.row and not _is_kept(raw[line.row - 1], content)) or text != line.text:
            yield f"{path}:{row}: differs, and no fix names it"


def replayed(text: str, path: str, made: Sequence[Made]) -> list[Line]:
    """The lines that the edits of some fixes leave of a text, turn by turn."""
    lines = [Line(row, line) for row, line in enumerate(text.split("\n"), 1)]
    for turn in sorted({each.turn for each in made}):
        edits = {edit for each in made if each.turn == turn for edit in each.fix.edits if edit.place.path == path}
        for edit in sorted(edits, key=lambda edit: (edit.place.span, edit.content), reverse=True):
            lines = _edited(lines, edit)
    return lines


def _edited(lines: Sequence[Line], edit: Edit) -> list[Line]:
    """Some lines after an edit; a row that is left as it was keeps its number."""
    span = edit.place.span
    first, last = lines[span.row - 1], lines[span.end_row - 1]
    text = first.text[: span.column - 1] + edit.content + last.text[span.end_column - 1 :]
    new = [Line(0, each) for each in text.split("\n")]
    if span.end_column == 1 and (not edit.content or edit.content.endswith("\n")) and span.column == 1:
        new[-1] = last
    elif span.column == len(first.text) + 1 and edit.content.startswith("\n"):
        new[0] = first
    return [*lines[: span.row - 1], *new, *lines[span.end_row :]]


def _rows(content: bytes) -> list[bytes]:
    """The rows of a file with their ends; there is one behind the last end, as in the text."""
    rows = content.splitlines(keepends=True)
    return rows if rows and rows[-1].rstrip(b"\r\n") == rows[-1] else [*rows, b""]


def _is_kept(old: bytes, new: bytes) -> bool:
    """Whether a row is as it was; what was the last one may have got an end."""
    return old == new or old == new.rstrip(b"\r\n")


def _once_more(before: Files, after: Files, first: Run, again: Run) -> Iterator[str]:
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield f"{path}: a second run changes it"
    for (code, path, subject), count in sorted((again.first - first.first).items()):
        yield f"{path}: {count} new {code}: {subject}"


def _kinds(findings: Sequence[Finding]) -> Kinds:
    return Counter((finding.code, finding.place.path, finding.subject) for finding in findings)


def _files(root: Path) -> Files:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in paths}


def _compiles(content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
    return True


def _row(package: str, flags: str, done: Run) -> str:
    fixed = done.fixed
    left = fixed.outcome.report.findings
    tried = {(taken.finding.code, taken.finding.symbol) for taken in fixed.taken_back}
    impossible = [each for each in left if each.repairs and each.fix is None and (each.code, each.symbol) not in tried]
    columns = (
        package,
        f"`{flags}`",
        str(len(fixed.texts)),
        _counted([made.finding for made in fixed.made]),
        _counted([taken.finding for taken in fixed.taken_back]),
        _counted(impossible),
        f"{done.first.total()} → {len(left)}",
        str(done.analyses),
        f"{done.seconds:.0f}",
    )
    return f"| {' | '.join(columns)} |\n"


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.code for finding in findings)
    return f"{counts.total()}: " + ", ".join(f"{n} {code}" for code, n in sorted(counts.items())) if counts else "0"


def _taken_back(fixed: Fixed) -> Iterator[str]:
    for taken in fixed.taken_back:
        place = taken.finding.place
        yield f"taken back: {place.path}:{place.span.row}: {taken.finding.code}: {taken.reason}\n"


def _diff(before: Files, after: Mapping[str, tuple[bytes, int]]) -> Iterator[str]:
    for path in sorted(path for path in before if before[path] != after.get(path)):
        name = os.path.relpath(path, os.path.commonpath(list(before)))
        old, new = (decode(files[path][0]) if path in files else "" for files in (before, after))
        yield from difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), name, name, n=8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
