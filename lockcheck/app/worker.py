"""What a worker process does: a task at a time, until nobody asks any more. Facts are extracted file by file."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from lockcheck.app.crew import Crew, read_frame, write_frame
from lockcheck.app.headroom import with_headroom, without_collection
from lockcheck.model.findings import Failure
from lockcheck.model.source import SourceFile

TOO_DEEP = "nested too deeply to be read; split the expression or exclude the file"

TASKS = {
    "extract": ("lockcheck.app.worker", "extract_packed"),
    "propose": ("lockcheck.app.proposing", "propose_packed"),
}
"""What a worker can be asked to do: the module and the function, from packed request to packed reply."""


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


def serve() -> None:
    """Do what is asked on the standard input and reply on the standard output, until the input ends."""
    # Ctrl-C is for the parent, which ends us; where there are no sessions, it comes here too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything else prints is no reply
        write_frame(replies, b"")
        while (task := read_frame(requests)) is not None and (request := read_frame(requests)) is not None:
            write_frame(replies, _task(task.decode())(request))


def _task(name: str) -> Callable[[bytes], bytes]:
    module, function = TASKS[name]
    return cast("Callable[[bytes], bytes]", getattr(importlib.import_module(module), function))


def extract_packed(request: bytes) -> bytes:
    """Extract the facts of packed texts, which stand for numbered files: names of files may be no text."""
    texts = [text.decode("utf-8", "surrogatepass") for text in _TEXTS.decode(request)]
    return msgspec.msgpack.encode(extract_all([Job(str(number), text) for number, text in enumerate(texts)]))


def extract_apart(crew: Crew, jobs: Sequence[Job]) -> list[Done]:
    """Have a worker extract the facts of some texts."""
    return unpack(crew.ask("extract", pack(jobs)), jobs)


def pack(jobs: Sequence[Job]) -> bytes:
    """Make the request for some texts."""
    return msgspec.msgpack.encode([job.text.encode("utf-8", "surrogatepass") for job in jobs])


def unpack(reply: bytes, jobs: Sequence[Job]) -> list[Done]:
    """Read the reply to the request for some texts."""
    return [_of_file(job.path, one) for job, one in zip(jobs, _DONE.decode(reply), strict=True)]


def _of_file(path: str, done: Done) -> Done:
    failure = msgspec.structs.replace(done.failure, what=path) if done.failure is not None else None
    return msgspec.structs.replace(done, path=path, failure=failure)


def extract_all(jobs: Sequence[Job]) -> list[Done]:
    """Extract the facts of some texts. A syntax tree has no cycles: a search for garbage would only visit it."""
    with without_collection():
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


_TEXTS: msgspec.msgpack.Decoder[list[bytes]] = msgspec.msgpack.Decoder(list[bytes])
_DONE: msgspec.msgpack.Decoder[list[Done]] = msgspec.msgpack.Decoder(list[Done])
