"""`--fix` and `--diff`: fixes are made, written or shown, and told about."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

import msgspec

from lockcheck.app.fixing import Fixed, fix
from lockcheck.app.project import Project
from lockcheck.app.run import Options
from lockcheck.app.writing import write_all
from lockcheck.model.findings import Report
from lockcheck.ui.arguments import Arguments
from lockcheck.ui.done import Done


def mend(project: Project, options: Options, arguments: Arguments) -> Done:
    """Make the fixes that were asked for."""
    unsafe = arguments.unsafe_fixes if arguments.unsafe_fixes is not None else project.config.unsafe_fixes
    fixed = fix(project, options, unsafe=unsafe)
    piped = {each.path for each in options.replacements}
    said = tuple(_said(project, fixed, arguments, unsafe=unsafe))
    if arguments.diff:
        return Done(fixed.outcome, {}, _diff(project, fixed), said, status=1 if fixed.texts else 0)
    written = {path: text for path, text in fixed.texts.items() if path not in piped}
    failures = tuple(
        msgspec.structs.replace(failure, what=project.display(failure.what))
        for failure in write_all(written, fixed.before)
    )
    instead: str | None = "" if arguments.fix_only else None
    if piped:
        instead = "".join(fixed.outcome.sources[path].text for path in sorted(piped))
    status = 0 if arguments.fix_only else None
    if fixed.made and arguments.exit_non_zero_on_fix:
        status = 1
    return Done(fixed.outcome, written, instead, said, failures, status)


def _diff(project: Project, fixed: Fixed) -> str:
    lines: list[str] = []
    for path in sorted(fixed.texts):
        name = project.display(path)
        before, after = (text.splitlines(keepends=True) for text in (fixed.before[path], fixed.texts[path]))
        lines += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(before, after, name, name)
        ]
    return "".join(lines)


def _said(project: Project, fixed: Fixed, arguments: Arguments, *, unsafe: bool) -> Iterator[str]:
    if arguments.show_fixes or project.config.show_fixes:
        for made in fixed.made:
            place = made.finding.place
            yield f"{project.display(place.path)}:{place.span.row}: {made.finding.code} fixed: {made.fix.message}"
    for taken in fixed.taken_back:
        place = taken.finding.place
        yield f"{project.display(place.path)}:{place.span.row}: {taken.finding.code} not fixed: {taken.reason}"
    counts = Counter(made.finding.code for made in fixed.made)
    hidden = 0 if unsafe else _hidden(fixed.outcome.report)
    if not counts and hidden and (arguments.diff or arguments.fix_only):
        yield f"nothing {'would be ' if arguments.diff else ''}fixed; {hidden} could be with `--unsafe-fixes`"
    if counts:
        would = "would be fixed" if arguments.diff else "fixed"
        left = len(fixed.outcome.report.findings)
        some = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
        more = f", {hidden} of them fixable with `--unsafe-fixes`" if hidden else ""
        yield f"{counts.total()} {would} ({some}), {left} left{more}"


def _hidden(report: Report) -> int:
    """How many findings have a fix that has to be asked for."""
    return sum(each.fix is not None and each.fix.applicability == "unsafe" for each in report.findings)
