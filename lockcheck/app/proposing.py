"""The edits of many repairs, file by file; a file that a parser may die of is parsed in a process of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from lockcheck.app.attempt import attempt
from lockcheck.app.config import Config
from lockcheck.app.crew import Crew, NoWorkerError, WorkerDiedError
from lockcheck.app.extraction import is_plain
from lockcheck.app.headroom import with_headroom, without_collection
from lockcheck.app.target import OLDEST, Version
from lockcheck.model.findings import Failure, Fix
from lockcheck.model.repairs import Repair


class _Question(msgspec.Struct, frozen=True):
    """The repairs of a finding, and the texts that their edits follow from."""

    repairs: tuple[Repair, ...]
    texts: tuple[tuple[str, str], ...]


class _Job(msgspec.Struct, frozen=True):
    """The repairs that are proposed for some findings, and the texts that they are about."""

    texts: dict[str, str]
    repairs: tuple[tuple[Repair, ...], ...]
    seconds: float
    target: Version


class Proposals:
    """The edits of many repairs. What was asked before, of the same texts, is known: most files stay as they are."""

    def __init__(self, config: Config) -> None:
        """Begin without any; the configuration tells the timeout that waits are given, and the oldest Python."""
        self._config = config
        self._known: dict[_Question, Fix | Failure | None] = {}

    def of(
        self, paths: Sequence[str], repairs: Sequence[tuple[Repair, ...]], texts: Mapping[str, str]
    ) -> tuple[list[Fix | None], list[Failure]]:
        """A fix for each finding, of which the path and the repairs are given; and the files that none can be made in."""
        questions = [_question(asked, texts) for asked in repairs]
        missing: dict[str, dict[_Question, None]] = {}
        for path, question in zip(paths, questions, strict=True):
            if question not in self._known:
                missing.setdefault(path, {})[question] = None
        for path, asked in missing.items():
            done = _done(path, _job(asked, self._config))
            said = [done] * len(asked) if isinstance(done, Failure) else done
            self._known.update(zip(asked, said, strict=True))
        answers = [self._known[question] for question in questions]
        failures = {answer.what: answer for answer in answers if isinstance(answer, Failure)}
        return [None if isinstance(answer, Failure) else answer for answer in answers], list(failures.values())


def _question(repairs: tuple[Repair, ...], texts: Mapping[str, str]) -> _Question:
    needed = sorted({repair.place.path for repair in repairs})
    return _Question(repairs, tuple((path, texts[path]) for path in needed if path in texts))


def _job(questions: Collection[_Question], config: Config) -> _Job:
    texts = {path: text for question in questions for path, text in question.texts}
    repairs = tuple(question.repairs for question in questions)
    return _Job(texts, repairs, config.default_timeout, config.target_version or OLDEST)


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
    from lockcheck.fixes.proposal import Terms
    from lockcheck.fixes.propose import Trees, propose

    terms = Terms(job.seconds, job.target)
    trees = Trees(job.texts)
    try:
        with without_collection():
            return [propose(trees, repairs, terms) for repairs in job.repairs]
    except (RecursionError, MemoryError):
        return Failure(path, "no fix could be made: it is nested too deeply")


_REQUEST: msgspec.msgpack.Decoder[tuple[str, _Job]] = msgspec.msgpack.Decoder(tuple[str, _Job])
_REPLY: msgspec.msgpack.Decoder[list[Fix | None] | Failure] = msgspec.msgpack.Decoder(list[Fix | None] | Failure)
