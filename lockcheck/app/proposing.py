"""The edits of many repairs, file by file; a file that a parser may die of is parsed in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from lockcheck.app.attempt import attempt
from lockcheck.app.crew import Crew, NoWorkerError, WorkerDiedError
from lockcheck.app.extraction import is_plain
from lockcheck.app.headroom import with_headroom
from lockcheck.model.findings import Failure, Fix
from lockcheck.model.repairs import Repair


class _Job(msgspec.Struct, frozen=True):
    """The repairs that are proposed for some findings, and the texts that they are about."""

    texts: dict[str, str]
    repairs: tuple[tuple[Repair, ...], ...]
    seconds: float


def propose_all(
    paths: Sequence[str], repairs: Sequence[tuple[Repair, ...]], texts: Mapping[str, str], seconds: float
) -> tuple[list[Fix | None], list[Failure]]:
    """A fix for each finding, of which the path and the repairs are given; and the files that none could be made in."""
    by_path: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        by_path.setdefault(path, []).append(index)
    fixes: list[Fix | None] = [None] * len(paths)
    failures: list[Failure] = []
    for path, indices in by_path.items():
        asked = tuple(repairs[index] for index in indices)
        needed = sorted({repair.place.path for each in asked for repair in each})
        job = _Job({each: texts[each] for each in needed if each in texts}, asked, seconds)
        done = _done(path, job)
        if isinstance(done, Failure):
            failures.append(done)
        else:
            for index, fix in zip(indices, done, strict=True):
                fixes[index] = fix
    return fixes, failures


def _done(path: str, job: _Job) -> list[Fix | None] | Failure:
    if all(is_plain(text) for text in job.texts.values()):
        return with_headroom(lambda: _propose(path, job))
    crew = Crew()
    try:
        return _REPLY.decode(crew.ask("propose", msgspec.msgpack.encode((path, job))))
    except WorkerDiedError:
        return Failure(path, "no fix could be made: the parser died of it; split its longest expression")
    except NoWorkerError as error:
        return Failure(path, f"no fix could be made, for no worker process starts: {error}")
    except UnicodeEncodeError:
        return Failure(path, "no fix could be made: the name of a file that it is about is no text")
    finally:
        crew.close()


def propose_packed(request: bytes) -> bytes:
    """Do what is asked of a worker process."""
    path, job = _REQUEST.decode(request)
    return msgspec.msgpack.encode(with_headroom(lambda: _propose(path, job)))


def _propose(path: str, job: _Job) -> list[Fix | None] | Failure:
    return attempt(path, lambda: _proposed(path, job))


def _proposed(path: str, job: _Job) -> list[Fix | None] | Failure:
    from lockcheck.fixes.propose import Trees, propose

    trees = Trees(job.texts)
    try:
        return [propose(trees, repairs, job.seconds) for repairs in job.repairs]
    except (RecursionError, MemoryError):
        return Failure(path, "no fix could be made: it is nested too deeply")


_REQUEST: msgspec.msgpack.Decoder[tuple[str, _Job]] = msgspec.msgpack.Decoder(tuple[str, _Job])
_REPLY: msgspec.msgpack.Decoder[list[Fix | None] | Failure] = msgspec.msgpack.Decoder(list[Fix | None] | Failure)
