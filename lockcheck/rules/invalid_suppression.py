"""A comment that speaks to lockcheck says nothing that it understands.

## What it does
Reads every comment that begins with `# lockcheck:` and every `# noqa` that names codes of lockcheck. It reports a
contract (`holds`, `no-locks`) that is malformed, that belongs to no function, or that names what is no lock; and a
suppression that is malformed, that names no rule, or that stands where there is no code.

## Why it hurts
Such a comment looks like a promise that is checked, or like a report that somebody has read and put up with. It is
neither: nothing is checked, or what was to be kept quiet is shown, and the next reader believes it.

## How to repair it
- Correct the name. A lock is spelled as code in the function would: `self._lock`, `cls._lock`, `LOCK`, `pool.lock`.
- Put a contract where it belongs: in the `def` line, on a line of its own directly above the function and its
  decorators, or first in its body.
- Put `ignore[LCK101]` behind the code that it is about; for a whole file write `ignore-file[LCK101]`.
- Take away what is of no use any more.

## When it is quiet
- Codes of other tools.
- A lock whose type is not known: the contract says that it is one.
- An attribute that a base class outside the program, or a subclass, may give.
- A comment that only mentions lockcheck.

## Bad: there is no such lock
```python
import threading


class Store:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[str] = []

    # lockcheck: holds self._mutex  # LCK902
    def _drop(self) -> None:
        self._items.clear()

    def _fill(self) -> None:  # lockcheck: holds LOCK  # LCK902
        self._items.append("")

    def _take(self) -> str:  # lockcheck: holds self._fill  # LCK902
        return self._items.pop()
```

## Bad: not understood
```python
import threading

LOCK = threading.Lock()


def drop() -> None:  # lockcheck: hold LOCK  # LCK902
    pass


def fill() -> None:  # lockcheck: holds  # LCK902
    pass


def take() -> None:  # lockcheck: holds LOCK and more  # LCK902
    pass


def stop() -> None:  # lockcheck: no-locks LOCK  # LCK902
    pass
```

## Bad: it belongs to no function
```python
import threading

LOCK = threading.Lock()
print("begin")  # lockcheck: no-locks  # LCK902


def drop() -> None:
    print("dropped")
    # lockcheck: holds LOCK  # LCK902
```

## Bad: a suppression of no rule
```python
import threading

LOCK = threading.Lock()

with LOCK:  # noqa: LCK999  # LCK902
    print("held")
```

## Fixed
```python
import threading

LOCK = threading.Lock()

with LOCK:
    print("held")
```

## Bad: lockcheck's own form, misspelled
```python
import threading

LOCK = threading.Lock()
# lockcheck: ignore[LCK101] of what?  # LCK902

with LOCK:  # lockcheck: ignore[LCK1010] too long  # LCK902
    print("held")  # lockcheck: ignore[lock-across-yields]  # LCK902

with LOCK:  # lockcheck: ignore[]  # LCK902
    print("held")  # lockcheck: ignore LCK101  # LCK902

with LOCK:  # lockcheck: ignore[E501]  # LCK902
    print("held")  # lockcheck: ignore[LCK101  # LCK902

with LOCK:  # lockcheck: ignore: LCK101  # LCK902
    print("held")  # lockcheck: noqa for now  # LCK902
```

## Good: lockcheck's own form
```python
# lockcheck: ignore-file[LCK202, lock-across-yield] a script
# lockcheck: noqa: LCK205
import threading

LOCK = threading.Lock()

with LOCK:  # lockcheck: ignore[LCK101, sleep-under-lock] because (so far) it is read once
    print("held")  # noqa: E501  # lockcheck: ignore[LCK2] all of them

with LOCK:  # lockcheck: ignore
    print("held")  # lockcheck: ignore, since nobody waits
```

## Good: contracts, and where they may stand
```python
import functools
import threading

LOCK = threading.Lock()


# Called by everybody.
# lockcheck: holds LOCK
@functools.cache
def drop() -> None:
    pass


def fill(
    name: str,  # lockcheck: holds LOCK
) -> None:
    pass


def take() -> None:
    \"\"\"Take it.\"\"\"
    # lockcheck: holds LOCK  # since nobody else may
    print("taken")


class Pool:
    lock = threading.Lock()

    @classmethod
    def grow(cls) -> None:  # lockcheck: holds cls.lock, LOCK
        pass


def serve(pool: Pool, other) -> None:  # lockcheck: holds pool.lock, other.lock
    pass
```

## Good: what cannot be known
```python
from elsewhere import GATE, Room


class Hall(Room):
    def _open(self) -> None:  # lockcheck: holds self._gate
        pass

    def _close(self) -> None:  # lockcheck: holds GATE
        pass


class Mixin:
    def _turn(self) -> None:  # lockcheck: holds self._lock
        pass


class Door(Mixin):
    def __init__(self, lock) -> None:
        self._lock = lock

    def _slam(self) -> None:  # lockcheck: holds self._lock
        pass
```

## Good: other tools, and a mention
```python
import threading

LOCK = threading.Lock()
# One of the examples of lockcheck: it holds nothing.

with LOCK:  # noqa: E501,LCK101
    print("held")
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.contracts import faults
from lockcheck.model.facts import ContractFact
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.source import Place
from lockcheck.rules.registry import rule


@rule(code="LCK902", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each contract that says nothing; suppressions are looked at by triage."""
    for module, unit in analysis.program.units.items():
        for contract in unit.facts.contracts:
            if contract.fault:
                message = f"this comment has no effect: {contract.fault}"
                yield _finding(unit.path, module, contract, message)
    for function, contract, wrong in faults(analysis.engine):
        message = f"`{contract.spelled}` does not resolve to a lock, so the contract is not checked: {wrong}"
        path = analysis.program.units[function.module].path
        yield _finding(path, str(function), contract, message)


def _finding(path: str, symbol: str, contract: ContractFact, message: str) -> Finding:
    place = Place(path, contract.span)
    subject = f"{contract.kind} {contract.spelled} {contract.fault}"
    return Finding("LCK902", "invalid-suppression", message, Confidence.HIGH, place, symbol=symbol, subject=subject)
