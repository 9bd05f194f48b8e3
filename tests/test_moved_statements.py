"""Fixes against programs as people write them: what must not be moved, copied, named or dropped."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.conftest import Lockcheck, Write

CLASS = """\
import subprocess
import threading
import time

LOCK = threading.Lock()
NAMES = []
TOTAL = 0


def count(name):
    global TOTAL
    with LOCK:
        NAMES.append(name)
        TOTAL += 1


class Box:
    def __init__(self, given):
        self._lock = threading.Lock()
        self._items = []
        self._list = []
        self._from = 0
        self._done = False
        self._given = given or {}
        self._map = {}
        self._peers = None

    def change(self, key, item):
        with self._lock:
            self._items.append(item)
            self._list.append(item)
            self._from = item
            self._given[key] = item
            self._map.setdefault(key, []).append(item)
            self._done = True
            self._peers = [item]

    @property
    def first(self):
        return self._items[0]

"""

REFUSED = {
    "a loop would not see the end": """\
        def go(self):
            with self._lock:
                while not self._done:
                    time.sleep(1)
        """,
    "state under another name": """\
        def go(self):
            items = self._items
            with self._lock:
                for item in items:
                    subprocess.check_output(item)
        """,
    "a lazy view of the state": """\
        def go(self):
            with self._lock:
                items = (item for item in self._items)
                for item in items:
                    subprocess.check_output(item)
        """,
    "a collection out of the state": """\
        def go(self, key):
            with self._lock:
                items = self._map.get(key, ())
                for item in items:
                    subprocess.check_output(item)
        """,
    "collections in what is copied": """\
        def go(self):
            with self._lock:
                for key, items in self._map.items():
                    for item in items:
                        subprocess.check_output(item)
        """,
    "a method whose object has another name": """\
        def go(this):
            with this._lock:
                for item in this._items:
                    subprocess.check_output(item)
        """,
    "the state of another object": """\
        def go(self, other: "Box"):
            with other._lock:
                subprocess.check_output(other._items)
        """,
    "a lambda reads the state": """\
        def go(self, names):
            with self._lock:
                subprocess.check_output(min(names, key=lambda name: self._items.count(name)))
        """,
    "a function inside reads the state": """\
        def go(self):
            def first():
                return self._items[0]
            with self._lock:
                subprocess.check_output(first())
        """,
    "a property reads the state": """\
        def go(self):
            with self._lock:
                subprocess.check_output(self.first)
        """,
    "a copy nobody knows to make": """\
        def go(self):
            with self._lock:
                subprocess.check_output(self._given)
        """,
    "the state itself is handed out": """\
        def go(self):
            with self._lock:
                return subprocess.check_output("name"), self._items
        """,
    "what is written before and after it": """\
        def go(self):
            with self._lock:
                self._from = 1
                subprocess.check_output("name")
                self._from = 2
        """,
    "what is read before is stored after it": """\
        def go(self):
            with self._lock:
                number = len(self._items)
                check(number)
                subprocess.check_output(str(number))
                self._total = number
        """,
    "a variable of the module": """\
        def go(self):
            with LOCK:
                subprocess.check_output(str(TOTAL))
        """,
    "a variable of the module is assigned": """\
        def go(self):
            with LOCK:
                global TOTAL
                TOTAL = subprocess.check_output("name")
        """,
    "what is begun before it and noted after it": """\
        def go(self, name):
            with self._lock:
                subprocess.Popen(name)
                time.sleep(1)
                self._done = True
        """,
    "a pause between two uses": """\
        def go(self, name):
            with self._lock:
                answer = self._peers.ask(name)
                if self._gap:
                    # not too fast
                    time.sleep(self._gap)
                return answer
        """,
    "a lock that says whether it is under way": """\
        def go(self):
            if self._lock.locked():
                return
            with self._lock:
                self._done = False
                time.sleep(1)
        """,
    "what was tested of a variable of the module": """\
        def go(self, name):
            with LOCK:
                if name not in NAMES:
                    NAMES.append(subprocess.check_output(name))
                return name
        """,
}

MOVED = {
    "a copy takes no name of a builtin": (
        """\
        def go(self):
            with self._lock:
                for item in self._list:
                    subprocess.check_output(item)
        """,
        """\
        def go(self):
            with self._lock:
                list_2 = list(self._list)
            for item in list_2:
                subprocess.check_output(item)
        """,
    ),
    "a copy takes no keyword for its name": (
        """\
        def go(self):
            with self._lock:
                subprocess.check_output(str(self._from))
        """,
        """\
        def go(self):
            with self._lock:
                from_2 = self._from
            subprocess.check_output(str(from_2))
        """,
    ),
    "a copy is made only where it cannot fail": (
        """\
        def go(self):
            with self._lock:
                # all of them
                if self._peers is not None:
                    for peer in self._peers:  # one
                        subprocess.check_output(peer)
        """,
        """\
        def go(self):
            with self._lock:
                peers = self._peers
            # all of them
            if peers is not None:
                for peer in peers:  # one
                    subprocess.check_output(peer)
        """,
    ),
    "an inner loop is over what the outer one gives": (
        """\
        def go(self):
            with self._lock:
                for item in self._items:
                    for part in item.parts(self._done):
                        subprocess.check_output(part)
        """,
        """\
        def go(self):
            with self._lock:
                items = list(self._items)
                done = self._done
            for item in items:
                for part in item.parts(done):
                    subprocess.check_output(part)
        """,
    ),
    "it does not pass a call that may do something": (
        """\
        def go(self):
            with self._lock:
                print("before")
                subprocess.check_output("name")
                print("after")
        """,
        """\
        def go(self):
            with self._lock:
                print("before")
            subprocess.check_output("name")
            with self._lock:
                print("after")
        """,
    ),
    "what comes after it needs no lock either": (
        """\
        def go(self):
            with self._lock:
                number = len(self._items)
                subprocess.check_output(str(number))
                return number
        """,
        """\
        def go(self):
            with self._lock:
                number = len(self._items)
            subprocess.check_output(str(number))
            return number
        """,
    ),
    "what is taken over is free": (
        """\
        def go(self):
            with self._lock:
                items = self._items
                self._items = []
                for item in items:
                    subprocess.check_output(item)
        """,
        """\
        def go(self):
            with self._lock:
                items = self._items
                self._items = []
            for item in items:
                subprocess.check_output(item)
        """,
    ),
    "a collection of the module": (
        """\
        def go(self):
            with LOCK:
                for name in NAMES:
                    subprocess.check_output(name)
        """,
        """\
        def go(self):
            with LOCK:
                names = list(NAMES)
            for name in names:
                subprocess.check_output(name)
        """,
    ),
}


def in_class(method: str) -> str:
    return CLASS + indent(dedent(method), "    ")


def mended(write: Write, lockcheck: Lockcheck, text: str, *select: str) -> str:
    """A program with all its fixes made; something must be found in it."""
    root = write({"a.py": text})
    codes = ",".join(select)
    assert lockcheck("a.py", "--min-confidence", "low", "--select", codes).status == 1
    lockcheck("--fix", "--unsafe-fixes", "--min-confidence", "low", "a.py", "--select", codes)
    return (root / "a.py").read_text()


@pytest.mark.parametrize("method", REFUSED.values(), ids=REFUSED)
def test_what_stays_tied_to_the_guarded_state_stays_under_the_lock(
    write: Write, lockcheck: Lockcheck, method: str
) -> None:
    assert mended(write, lockcheck, in_class(method), "LCK201", "LCK202") == in_class(method)


@pytest.mark.parametrize(("method", "good"), MOVED.values(), ids=MOVED)
def test_what_can_leave_does(write: Write, lockcheck: Lockcheck, method: str, good: str) -> None:
    assert mended(write, lockcheck, in_class(method), "LCK201") == in_class(good)
