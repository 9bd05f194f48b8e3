"""What an earlier commit of the project would have been told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from lockcheck.app.known import Known, known
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project
from lockcheck.app.revision import as_of
from lockcheck.app.run import Options
from lockcheck.model.findings import Failure


def known_since(
    project: Project, options: Options, ref: str, environment: Mapping[str, str]
) -> tuple[tuple[Known, ...], tuple[Failure, ...]]:
    """Give what is found in a commit by the configuration of today, and what of lockcheck failed at that.

    Raises `ConfigError` where there is no repository or no such commit. `environment` is what git runs in.

    The whole project is analysed as it was then: one finding depends on many files, so that nothing less tells whether
    it is new.
    """
    with as_of(project, ref, environment) as then:
        report = check(then, msgspec.structs.replace(options, replacements=())).report
        return known(report.findings, then.root), tuple(_ours(report.failures, ref))


def _ours(failures: Iterable[Failure], ref: str) -> Iterator[Failure]:
    """Give the failures that cost findings; a file that could not be read then tells nothing of today."""
    for failure in failures:
        if not Path(failure.what).is_absolute():
            yield Failure(f"{failure.what}, at {ref}", failure.message)
