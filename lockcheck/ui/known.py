"""`--baseline`, `--write-baseline`, `--new-since` and `--add-noqa`: what is put up with is told apart from the rest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lockcheck.app.config import ConfigError
from lockcheck.app.project import Project
from lockcheck.app.run import Options
from lockcheck.model.findings import Failure, Report
from lockcheck.ui.arguments import Arguments
from lockcheck.ui.done import Done

if TYPE_CHECKING:
    from lockcheck.app.known import Known

_GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""What a hook's environment says of the repository that it runs in, which need not be the one that is looked at."""


def told_apart(done: Done, project: Project, options: Options, arguments: Arguments) -> Done:
    """Give what a run came to without what is known already, or write that down."""
    if arguments.baseline is not None:
        from lockcheck.app.known import read_baseline

        done = _without(done, project, read_baseline(arguments.baseline), f"in {arguments.baseline}")
    if arguments.new_since is not None:
        from lockcheck.app.since import known_since

        environment = {name: value for name, value in os.environ.items() if name not in _GIT}
        entries, failures = known_since(project, options, arguments.new_since, environment)
        done = _without(done, project, entries, f"at {arguments.new_since}")
        done = msgspec.structs.replace(done, failures=(*done.failures, *failures))
    if arguments.write_baseline is not None:
        return _written(done, project, arguments.write_baseline)
    return _silenced(done, project, arguments.add_noqa) if arguments.add_noqa is not None else done


def _without(done: Done, project: Project, entries: Sequence[Known], where: str) -> Done:
    from lockcheck.app.known import compare

    comparison = compare(done.outcome.report, entries, project)
    said = f"{comparison.known} of the findings known {where} {'is' if comparison.known == 1 else 'are'} still there"
    if comparison.gone:
        said += f", {len(comparison.gone)} {'is' if len(comparison.gone) == 1 else 'are'} gone"
    return _with(done, comparison.report, said)


def _written(done: Done, project: Project, file: str) -> Done:
    from lockcheck.app.known import write_baseline

    findings = done.outcome.report.findings
    try:
        write_baseline(file, findings, project.root)
    except OSError as error:
        failure = Failure(file, f"the baseline cannot be written: {error.strerror or error}")
        return msgspec.structs.replace(done, failures=(*done.failures, failure))
    report = msgspec.structs.replace(done.outcome.report, findings=())
    done = _with(done, report, f"{_counted(len(findings), 'finding')} written to {file}")
    return msgspec.structs.replace(done, instead=_nothing(project))


def _silenced(done: Done, project: Project, reason: str) -> Done:
    from lockcheck.app.marking import marked
    from lockcheck.app.writing import write_all

    if not reason.isprintable():
        raise ConfigError("--add-noqa: the reason must be one line of text")
    sources = done.outcome.sources
    found = marked(done.outcome.report.findings, sources, project, reason.strip())
    failures = tuple(
        msgspec.structs.replace(failure, what=project.display(failure.what))
        for failure in write_all(found.texts, {path: sources[path].text for path in found.texts})
    )
    report = msgspec.structs.replace(done.outcome.report, findings=found.left)
    said = f"{_counted(found.lines, 'noqa comment')} added"
    if found.left:
        said += f", {_counted(len(found.left), 'finding')} left"
    instead = None if found.left else _nothing(project)
    done = msgspec.structs.replace(done, texts=found.texts, failures=(*done.failures, *failures), instead=instead)
    return _with(done, report, said)


def _nothing(project: Project) -> str | None:
    """Give what people are told in place of a report; programs get one without findings."""
    return "" if project.config.output_format == "full" else None


def _with(done: Done, report: Report, said: str) -> Done:
    outcome = msgspec.structs.replace(done.outcome, report=report)
    return msgspec.structs.replace(done, outcome=outcome, said=(*done.said, said))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
