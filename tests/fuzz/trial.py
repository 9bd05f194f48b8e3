"""One trial: some programs through the whole of lockcheck, twice, and what is wrong with what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from lockcheck.app.config import make_config
from lockcheck.app.fixing import fix, with_fixes
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project, locate
from lockcheck.app.run import Options, Outcome
from lockcheck.app.table import OutputFormat
from lockcheck.model.source import Place
from lockcheck.ui.cli import main
from lockcheck.ui.render import render
from lockcheck.ui.render.view import View
from tests.fuzz.inputs import Files

_SETTINGS: dict[str, object] = {"select": ["ALL"], "min-confidence": "low", "test-confidence": "low"}
_FORMS: tuple[OutputFormat, ...] = ("full", "sarif", "concise", "grouped", "github", "junit", "rdjson")

_OFFERED = 4
"""Of so many runs one is in a form that tells of fixes: working them out takes three quarters of the time."""


def complaints(programs: Sequence[Files], *, mend: bool, form: int = 0) -> list[str]:
    """What is wrong with a run on these programs, which stand in a folder each; `mend` makes all fixes too."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        root = Path(folder).resolve()
        for number, files in enumerate(programs):
            for name, content in files.items():
                file = root / f"p{number}" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        os.chdir(root)
        try:
            return [line.replace(str(root), "ROOT") for line in _wrong(root, mend=mend, form=form)]
        except Exception:  # noqa: BLE001 - that is what is looked for
            return [f"raised {traceback.format_exc()}".replace(str(root), "ROOT")]
        finally:
            os.chdir(here)


def _wrong(root: Path, *, mend: bool, form: int) -> Iterator[str]:
    config = make_config(_SETTINGS, root)
    project = locate([str(root)], here=str(root), config=config)
    shown: OutputFormat = "gitlab" if form % _OFFERED else "json"
    said, status, printed = _command(root, shown)
    yield from _of_the_command(said, status, printed)
    outcome = check(project, Options())
    if shown == "json":
        outcome = with_fixes(outcome, project)
    again = _rendered(outcome, project, shown)
    if again != printed:
        yield "a second run says something else"
    yield from _places(outcome)
    _rendered(outcome, project, _FORMS[form % len(_FORMS)])
    if mend:
        yield from _mended(project)


def _command(root: Path, form: OutputFormat) -> tuple[str, int, str]:
    said, printed = io.StringIO(), io.StringIO()
    settings = root / "lockcheck.toml"
    settings.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in _SETTINGS.items()), "utf-8")
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        status = main(["--no-cache", "--jobs", "1", "--output-format", form, "."])
    return said.getvalue(), status, printed.getvalue()


def _of_the_command(said: str, status: int, printed: str) -> Iterator[str]:
    if "internal error" in said or "Traceback" in said:
        yield f"internal error: {said}"
    found = json.loads(printed)
    expected = 2 if said else 1 if found else 0
    if status != expected:
        yield f"exit status {status}, not {expected}: {said}"
    odd = [line for line in said.splitlines() if not line.startswith(("lockcheck: p", "lockcheck: linking"))]
    if odd:
        yield f"not about a file: {odd}"


def _rendered(outcome: Outcome, project: Project, form: OutputFormat) -> str:
    return render(outcome.report, View(project, outcome.sources), form)


def _places(outcome: Outcome) -> Iterator[str]:
    for finding in outcome.report.findings:
        places = [finding.place, *(step.place for step in finding.related), *(lock.place for lock in finding.locks)]
        places += [edit.place for edit in finding.fix.edits] if finding.fix is not None else []
        for place in places:
            if not _is_inside(place, outcome):
                yield f"{finding.code} points to {place.path}:{place.span}, where nothing is"


def _is_inside(place: Place, outcome: Outcome) -> bool:
    source = outcome.sources.get(place.path)
    if source is None:
        return False
    lines = source.text.split("\n")
    span = place.span
    ends = ((span.row, span.column), (span.end_row, span.end_column))
    inside = all(1 <= row <= len(lines) and 1 <= column <= len(lines[row - 1]) + 1 for row, column in ends)
    return inside and ends[0] <= ends[1]


def _mended(project: Project) -> Iterator[str]:
    fixed = fix(project, Options(), unsafe=True)
    for failure in fixed.outcome.report.failures:
        if "internal error" in failure.message:
            yield f"internal error in fixing: {failure.what}: {failure.message}"
    for path, text in fixed.texts.items():
        if compiles(fixed.before[path]) and not compiles(text):
            made = sorted({f"{each.finding.code} {each.fix.message}" for each in fixed.made})
            yield f"fixed text does not compile ({made}):\n{text}"


def compiles(text: str) -> bool:
    """Whether Python takes a text; nothing of it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "text", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
