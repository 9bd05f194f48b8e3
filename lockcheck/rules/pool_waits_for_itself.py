"""A job of a pool waits for another job of the same pool.

## What it does
Finds functions that a pool of threads or processes runs, and that submit to the same pool and wait for the result
without a timeout, themselves or in a function that they call.

## Why it hurts
A pool has so many workers and no more. When as many jobs as there are workers wait for jobs that stand in the queue
behind them, no worker is left to run those: all wait for ever. It shows under load only.

## How to repair it
- Call the function instead of submitting it: the job has a thread already.
- Use another pool for the inner jobs.
- Let the first job end, and submit the next from the outside or from a done callback.

## When it is quiet
- The inner job goes to another pool.
- The job submits and does not wait.
- The wait has a timeout.
- It is not a job of the pool who waits.

## Bad: a job waits for its parts
```python
from concurrent.futures import ThreadPoolExecutor


class Builder:
    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4)

    def build(self, name: str) -> None:
        self._pool.submit(self._job, name)  # (1)

    def _job(self, name: str) -> str:
        part = self._pool.submit(str.upper, name)  # (2)
        return part.result()  # LCK801
```

## Bad: through a function, over a list of parts
```python
from concurrent.futures import ThreadPoolExecutor, wait

POOL = ThreadPoolExecutor()


def begin(names: list[str]) -> None:
    POOL.submit(build, names)


def build(names: list[str]) -> None:
    build_all(names)


def build_all(names: list[str]) -> None:
    parts = [POOL.submit(str.upper, name) for name in names]
    wait(parts)  # LCK801
```

## Good: another pool for the parts
```python
from concurrent.futures import ThreadPoolExecutor

JOBS = ThreadPoolExecutor(4)
PARTS = ThreadPoolExecutor(4)


def begin(name: str) -> None:
    JOBS.submit(build, name)


def build(name: str) -> str:
    return PARTS.submit(str.upper, name).result()
```

## Good: submitted and not waited for
```python
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(4)


def begin(name: str) -> None:
    POOL.submit(build, name)


def build(name: str) -> None:
    POOL.submit(print, name)
```

## Good: a wait with a timeout
```python
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(4)


def begin(name: str) -> None:
    POOL.submit(build, name)


def build(name: str) -> str:
    return POOL.submit(str.upper, name).result(timeout=10)
```

## Good: who waits is no job
```python
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(4)


def part(name: str) -> str:
    return name.upper()


def build(names: list[str]) -> list[str]:
    parts = [POOL.submit(part, name) for name in names]
    return [each.result() for each in parts]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.pools import awaited_submissions, running, submissions
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import title
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.model.identity import lock_name
from lockcheck.model.repairs import Advise, DoItHere
from lockcheck.rules.registry import rule


@rule(code="LCK801", default=True, since="0.1.0", supersedes=("LCK204",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wait in a job."""
    seen: set[object] = set()
    for outer in submissions(analysis):
        for job in outer.jobs:
            for way in running(analysis, job):
                for span, inner in awaited_submissions(analysis, way[-1]):
                    place = analysis.place(way[-1], span)
                    if inner.pool != outer.pool or place in seen:
                        continue
                    seen.add(place)
                    name = f"`{lock_name(outer.pool)}`"
                    message = (
                        f"{title(job)}, which {name} runs, waits for what it submits to {name}: when every worker "
                        "waits like this, none is left to do the work; call it directly, or use another pool"
                    )
                    related = [
                        Related(analysis.place(outer.function, outer.call.span), f"{title(job)} is submitted"),
                        Related(analysis.place(inner.function, inner.call.span), f"submitted to {name} again"),
                    ]
                    yield Finding(
                        "LCK801",
                        "pool-waits-for-itself",
                        message,
                        Confidence.HIGH if len(way) == 1 else Confidence.MEDIUM,
                        place,
                        tuple(related),
                        symbol=str(way[-1]),
                        subject=lock_name(outer.pool),
                        repairs=(
                            DoItHere(place, awaited=False),
                            Advise(
                                place,
                                "call it directly, or submit it to another pool than the one that runs the caller",
                            ),
                        ),
                    )
