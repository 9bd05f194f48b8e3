"""A comment that suppresses suppresses nothing.

## What it does
Finds comments that name rules of lockcheck of which none reports anything there: `# noqa: LCK101`,
`# lockcheck: ignore[LCK101]`, and those about the whole file. It must be selected, and it judges only rules that are
on in this run.

## Why it hurts
The hazard that somebody put up with is gone, but the comment stays: it will silence the next one that comes to that
line, and nobody will hear of it.

## How to repair it
Take the comment away, or the codes that are of no use. `--fix` does it.

## When it is quiet
- A `noqa` without codes, and codes of other tools. An `ignore` without rules is about all of them.
- Codes of rules that are not selected: nobody has looked.
- Something is reported there, if only with low confidence; or it is reported elsewhere, and this is another end of it.

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

## Bad: lockcheck's own form, with its reason
```python
import threading

LOCK = threading.Lock()


def add(names: list[str], name: str) -> None:
    with LOCK:  # lockcheck: ignore[thread-lock-across-await, LCK101] it was awaited here  # LCK901
        names.append(name)
```

## Fixed
```python
import threading

LOCK = threading.Lock()


def add(names: list[str], name: str) -> None:
    with LOCK:
        names.append(name)
```

## Bad: about a whole file
```python
import threading

# lockcheck: ignore-file[LCK101] an old module  # LCK901
LOCK = threading.Lock()
```

## Fixed
```python
import threading

LOCK = threading.Lock()
```

## Good: it suppresses something
```python
import asyncio
import threading

LOCK = threading.Lock()


async def send() -> None:
    with LOCK:
        await asyncio.sleep(1)  # noqa: LCK101


async def receive() -> None:
    with LOCK:
        await asyncio.sleep(1)  # lockcheck: ignore[LCK101] nobody else is there yet
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
GATE = threading.Lock()  # lockcheck: ignore
```
"""

from lockcheck.rules.registry import documented

DECLARATION = documented(code="LCK901", default=False, since="0.1.0")
