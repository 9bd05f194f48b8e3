"""Repairs that change more than a statement's place: programs that must stay as they are, near to those that may not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import Lockcheck, Write

SHOP = """\
import asyncio


class Shop:
    def __init__(self):
        self._lock = asyncio.Lock()
        self._open = True
        self._seen = 0

"""
CREW = """\
import threading


class Crew:
    def __init__(self):
        self._lock = threading.RLock()
        self._size = 0
        self._thread = None
        self._threads = []

    def work(self):
        with self._lock:
            self._size += 1

    def begin(self):
        with self._lock:
            self._thread = threading.Thread(target=self.work)
            self._threads = [self._thread]

"""
CLIENT = """\
import threading


class Client:
    def __init__(self):
        self._lock = threading.RLock()

    def poll(self):
        with self._lock:
            print("polled")

"""
CALLING = """\
    def run(self, group: "Group"):
        with self._lock:
            group.leave()

    def run_again(self, group: "Group"):
        with self._lock:
            group.leave()

"""
BELL = """\
import threading


class Bell:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.listeners = []

    def listen(self, listener):
        with self.lock:
            self.count += 1
            self.listeners.append(listener)

"""
KEPT = {
    "a method that does something before it takes the lock": (
        "LCK501",
        SHOP,
        """\
            async def close(self):
                self._seen += 1
                async with self._lock:
                    self._open = False

            async def end(self):
                async with self._lock:
                    await self.close()
        """,
    ),
    "a method on the way that others call without the lock": (
        "LCK501",
        SHOP,
        """\
            async def close(self):
                async with self._lock:
                    self._open = False

            async def leave(self):
                await self.close()

            async def end(self):
                async with self._lock:
                    await self.leave()
        """,
    ),
    "a method that a class below does in its own way": (
        "LCK501",
        SHOP,
        """\
            async def close(self):
                async with self._lock:
                    self._open = False

            async def end(self):
                async with self._lock:
                    await self.close()

        class Kiosk(Shop):
            async def close(self):
                await super().close()
                print("closed")
        """,
    ),
    "a method that the class has from another": (
        "LCK501",
        SHOP,
        """\
            async def close(self):
                async with self._lock:
                    self._open = False

        class Kiosk(Shop):
            async def end(self):
                async with self._lock:
                    await self.close()
        """,
    ),
    "a method that a decorator makes another": (
        "LCK501",
        "import functools\n" + SHOP,
        """\
            @functools.lru_cache
            async def close(self):
                async with self._lock:
                    self._open = False

            async def end(self):
                async with self._lock:
                    await self.close()
        """,
    ),
    "the region may be left after the join": (
        "LCK203",
        CREW,
        """\
            def end(self):
                with self._lock:
                    if self._thread is not None:
                        self._thread.join()
                        self._thread = None
                        return self._size
                    self._size = 0
        """,
    ),
    "a join of each of several threads": (
        "LCK203",
        CREW,
        """\
            def end(self):
                with self._lock:
                    while self._threads:
                        self._thread = self._threads.pop()
                        self._thread.join()
        """,
    ),
    "a method that needs the lock of its caller": (
        "LCK203",
        CREW,
        """\
            def stop(self):
                self._size = 0
                self._thread.join()

            def end(self):
                with self._lock:
                    self._size -= 1
                    if not self._size:
                        self.stop()
        """,
    ),
    "a thread that does without the lock may be meant to end first": (
        "LCK203",
        CREW,
        """\
            def start(self):
                self._other = threading.Thread(target=print)

            def end(self):
                with self._lock:
                    if self._size:
                        self._other.join()
                        self._size = 0
                    print("ended")
        """,
    ),
    "a function on the way reads what the lock guards": (
        "LCK205",
        BELL,
        """\
            def each(self, give):
                for listener in self.listeners:
                    give(listener, self)

        def tell(listener, bell):
            listener(bell.count)

        def ring(bell: Bell):
            with bell.lock:
                for listener in bell.listeners:
                    tell(listener, bell)
        """,
    ),
    "a function reads what it is given first": (
        "LCK205",
        BELL,
        """\
            def each(self, give):
                for listener in self.listeners:
                    give(self, listener)

        def tell(bell, listener):
            listener(bell.count)

        def ring(bell: Bell):
            with bell.lock:
                for listener in bell.listeners:
                    tell(bell, listener)
        """,
    ),
    "the first lock is given back in a wait": (
        "LCK301",
        CLIENT,
        """\
        class Group:
            def __init__(self, client: Client):
                self._client = client
                self._ready = threading.Condition()

            def join(self):
                with self._ready:
                    while not self._ready.wait():
                        self._client.poll()
                        self._members = 1

            def leave(self):
                with self._client._lock, self._ready:
                    print("left")
        """,
    ),
    "what has the second lock may not be there": (
        "LCK301",
        CLIENT,
        """\
        class Group:
            def __init__(self, client: Client = None):
                self._client = client
                self._lock = threading.RLock()
                self._members = 0

            def join(self):
                with self._lock:
                    while not self._members:
                        if self._client is not None:
                            self._client.poll()
                        self._members += 1

            def leave(self):
                with self._client._lock, self._lock:
                    print("left")
        """,
    ),
    "the second lock has a name that its class keeps to itself": (
        "LCK301",
        (CLIENT + CALLING).replace("_lock", "__lock"),
        """\
        class Group:
            def __init__(self, client: Client):
                self._client = client
                self._own = threading.RLock()
                self._members = 0

            def join(self):
                with self._own:
                    while not self._members:
                        self._client.poll()
                        self._members += 1

            def leave(self):
                with self._own:
                    print("left")
        """,
    ),
    "who has the second lock may not be given": (
        "LCK301",
        CLIENT,
        """\
        class Group:
            def __init__(self):
                self._lock = threading.RLock()
                self._members = 0

            def join(self, client: Client | None = None):
                with self._lock:
                    while not self._members:
                        if client is not None:
                            client.poll()
                        self._members += 1

            def leave(self, client: Client):
                with client._lock, self._lock:
                    print("left")
        """,
    ),
    "who holds the second lock may not take it again": (
        "LCK301",
        CLIENT.replace("RLock", "Lock"),
        """\
        class Group:
            def __init__(self, client: Client):
                self._client = client
                self._lock = threading.RLock()
                self._members = 0

            def join(self):
                with self._lock:
                    while not self._members:
                        self._client.poll()
                        self._members += 1

            def leave(self):
                with self._client._lock, self._lock:
                    print("left")
        """,
    ),
    "what undoes a mark is a coroutine": (
        "LCK805",
        SHOP,
        """\
            async def acquire(self):
                self._open = False
                await asyncio.sleep(0)

            async def release(self):
                self._open = True
        """,
    ),
    "what undoes a mark needs to know more": (
        "LCK805",
        SHOP,
        """\
            async def acquire(self):
                self._open = False
                await asyncio.sleep(0)

            def release(self, who):
                self._open = True
        """,
    ),
}


@pytest.mark.parametrize(("code", "head", "rest"), KEPT.values(), ids=KEPT)
def test_what_cannot_be_shown_to_be_right_is_left_alone(
    write: Write, lockcheck: Lockcheck, code: str, head: str, rest: str
) -> None:
    text = head + _rest(rest)
    root = write({"a.py": text})
    assert lockcheck("a.py", "--min-confidence", "low", "--select", code).status == 1
    lockcheck("--fix", "--unsafe-fixes", "--min-confidence", "low", "a.py", "--select", code)
    assert (root / "a.py").read_text() == text


def _rest(text: str) -> str:
    """What follows a class: its further methods are indented."""
    lines = text.split("\n")
    first = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[8:] for line in lines) if first >= 8 else dedent(text)
