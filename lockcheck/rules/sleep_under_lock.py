"""A thread sleeps while it holds a lock.

## What it does
Finds `time.sleep` while a lock of a thread is held, directly or through a function that sleeps.

## Why it hurts
A sleep does nothing, and while the lock is held, nobody else can do anything either. Retry loops and polling loops are
where it happens: the thread that could make the condition true waits for the lock of the one that waits for the
condition.

## How to repair it
- Sleep after the region, or release the lock for the time of the sleep.
- To wait until another thread changes something, use a `threading.Condition` on the lock: `wait` releases it.
- Move the retry loop outside: one attempt for each time that the lock is taken.

## When it is quiet
- The lock is released before the sleep.
- `Condition.wait(timeout)`, which releases its lock.
- The sleep belongs to a function that runs elsewhere: a thread's target, a job of a pool.
- Who waits for the lock wants what is slept for, as LCK201 tells it: low confidence only.

## Bad: a retry loop under the lock
```python
import threading
import time


class Connection:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts = 0

    def connect(self) -> bool:
        with self._lock:  # (1)
            while self._attempts < 3:
                if self._try():
                    return True
                time.sleep(2)  # LCK202
            return False

    def _try(self) -> bool:
        self._attempts += 1
        return self._attempts == 3
```

## Bad: the sleep is the last step
```python
import threading
from time import sleep

LOCK = threading.Lock()
SENT: list[float] = []


def throttle(now: float) -> None:
    with LOCK:  # (1)
        SENT.append(now)
        sleep(0.5)  # LCK202
```

## Fixed
```python
import threading
from time import sleep

LOCK = threading.Lock()
SENT: list[float] = []


def throttle(now: float) -> None:
    with LOCK:
        SENT.append(now)
    sleep(0.5)
```

## Bad: a wrapper in another module sleeps
```python
# file: jobs/runner.py
import threading

from jobs.backoff import Backoff


class Runner:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._backoff = Backoff()
        self._failed = 0

    def failed(self) -> None:
        with self._lock:  # (1)
            self._failed += 1
            self._backoff.wait()  # LCK202
```
```python
# file: jobs/backoff.py
import time


class Backoff:
    def __init__(self) -> None:
        self.seconds = 1.0

    def wait(self) -> None:
        self.seconds *= 2
        time.sleep(self.seconds)  # (2)
```

## Bad: a poll that waits for what the lock keeps from happening
```python
import threading
import time


class Mailbox:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._letters: list[str] = []

    def put(self, letter: str) -> None:
        with self._lock:
            self._letters.append(letter)

    def get(self) -> str:
        with self._lock:  # (1)
            while not self._letters:
                time.sleep(0.1)  # LCK202
            return self._letters.pop()
```

## Good: slept after the region
```python
import threading
import time


class Connection:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts = 0

    def connect(self) -> bool:
        for _ in range(3):
            with self._lock:
                self._attempts += 1
                if self._attempts == 3:
                    return True
            time.sleep(2)
        return False
```

## Good: a condition releases the lock while it waits
```python
import threading


class Mailbox:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._letters: list[str] = []

    def get(self) -> str:
        with self._lock:
            while not self._letters:
                self._filled.wait(0.1)
            return self._letters.pop()
```

## Good: released for the time of the sleep
```python
import threading
import time


class Pump:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._strokes = 0

    def run(self) -> None:
        self._lock.acquire()
        try:
            while self._strokes < 10:
                self._strokes += 1
                self._lock.release()
                time.sleep(1)
                self._lock.acquire()
        finally:
            self._lock.release()
```

## Good: the sleep happens in another thread
```python
import threading
import time


class Alarm:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def _ring(self) -> None:
        time.sleep(60)
        print("ring")

    def arm(self) -> None:
        with self._lock:
            thread = threading.Thread(target=self._ring, daemon=True)
            self._threads.append(thread)
            thread.start()
```

## Good: the function is handed on, not called
```python
import threading
import time
from collections.abc import Callable


class Throttle:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pause: Callable[[float], None] | None = None

    def configure(self) -> None:
        with self._lock:
            self._pause = time.sleep

    def wait(self) -> None:
        with self._lock:
            pause = self._pause
        if pause is not None:
            pause(1)
```

## Good: another method called sleep
```python
import threading


class Camera:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awake = True

    def sleep(self) -> None:
        self._awake = False

    def stop(self) -> None:
        with self._lock:
            self.sleep()
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.purpose import by_design
from lockcheck.analysis.witness import PlaceOfHazard, are, both, finding, hazards, plausible, reached, taken, through
from lockcheck.model.events import Block
from lockcheck.model.findings import Confidence, Finding
from lockcheck.rules.registry import rule


@rule(code="LCK202", default=True, since="0.1.0", supersedes=("LCK701",))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and sleep."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        message = (
            f"{both(held)} {are(held)} held while `{pair.trace[-1].text}` sleeps{through(pair)}: every thread that wants "
            "the lock sleeps too; release it first"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, "sleeps here"), *hazard.others(analysis)]
        yield finding(
            analysis,
            "LCK202",
            "sleep-under-lock",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        if isinstance(pair.event, Block) and pair.event.category == "sleep" and not pair.event.awaited:
            held = tuple(h for h in own if h.lock.domain != "async" and h.lock.exclusive)
            hazardous = tuple(h for h in held if not by_design(analysis, function, pair, h))
            if hazardous:
                yield pair, hazardous, plausible(pair, hazardous)
            elif held:
                yield pair, held, Confidence.LOW
