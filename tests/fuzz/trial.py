"""One trial: some programs through the whole of lockcheck, and what is wrong with what came of it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from lockcheck.app.config import make_config
from lockcheck.app.crew import Crew, WorkerDiedError
from lockcheck.app.fixing import fix, with_fixes
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project, locate
from lockcheck.app.run import Options, Outcome
from lockcheck.app.table import OutputFormat
from lockcheck.app.worker import Done, Job, extract_apart
from lockcheck.model.source import Place
from lockcheck.ui.cli import main
from lockcheck.ui.render import render
from lockcheck.ui.render.view import View
from tests.fuzz.inputs import Files

_SETTINGS: dict[str, object] = {"select": ["ALL"], "min-confidence": "low", "test-confidence": "low"}
_FORMS: tuple[OutputFormat, ...] = ("full", "sarif", "concise", "grouped", "github", "junit", "rdjson")

_OFFERED = 8
"""Of so many runs one is in a form that tells of fixes: working them out takes half of the time."""
_MENDED = 64
"""Of so many runs all fixes are made in one: that takes twenty times as long."""
_TWICE = 32
"""Of so many runs one is made again at once, and by the command."""


class Standing:
    """Parses in one worker process from trial to trial: starting one takes longer than most trials."""

    def __init__(self) -> None:
        """Begin with none."""
        self._crew = Crew()

    def extract(self, work: Sequence[Job], locally: Callable[[Sequence[Job]], Iterator[Done]]) -> Iterator[Done]:
        """Extract some texts; who among them kills a parser is found out as ever."""
        try:
            yield from extract_apart(self._crew, work)
        except WorkerDiedError:
            yield from locally(work)


class Trial(msgspec.Struct, frozen=True):
    """What is wrong, and a sign of all that was said, which must be the same wherever it is tried."""

    complaints: list[str]
    sign: str = ""


class Manner(msgspec.Struct, frozen=True):
    """How a trial is made: in which form its findings are shown, with which fixes, and whether twice."""

    form: int = 0
    offer: bool = True
    mend: bool = True
    twice: bool = True

    @classmethod
    def of(cls, number: int) -> Manner:
        """The manner of a batch."""
        return cls(number, number % _OFFERED == 0, number % _MENDED == 0, number % _TWICE == 1)


def complaints(programs: Sequence[Files], manner: Manner | None = None) -> list[str]:
    """What is wrong with a run on these programs."""
    return trial(programs, manner or Manner()).complaints


def trial(programs: Sequence[Files], manner: Manner, executor: Standing | None = None) -> Trial:
    """Run on these programs, which stand in a folder each."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        root = Path(folder).resolve()
        for number, files in enumerate(programs):
            for name, content in files.items():
                file = root / f"p{number}" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        os.chdir(root)
        said: list[str] = []
        try:
            wrong = list(_wrong(root, manner, Options(executor=executor), said))
        except Exception:  # noqa: BLE001 - that is what is looked for
            wrong = [f"raised {traceback.format_exc()}"]
        finally:
            os.chdir(here)
    sign = hashlib.blake2b("".join(said).replace(str(root), "ROOT").encode("utf-8", "surrogatepass"), digest_size=16)
    return Trial([line.replace(str(root), "ROOT") for line in wrong], sign.hexdigest())


def _wrong(root: Path, manner: Manner, options: Options, said: list[str]) -> Iterator[str]:
    project = locate([str(root)], here=str(root), config=make_config(_SETTINGS, root))
    shown: OutputFormat = "json" if manner.offer else "gitlab"

    def run() -> Outcome:
        outcome = check(project, options)
        return with_fixes(outcome, project) if manner.offer else outcome

    outcome = run()
    printed = _rendered(outcome, project, shown)
    failures = [f"{failure.what}: {failure.message}\n" for failure in outcome.report.failures]
    said += [printed, *failures, _rendered(outcome, project, _FORMS[manner.form % len(_FORMS)])]
    yield from _of_the_failures(outcome, root)
    yield from _places(outcome)
    if manner.twice:
        if _rendered(run(), project, shown) != printed:
            yield "a second run says something else"
        yield from _of_the_command(root, shown, printed)
    if manner.mend:
        yield from _mended(project, options, said)


def _of_the_failures(outcome: Outcome, root: Path) -> Iterator[str]:
    for failure in outcome.report.failures:
        if "internal error" in failure.message:
            yield f"internal error: {failure.what}: {failure.message}"
        elif failure.what != "linking" and not failure.what.startswith(str(root)):
            yield f"not about a file: {failure.what}: {failure.message}"


def _of_the_command(root: Path, form: OutputFormat, expected: str) -> Iterator[str]:
    said, out = io.StringIO(), io.StringIO()
    settings = root / "lockcheck.toml"
    settings.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in _SETTINGS.items()), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        status = main(["--no-cache", "--jobs", "1", "--output-format", form, "."])
    printed, told = out.getvalue(), said.getvalue()
    if "internal error" in told or "Traceback" in told:
        yield f"internal error: {told}"
    due = 2 if told else 1 if json.loads(printed) else 0
    if status != due:
        yield f"exit status {status}, not {due}: {told}"
    odd = [line for line in told.splitlines() if not line.startswith(("lockcheck: p", "lockcheck: linking"))]
    if odd:
        yield f"not about a file: {odd}"
    if printed != expected:
        yield "the command says something else"


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


def _mended(project: Project, options: Options, said: list[str]) -> Iterator[str]:
    fixed = fix(project, options, unsafe=True)
    said += [text for _, text in sorted(fixed.texts.items())]
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
