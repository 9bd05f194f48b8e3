"""What a worker process does: extract the facts of a few texts, each on its own account."""

from __future__ import annotations

import itertools
import signal
import traceback
from collections.abc import Sequence

import msgspec

from lockcheck.app.headroom import with_headroom
from lockcheck.model.findings import Failure
from lockcheck.model.source import SourceFile

TOO_DEEP = "nested too deeply to be read; split the expression or exclude the file"


class Job(msgspec.Struct, frozen=True):
    """A text to be extracted: which file it is, for messages."""

    path: str
    text: str

    @classmethod
    def of(cls, source: SourceFile) -> Job:
        """Make the job of a source."""
        return cls(source.path, source.text)


class Done(msgspec.Struct, frozen=True):
    """What came of a job: packed facts, or why there are none."""

    path: str
    facts: bytes = b""
    failure: Failure | None = None


def prepare() -> None:
    """Make a worker leave Ctrl-C to its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def extract_all(jobs: Sequence[Job]) -> list[Done]:
    """Extract the facts of some texts."""
    return with_headroom(lambda: [_extract(job) for job in jobs])


def _extract(job: Job) -> Done:
    from lockcheck.analysis.extract import TooDeep, extract

    try:
        facts = extract(job.text)
    except (TooDeep, RecursionError, MemoryError):
        return Done(job.path, failure=Failure(job.path, TOO_DEEP))
    except Exception as error:  # noqa: BLE001 - one of the two named places: a bug costs one file
        return Done(job.path, failure=Failure(job.path, internal_error(error)))
    return Done(job.path, msgspec.msgpack.encode(facts))


def internal_error(error: Exception) -> str:
    """Say that lockcheck itself is wrong, and where: the innermost places first."""
    frames = reversed([frame for frame, _ in traceback.walk_tb(error.__traceback__)])
    places = [f"{frame.f_globals.get('__name__')}:{frame.f_lineno}" for frame in itertools.islice(frames, 3)]
    what = next(iter(f"{type(error).__name__}: {error}".splitlines()))
    return f"internal error, please report it: {what} ({' < '.join(places)})"
