"""Fixes that give a wait an end, against programs as people write them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import Lockcheck, Write

GATE = """\
        import threading


        class Gate:
            def __init__(self):
                self._lock = threading.Lock()

            def __enter__(self):
                self._lock.acquire()
                return self

            def __exit__(self, *details):
                self._lock.release()


        class Room:
            def __init__(self):
                self._gate = Gate()

            def open(self, door):
                with self._gate:
                    door.state = 1
        """

SEATS = """\
        import threading


        class Seats:
            def __init__(self):
                self._free = threading.Lock()

            def acquire(self):
                self._free.acquire()

            def release(self):
                self._free.release()


        class Doors(Seats):
            def __enter__(self):
                self.acquire()

            def __exit__(self, *details):
                self.release()


        class Room:
            def __init__(self):
                self._seats = Seats()
                self._doors = Doors()

            def open(self, door):
                self._doors.acquire()
                door.open()
                self._doors.release()

            def shut(self, door):
                self._seats.acquire()
                door.shut()
                self._seats.release()
        """

MENDED = {
    "an attempt that nothing around it gives back": (
        "LCK609",
        """\
        import threading

        LOCK = threading.Lock()


        def count(total):
            LOCK.acquire()
            try:
                return total + 1
            finally:
                LOCK.release()
        """,
        """\
        import threading

        LOCK = threading.Lock()


        def count(total):
            if not LOCK.acquire(timeout=30):
                raise TimeoutError("LOCK could not be taken")
            try:
                return total + 1
            finally:
                LOCK.release()
        """,
    ),
    "a class that is a lock takes another, and has no timeout itself": (
        "LCK609",
        GATE,
        GATE.replace(
            "self._lock.acquire()",
            """if not self._lock.acquire(timeout=30):
                    raise TimeoutError("self._lock could not be taken")""",
        ),
    ),
    "a lock of trio is waited for as trio does it": (
        "LCK609",
        """\
        import trio

        LOCK = trio.Lock()


        async def clear(names):
            await LOCK.acquire()
            names.clear()
            LOCK.release()
        """,
        """\
        import trio

        LOCK = trio.Lock()


        async def clear(names):
            with trio.fail_after(30):
                await LOCK.acquire()
            names.clear()
            LOCK.release()
        """,
    ),
    "a body that is a `try` already": (
        "LCK609",
        """\
        import threading

        LOCK = threading.Lock()


        def name(names, key):
            with LOCK:  # for all
                # may be missing
                try:
                    return names[key]
                except KeyError:
                    return None
        """,
        """\
        import threading

        LOCK = threading.Lock()


        def name(names, key):
            if not LOCK.acquire(timeout=30):  # for all
                raise TimeoutError("LOCK could not be taken")
            # may be missing
            try:
                return names[key]
            except KeyError:
                return None
            finally:
                LOCK.release()
        """,
    ),
    "a parameter that counts milliseconds": (
        "LCK610",
        """\
        from kafka import KafkaConsumer


        def finish(consumer: KafkaConsumer):
            consumer.commit()
        """,
        """\
        from kafka import KafkaConsumer


        def finish(consumer: KafkaConsumer):
            consumer.commit(timeout_ms=30000)
        """,
    ),
    "arguments in lines of their own, without a comma at the end": (
        "LCK401",
        """\
        import queue


        class Post:
            def __init__(self):
                self.letters = queue.Queue(5)

            def send(self, kind, text):
                if kind:
                    self.letters.put(
                        (
                            kind,
                            text,
                        )
                    )
                self.letters.put(
                    text  # plain
                )
                self.letters.put((kind,
                                  text))
        """,
        """\
        import queue


        class Post:
            def __init__(self):
                self.letters = queue.Queue(5)

            def send(self, kind, text):
                if kind:
                    self.letters.put(
                        (
                            kind,
                            text,
                        ),
                        timeout=30
                    )
                self.letters.put(
                    text,  # plain
                    timeout=30
                )
                self.letters.put((kind,
                                  text), timeout=30)
        """,
    ),
    "a class that is a lock is held by `with` where it can be": (
        "LCK601",
        SEATS,
        SEATS.replace(
            """\
                self._doors.acquire()
                door.open()
                self._doors.release()
""",
            """\
                with self._doors:
                    door.open()
""",
        ).replace(
            """\
                door.shut()
                self._seats.release()
""",
            """\
                try:
                    door.shut()
                finally:
                    self._seats.release()
""",
        ),
    ),
}
"""The rule, what somebody wrote, and what becomes of it."""

KEPT = {
    "what a region released it takes again, whatever happened": (
        "LCK609",
        """\
        import threading

        LOCK = threading.Lock()


        def count(work):
            if not LOCK.acquire(timeout=3):
                return
            try:
                LOCK.release()
                try:
                    work()
                finally:
                    LOCK.acquire()
            finally:
                LOCK.release()
        """,
    ),
    "a region releases what was not taken again": (
        "LCK609",
        """\
        import threading

        LOCK = threading.Lock()


        def count(work):
            if not LOCK.acquire(timeout=3):
                return
            try:
                LOCK.release()
                work()
                LOCK.acquire()
            finally:
                LOCK.release()
        """,
    ),
    "the attempt stands in the block that is cleaned up": (
        "LCK608",
        """\
        import threading

        LOCK = threading.Lock()


        def count(work):
            try:
                LOCK.acquire(timeout=3)
                work()
            finally:
                LOCK.release()
        """,
    ),
    "whether it waits is said in another way": (
        "LCK402",
        """\
        import queue

        JOBS = queue.Queue()


        def drain():
            JOBS.get(blocking=False)
        """,
    ),
    "the timeout is given by its position": (
        "LCK401",
        """\
        import queue


        class Post:
            def __init__(self):
                self.letters = queue.Queue(5)

            def send(self, letter, limit=None):
                self.letters.put(letter, True, limit)
        """,
    ),
    "the timeout is given, and may be none": (
        "LCK610",
        """\
        import subprocess
        import threading


        def wait(ready: threading.Event, child: subprocess.Popen, limit=None):
            ready.wait(limit)
            child.wait(limit)
        """,
    ),
    "a lock of a library may belong to the task that took it": (
        "LCK609",
        """\
        import redis.asyncio

        LOCK = redis.asyncio.Redis().lock("page")


        async def clear(names):
            await LOCK.acquire()
            names.clear()
            await LOCK.release()
        """,
    ),
    "a lock of a library has other parameters": (
        "LCK609",
        """\
        import redis

        LOCK = redis.Redis().lock("page")


        def clear(names):
            with LOCK:
                names.clear()
        """,
    ),
    "a parameter that has no name for callers": (
        "LCK610",
        """\
        import select


        def wait(files, poll: select.poll, events: select.kqueue):
            select.select(files, [], [])
            poll.poll()
            events.control(None, 1)
        """,
    ),
}
"""The rule, and what it finds but does not touch: a fix would say another thing than was meant."""


@pytest.mark.parametrize(("code", "bad", "good"), MENDED.values(), ids=MENDED)
def test_a_wait_is_given_its_end_as_a_maintainer_would(
    write: Write, lockcheck: Lockcheck, code: str, bad: str, good: str
) -> None:
    assert _fixed(write, lockcheck, code, bad) == dedent(good)


@pytest.mark.parametrize(("code", "bad"), KEPT.values(), ids=KEPT)
def test_a_wait_that_must_not_fail_is_left_alone(write: Write, lockcheck: Lockcheck, code: str, bad: str) -> None:
    assert _fixed(write, lockcheck, code, bad) == dedent(bad)


def _fixed(write: Write, lockcheck: Lockcheck, code: str, text: str) -> str:
    """A program with all its fixes made; something must be found in it."""
    root = write({"a.py": dedent(text)})
    asked = ("a.py", "--min-confidence", "low", "--select", code)
    assert lockcheck(*asked).status == 1
    lockcheck("--fix", "--unsafe-fixes", *asked)
    return (root / "a.py").read_text()
