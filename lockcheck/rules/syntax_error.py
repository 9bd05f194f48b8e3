"""A file is not Python.

## What it does
Reports a file that cannot be read as Python, at the row where the parser gives up. The other files are checked as if
this one were not there. A file that needs a newer Python than the one that lockcheck runs on is reported too, and the
message says so.

## Why it hurts
What cannot be read cannot be checked: the locks of this file are in nobody's order, and calls into it lead nowhere.
A clean report would promise what nobody looked at.

## How to repair it
- Repair the file, or exclude it in the configuration if it is a template or an example of bad code.
- Run lockcheck on the newest Python that the project supports.

## When it is quiet
- Every file is Python: empty files, files of comments only and every syntax of the running version included.
- A file that cannot be opened or decoded is no finding but a failure: lockcheck says so and exits with 2.

## Bad: Python 2
```python
print "hello"  # LCK900
```

## Bad: a bracket that is never closed
```python
import threading

LOCKS = [
    threading.Lock(),
]
NAMES = ["first", "second"  # LCK900
```

## Bad: the other files are still checked
```python
# file: app/half.py
import threading

LOCK = threading.Lock()


def broken(:  # LCK900
    pass
```
```python
# file: app/whole.py
from app.half import LOCK

with LOCK:
    print("fine")
```

## Bad: wrong indentation
```python
import threading

LOCK = threading.Lock()

def take() -> None:
    with LOCK:
    print("taken")  # LCK900
```

## Good: an empty file and a file of comments
```python
# file: pkg/__init__.py
```
```python
# file: pkg/notes.py
# Nothing here yet.
```

## Good: everything that Python 3.10 can say
```python
def describe(point: tuple[int, int], /, *, name: str = "point") -> str:
    match point:
        case (0, 0):
            return f"{name} is the origin"
        case (x, y) if (distance := x * x + y * y) > 100:
            return f"{name} is far: {distance!r:>{10}}"
        case _:
            return f"{name} is near"
```

## Good: names that became keywords only in places
```python
match = {"case": 1, "type": 2}
case = match["case"]
type = match["type"]
print(match, case, type)
```

## Good: names that are not ASCII
```python
import threading

größe_schloss = threading.Lock()

with größe_schloss:
    print("π ≈ 3.14159")
```

## Good: an encoding is declared
```python
# -*- coding: utf-8 -*-
import threading

LOCK = threading.Lock()

with LOCK:
    print("grün")
```
"""

from lockcheck.rules.registry import documented

DECLARATION = documented(code="LCK900", default=True, since="0.1.0")
