"""A `noqa` comment suppresses nothing.

## What it does
Finds `# noqa` comments that name rules of lockcheck of which none reports anything there. It must be selected, and it
judges only rules that are on in this run.

## Why it hurts
The hazard that somebody put up with is gone, but the comment stays: it will silence the next one that comes to that
line, and nobody will hear of it.

## How to repair it
Take the comment away, or the codes that are of no use. `--fix` does it.

## When it is quiet
- A `noqa` without codes, and codes of other tools.
- Codes of rules that are not selected: nobody has looked.
- Something is reported there, if only with low confidence.

## Bad: the lock is released before the await
```python
import asyncio
import threading

LOCK = threading.Lock()


async def send() -> None:
    with LOCK:
        pass
    await asyncio.sleep(1)  # noqa: LCK101  # LCK901
```

## Fixed
```python
import asyncio
import threading

LOCK = threading.Lock()


async def send() -> None:
    with LOCK:
        pass
    await asyncio.sleep(1)
```

## Bad: beside the code of another tool
```python
import threading

LOCK = threading.Lock()


def add(names: list[str], name: str) -> None:
    with LOCK:  # noqa: LCK101, E501 (long names)  # LCK901
        names.append(name)
```

## Fixed
```python
import threading

LOCK = threading.Lock()


def add(names: list[str], name: str) -> None:
    with LOCK:  # noqa: E501 (long names)
        names.append(name)
```

## Good: it suppresses something
```python
import asyncio
import threading

LOCK = threading.Lock()


async def send() -> None:
    with LOCK:
        await asyncio.sleep(1)  # noqa: LCK101
```

## Good: without codes, and for others
```python
import threading  # noqa

LOCK = threading.Lock()  # noqa: E501
```

## Good: a rule that is not on
```python
import threading

LOCK = threading.Lock()  # noqa: LCK609
```
"""

from lockcheck.rules.registry import documented

DECLARATION = documented(code="LCK901", default=False, since="0.1.0")
