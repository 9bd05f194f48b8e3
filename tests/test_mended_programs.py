"""Small fixes against programs as people write them: whole programs, and what becomes of them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import Lockcheck, Write

QUEUE = """\
import queue

ITEMS = queue.Queue(3)


def add(item):
"""
MENDED = {
    "a comment behind the last argument": (
        "LCK401",
        QUEUE + "    ITEMS.put(\n        item,  # what\n    )\n",
        QUEUE + "    ITEMS.put(\n        item,  # what\n        timeout=30,\n    )\n",
    ),
    "no timeout at all is a timeout given": (
        "LCK401",
        QUEUE + "    ITEMS.put(item, timeout=None)\n",
        QUEUE + "    ITEMS.put(item, timeout=30)\n",
    ),
    "nothing is an item too": (
        "LCK401",
        QUEUE + "    ITEMS.put(None)\n",
        QUEUE + "    ITEMS.put(None, timeout=30)\n",
    ),
    "imports stay in order": (
        "LCK501",
        """\
        from threading import Lock, Thread

        LOCK = Lock()


        def one():
            with LOCK:
                two()


        def two():
            with LOCK:
                print(Thread)
        """,
        """\
        from threading import Lock, RLock, Thread

        LOCK = RLock()


        def one():
            with LOCK:
                two()


        def two():
            with LOCK:
                print(Thread)
        """,
    ),
    "a type is spelled in another way than the value": (
        "LCK501",
        """\
        import threading
        from threading import Lock

        LOCK: threading.Lock = Lock()


        def one():
            with LOCK:
                with LOCK:
                    print(1)
        """,
        """\
        import threading
        from threading import Lock

        LOCK: threading.RLock = threading.RLock()


        def one():
            with LOCK:
                with LOCK:
                    print(1)
        """,
    ),
    "what is said of a lock goes with it": (
        "LCK301",
        """\
        import threading

        A = threading.Lock()
        B = threading.Lock()


        def one():
            with A:
                with B:
                    print(1)


        def two():
            with A, B:
                print(2)


        def three():
            with B:  # b
                with A:  # a
                    print(3)
        """,
        """\
        import threading

        A = threading.Lock()
        B = threading.Lock()


        def one():
            with A:
                with B:
                    print(1)


        def two():
            with A, B:
                print(2)


        def three():
            with A:  # a
                with B:  # b
                    print(3)
        """,
    ),
    "a wait in one line": (
        "LCK605",
        """\
        import threading


        class Box:
            def __init__(self):
                self.ready = threading.Condition()
                self.letters = []

            def wait(self):
                with self.ready:
                    if not self.letters: self.ready.wait()  # until there is one
                    return self.letters.pop()
        """,
        """\
        import threading


        class Box:
            def __init__(self):
                self.ready = threading.Condition()
                self.letters = []

            def wait(self):
                with self.ready:
                    while not self.letters: self.ready.wait()  # until there is one
                    return self.letters.pop()
        """,
    ),
    "the set of tasks stands behind all imports": (
        "LCK802",
        """\
        import asyncio

        try:
            import uvloop
        except ImportError:
            uvloop = None
        import os


        async def main():
            asyncio.create_task(main())
        """,
        """\
        import asyncio

        try:
            import uvloop
        except ImportError:
            uvloop = None
        import os

        _background_tasks: set[object] = set()


        async def main():
            task = asyncio.create_task(main())
            _background_tasks.add(task)
            task.add_done_callback(_background_tasks.discard)
        """,
    ),
}

KEPT = {
    "an argument may be the timeout": ("LCK401", QUEUE + "    ITEMS.put(item, True, None)\n"),
    "comments between the items of a region": (
        "LCK602",
        """\
        import asyncio

        LOCK = asyncio.Lock()


        async def read():
            with (
                LOCK,  # one at a time
                open("name") as file,  # the file
            ):
                print(file)
        """,
    ),
    "a name that means something else in one function": (
        "LCK701",
        """\
        import asyncio
        import time


        async def nap(asyncio, sleep):
            time.sleep(1)
        """,
    ),
    "what is done here where no thread could be had": (
        "LCK701",
        """\
        import asyncio
        import time


        def close(box):
            time.sleep(box.seconds)


        async def leave(box):
            try:
                await asyncio.to_thread(close, box)
            except RuntimeError:
                close(box)  # no thread starts any more
        """,
    ),
    "a file for a block": (
        "LCK701",
        """\
        import fsspec


        async def save(place, text):
            with fsspec.open(place, "w") as file:
                file.write(text)
        """,
    ),
    "one wait for what is tested again": (
        "LCK605",
        """\
        import threading


        class Box:
            def __init__(self):
                self.ready = threading.Condition()
                self.is_busy = False

            def fill(self):
                with self.ready:
                    if self.is_busy:
                        self.ready.wait()
                with self.ready:
                    if self.is_busy:
                        return False
                    self.is_busy = True
                return True
        """,
    ),
    "a test of what nobody else changes": (
        "LCK605",
        """\
        import threading


        class Box:
            def __init__(self):
                self.ready = threading.Condition()
                self.letters = []

            def wait(self, first):
                with self.ready:
                    if first:
                        self.ready.wait()
                    return self.letters.pop()
        """,
    ),
    "a task in the body of a class": (
        "LCK802",
        """\
        import asyncio


        async def work():
            print(1)


        class Jobs:
            asyncio.ensure_future(work())
        """,
    ),
}


@pytest.mark.parametrize(("code", "bad", "good"), MENDED.values(), ids=MENDED)
def test_a_program_is_mended_as_a_maintainer_would(
    write: Write, lockcheck: Lockcheck, code: str, bad: str, good: str
) -> None:
    root = write({"a.py": dedent(bad)})
    assert lockcheck("a.py", "--min-confidence", "low", "--select", code).status == 1
    lockcheck("--fix", "--unsafe-fixes", "--min-confidence", "low", "a.py", "--select", code)
    assert (root / "a.py").read_text() == dedent(good)


@pytest.mark.parametrize(("code", "bad"), KEPT.values(), ids=KEPT)
def test_what_cannot_be_done_right_is_left_alone(write: Write, lockcheck: Lockcheck, code: str, bad: str) -> None:
    root = write({"a.py": dedent(bad)})
    assert lockcheck("a.py", "--min-confidence", "low", "--select", code).status == 1
    lockcheck("--fix", "--unsafe-fixes", "--min-confidence", "low", "a.py", "--select", code)
    assert (root / "a.py").read_text() == dedent(bad)
