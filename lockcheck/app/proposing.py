"""The edits of many repairs, file by file, in worker processes where there are many or a parser may die of one."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from lockcheck.app.attempt import attempt
from lockcheck.app.cache import Memory
from lockcheck.app.config import Config
from lockcheck.app.crew import Crew, NoWorkerError, WorkerDiedError, at_work
from lockcheck.app.extraction import is_plain
from lockcheck.app.headroom import with_headroom, without_collection
from lockcheck.app.store import digest
from lockcheck.app.target import OLDEST, Version
from lockcheck.model.findings import Failure, Fix
from lockcheck.model.repairs import Repair

_Done: TypeAlias = list[Fix | None] | Failure
"""What comes of the questions about one file."""

_IN_PROCESS = 60_000
"""So many characters are parsed here in less time than worker processes take to start."""


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

    def __init__(self, config: Config, jobs: int = 1, cache: Memory | None = None, *, sparing: bool = False) -> None:
        """Begin without any; the configuration tells the timeout that waits are given, and the oldest Python.

        Many files are shared among so many worker processes, or done by one that is `sparing` with memory, of which trees take
        much. What a cache knows is not asked again.
        """
        self._sparing = sparing
        self._config = config
        self._cache = cache
        self._workers = jobs
        self._known: dict[_Question, Fix | Failure | None] = {}

    def of(
        self, paths: Sequence[str], repairs: Sequence[tuple[Repair, ...]], texts: Mapping[str, str]
    ) -> tuple[list[Fix | None], list[Failure]]:
        """A fix for each finding, of which the path and the repairs are given; and the files that none can be made in."""
        questions = [_question(asked, texts) for asked in repairs]
        missing: dict[str, dict[_Question, bytes | None]] = {}
        for path, question in zip(paths, questions, strict=True):
            if question not in self._known and question not in missing.get(path, {}):
                packed = self._packed(question)
                if not self._recall(question, packed):
                    missing.setdefault(path, {})[question] = packed
        jobs = {path: _job(asked, self._config) for path, asked in missing.items()}
        for path, done in _all_done(jobs, self._workers, sparing=self._sparing):
            asked = missing[path]
            said = [done] * len(asked) if isinstance(done, Failure) else done
            for (question, packed), answer in zip(asked.items(), said, strict=True):
                self._known[question] = answer
                if self._cache is not None and packed is not None and not isinstance(answer, Failure):
                    self._cache.put_fix(packed, answer)
        answers = [self._known[question] for question in questions]
        failures = {answer.what: answer for answer in answers if isinstance(answer, Failure)}
        return [None if isinstance(answer, Failure) else answer for answer in answers], list(failures.values())

    def _recall(self, question: _Question, packed: bytes | None) -> bool:
        """Whether an earlier run knows what comes of a question."""
        known = self._cache.get_fix(packed) if self._cache is not None and packed is not None else None
        if known is not None:
            self._known[question] = known.fix
        return known is not None

    def _packed(self, question: _Question) -> bytes | None:
        """All that the answer depends on; None where a file's name is no text."""
        if self._cache is None:
            return None
        texts = [(path, digest(text.encode("utf-8", "surrogatepass"))) for path, text in question.texts]
        terms = (self._config.default_timeout, self._config.target_version or OLDEST)
        try:
            return msgspec.msgpack.encode((question.repairs, texts, terms))
        except UnicodeEncodeError:
            return None


def _question(repairs: tuple[Repair, ...], texts: Mapping[str, str]) -> _Question:
    needed = sorted({repair.place.path for repair in repairs})
    return _Question(repairs, tuple((path, texts[path]) for path in needed if path in texts))


def _job(questions: Collection[_Question], config: Config) -> _Job:
    texts = {path: text for question in questions for path, text in question.texts}
    repairs = tuple(question.repairs for question in questions)
    return _Job(texts, repairs, config.default_timeout, config.target_version or OLDEST)


def _all_done(jobs: Mapping[str, _Job], workers: int, *, sparing: bool) -> Iterator[tuple[str, _Done]]:
    """What comes of each file: here, where a text is plain and others are too few to share; else in worker processes."""
    plain = {path for path, job in jobs.items() if all(is_plain(text) for text in job.texts.values())}
    if workers == 1 or sum(len(text) for job in jobs.values() for text in job.texts.values()) < _IN_PROCESS:
        for path in sorted(plain):
            yield path, _done_here(path, jobs[path])
        jobs = {path: job for path, job in jobs.items() if path not in plain}
    if not jobs:
        return
    largest = sorted(jobs, key=lambda path: (-sum(map(len, jobs[path].texts.values())), path))
    with at_work(1 if sparing else min(workers, len(jobs))) as (crew, pool):

        def ask(path: str) -> _Done:
            return _asked(crew, path, jobs[path])

        yield from zip(largest, pool.map(ask, largest), strict=True)


def _done_here(path: str, job: _Job) -> _Done:
    return with_headroom(functools.partial(_propose, path, job))


def _asked(crew: Crew, path: str, job: _Job) -> _Done:
    try:
        return _REPLY.decode(crew.ask("propose", msgspec.msgpack.encode((path, job))))
    except WorkerDiedError:
        return Failure(path, "no fix could be made: the parser died of it; split its longest expression")
    except NoWorkerError as error:
        if all(is_plain(text) for text in job.texts.values()):
            return _done_here(path, job)
        return Failure(path, f"no fix could be made, for no worker process starts: {error}")
    except UnicodeEncodeError:
        return Failure(path, "no fix could be made: the name of a file that it is about is no text")


def propose_packed(request: bytes) -> bytes:
    """Do what is asked of a worker process."""
    path, job = _REQUEST.decode(request)
    return msgspec.msgpack.encode(with_headroom(lambda: _propose(path, job)))


def _propose(path: str, job: _Job) -> _Done:
    return attempt(path, lambda: _proposed(path, job))


def _proposed(path: str, job: _Job) -> _Done:
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
_REPLY: msgspec.msgpack.Decoder[_Done] = msgspec.msgpack.Decoder(list[Fix | None] | Failure)
