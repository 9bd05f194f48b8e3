"""A coroutine runs or waits for the very event loop that it runs on.

## What it does
Finds, in what a coroutine reaches without `await`, `asyncio.run`, `loop.run_until_complete`, `loop.run_forever` and
their like, and `asyncio.run_coroutine_threadsafe(…, loop).result()` where that loop is the coroutine's own: the
running one, or one kept in an attribute or a global on which the program starts that coroutine, or one that awaits it.

## Why it hurts
While a coroutine runs, its loop can run nothing else. `asyncio.run` and `run_until_complete` raise `RuntimeError`
there. The result of `run_coroutine_threadsafe` never comes: the loop that would have to make it waits for it.

## How to repair it
- In a coroutine, `await` the other coroutine.
- Keep the synchronous entrance for threads that run no loop.

## When it is quiet
- The same calls from another thread: `to_thread`, `run_in_executor`, a `Thread`.
- Functions that look first whether a loop is running.
- `run_coroutine_threadsafe` with the loop of another thread (LCK701 speaks of the wait).
- A wait with a timeout.

## Bad: a synchronous entrance used by a coroutine
```python
# file: store/views.py
from store.client import fetch


async def show(key: str) -> str:
    return fetch(key)  # LCK703
```
```python
# file: store/client.py
import asyncio


async def _fetch(key: str) -> str:
    await asyncio.sleep(1)
    return key


def fetch(key: str) -> str:
    return asyncio.run(_fetch(key))  # (1)
```

## Bad: the running loop is told to run
```python
import asyncio


async def main() -> None:
    loop = asyncio.get_running_loop()
    loop.run_until_complete(asyncio.sleep(1))  # LCK703
```

## Bad: waiting for what only this loop can do
```python
import asyncio


async def tick() -> int:
    return 1


async def main() -> int:
    loop = asyncio.get_running_loop()
    future = asyncio.run_coroutine_threadsafe(tick(), loop)
    return future.result()  # LCK703
```

## Good: from another thread
```python
import asyncio


async def _fetch(key: str) -> str:
    await asyncio.sleep(1)
    return key


def fetch(key: str) -> str:
    return asyncio.run(_fetch(key))


async def show(key: str) -> str:
    return await asyncio.to_thread(fetch, key)
```

## Good: another thread waits for this loop
```python
import asyncio
import threading


async def tick() -> int:
    return 1


def watch(loop: asyncio.AbstractEventLoop) -> int:
    return asyncio.run_coroutine_threadsafe(tick(), loop).result()


async def main() -> None:
    threading.Thread(target=watch, args=(asyncio.get_running_loop(),)).start()
```

## Good: the function looks for a running loop first
```python
import asyncio


async def _fetch(key: str) -> str:
    await asyncio.sleep(1)
    return key


def fetch(key: str) -> "asyncio.Task[str] | str":
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_fetch(key))
    return loop.create_task(_fetch(key))


async def show(key: str) -> None:
    fetch(key)
```

## Good: awaited
```python
import asyncio


async def tick() -> int:
    return 1


async def main() -> int:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(tick(), asyncio.get_running_loop()))


if __name__ == "__main__":
    asyncio.run(main())
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.loops import asks_for_loop, followed, runs_loop, synchronous
from lockcheck.analysis.own_loops import waits_for_own
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import PlaceOfHazard, finding, hazards, plausible, primary, reached, through, title
from lockcheck.model.events import CriticalPair
from lockcheck.model.findings import Finding
from lockcheck.model.repairs import Advise, DoItHere
from lockcheck.rules.registry import rule

_ADVICE = (
    "make a coroutine of each function on the way and await it, or hand the call to a thread (`asyncio.to_thread`)"
)


@rule(code="LCK703", default=True, since="0.1.0", supersedes=("LCK701",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each place that runs or waits for a loop, at the coroutine that is nearest to it."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        name = pair.trace[-1].text
        outcome = "which fails" if runs_loop(analysis, pair) else "which never comes"
        what = "runs an event loop" if runs_loop(analysis, pair) else "waits for its own event loop"
        message = (
            f"{title(pair.trace[0].function)} calls `{name}`{through(pair)} and so {what} while it runs on one, "
            f"{outcome}: await the coroutine instead"
        )
        related = [*reached(analysis, pair, f"{what} here"), *hazard.others(analysis)]
        place = primary(analysis, pair)
        here = (DoItHere(place, awaited=True),) if len(pair.trace) == 1 else ()
        repairs = (*here, Advise(place, _ADVICE))
        yield finding(analysis, "LCK703", "loop-waits-for-itself", message, pair, held, related, confidence, repairs)


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for _, pair in synchronous(analysis):
        if runs_loop(analysis, pair):
            if _is_called_fresh(analysis, pair):
                yield pair, (), min(plausible(pair, ()), followed(analysis, pair.trace))
        elif waits_for_own(analysis, pair):
            yield pair, (), min(plausible(pair, ()), followed(analysis, pair.trace))


def _is_called_fresh(analysis: Analysis, pair: CriticalPair) -> bool:
    """Whether nobody on the way asks for the running loop, but to run it."""
    if len(pair.trace) == 1:
        return True
    return not asks_for_loop(analysis, pair)
