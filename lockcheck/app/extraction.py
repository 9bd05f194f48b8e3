"""Stage 2, extract: the facts of every file, in worker processes, so that a parser's death costs one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from lockcheck.app.crew import Crew, NoWorkerError, WorkerDiedError, at_work
from lockcheck.app.headroom import without_collection
from lockcheck.app.worker import TOO_DEEP, Done, Job, extract_all, extract_apart
from lockcheck.model.facts import ModuleFacts, Unit
from lockcheck.model.findings import Failure
from lockcheck.model.source import SourceFile

if TYPE_CHECKING:
    from lockcheck.app.cache import Memory

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many files of how many are done."""

_BATCH = 100_000
_IN_PROCESS = 60_000
_BRACKET = re.compile(r"[()\[\]{}]")
_NESTED = 40
_STRETCH = 5_000


class Executor(Protocol):
    """Who extracts texts elsewhere, and has done here what it can't."""

    def extract(self, work: Sequence[Job], locally: Callable[[Sequence[Job]], Iterator[Done]]) -> Iterator[Done]:
        """Extract the facts of some texts."""
        ...


class Extraction(msgspec.Struct, frozen=True):
    """The units of the program, in the order of the sources, and the files that gave none.

    `known` is how many of the sources had been extracted before.
    """

    units: tuple[Unit, ...]
    failures: tuple[Failure, ...]
    known: int = 0


@without_collection()
def extract_units(
    sources: Sequence[SourceFile],
    *,
    jobs: int,
    cache: Memory | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Extraction:
    """Extract the facts of all sources, by our own workers or an executor.

    A failure names the file by its absolute path.
    """
    known: dict[str, ModuleFacts] = {}
    if cache is not None:
        cache.expect([source.text for source in sources])
        for source in sources:
            facts = cache.get(source.text)
            if facts is not None:
                known[source.path] = facts
    missing = {source.path: source for source in sources if source.path not in known}
    failures: list[Failure] = []
    done = count = len(known)
    for result in _extracted([Job.of(source) for source in missing.values()], jobs, executor):
        done += 1
        if progress is not None:
            progress(done, len(sources))
        if result.failure is not None:
            failures.append(result.failure)
            continue
        known[result.path] = _FACTS.decode(result.facts)
        if cache is not None:
            cache.put(missing[result.path].text, result.facts)
    units = tuple(_unit(source, known[source.path]) for source in sources if source.path in known)
    failures += [failure for unit in units if (failure := _not_followed(unit)) is not None]
    return Extraction(units, tuple(sorted(failures, key=lambda failure: failure.what)), count)


def _not_followed(unit: Unit) -> Failure | None:
    """Functions that may touch a lock and whose statements could not be followed: they are checked in part only."""
    names = [f"{f.name} (row {f.in_file.row})" for f in unit.facts.functions if f.qualifies and not f.visited]
    if not names:
        return None
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return Failure(unit.path, f"nested too deeply to be followed, so locks held in it are not seen: {shown}; split it")


def _unit(source: SourceFile, facts: ModuleFacts) -> Unit:
    return Unit(source.path, source.display, source.module, source.is_package, facts)


def _extracted(work: Sequence[Job], jobs: int, executor: Executor | None) -> Iterator[Done]:
    if executor is None or sum(len(job.text) for job in work) <= _IN_PROCESS:
        return _run(work, jobs)
    return executor.extract(work, lambda rest: _run(rest, jobs))


def _run(work: Sequence[Job], workers: int) -> Iterator[Done]:
    small = sum(len(job.text) for job in work) <= _IN_PROCESS
    if not work or (small and all(is_plain(job.text) for job in work)):
        yield from extract_all(work)
        return
    packets = list(batches(work))
    suspects: list[Job] = []
    with at_work(min(workers, len(packets))) as (crew, pool):
        running = {pool.submit(extract_apart, crew, batch): batch for batch in packets}
        for future in as_completed(running):
            match future.exception():
                case WorkerDiedError():
                    suspects += running[future]
                case NoWorkerError() as error:
                    yield from _without_worker(running[future], str(error))
                case _:
                    yield from future.result()
        yield from _one_by_one(suspects, crew)


def _one_by_one(suspects: Sequence[Job], crew: Crew) -> Iterator[Done]:
    """Give each file a worker that it may end without harm to the others."""
    for job in suspects:
        yield from _alone(job, crew)


def _alone(job: Job, crew: Crew) -> Iterator[Done]:
    try:
        yield from extract_apart(crew, [job])
    except WorkerDiedError:
        yield Done(job.path, failure=Failure(job.path, f"the parser died of it: {TOO_DEEP}"))
    except NoWorkerError as error:
        yield from _without_worker([job], str(error))


def _without_worker(batch: Sequence[Job], reason: str) -> Iterator[Done]:
    """Where no worker can be had, texts that no parser dies of are read here."""
    yield from extract_all([job for job in batch if is_plain(job.text)])
    for job in batch:
        if not is_plain(job.text):
            yield Done(job.path, failure=Failure(job.path, f"not read, for no worker process starts: {reason}"))


def batches(work: Iterable[Job]) -> Iterator[list[Job]]:
    """Put texts together so that each batch is worth its way to a worker."""
    batch: list[Job] = []
    size = 0
    for job in work:
        batch.append(job)
        size += len(job.text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def is_plain(text: str) -> bool:
    """Whether a text nests so little that no parser can die of it; most texts do."""
    depth = opened = 0
    for bracket in _BRACKET.finditer(text):
        if bracket[0] in "([{":
            if depth == 0:
                opened = bracket.start()
            depth += 1
            if depth > _NESTED:
                return False
        else:
            depth = max(0, depth - 1)
        if bracket.start() - opened > _STRETCH and depth > 0:
            return False
    longest = max(map(len, text.splitlines()), default=0)
    return longest < _STRETCH and depth == 0 and text.count("\\\n") < _NESTED and text.count("elif ") < 10 * _NESTED


_FACTS: msgspec.msgpack.Decoder[ModuleFacts] = msgspec.msgpack.Decoder(ModuleFacts)
