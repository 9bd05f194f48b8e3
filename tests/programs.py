"""Programs for tests of the lock order: small ones, large ones, and one that means harm."""

from __future__ import annotations

BANK = """\
import threading


class Bank:
    def __init__(self) -> None:
        self._accounts_lock = threading.Lock()
        self._audit_lock = threading.RLock()

    def deposit(self, name: str) -> None:
        with self._accounts_lock:
            with self._audit_lock:
                print(name)

    def replay(self) -> None:
        with self._audit_lock:
            self._zero()

    def _zero(self) -> None:
        with self._accounts_lock:
            print("zero")
"""
"""Two locks, taken in both orders; the second nesting goes through a call."""

GATE = """\
import threading


class Switch:
    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._left = threading.Lock()
        self._right = threading.Lock()

    def forward(self) -> None:
        with self._gate:
            with self._left, self._right:
                print("forward")

    def backward(self) -> None:
        with self._gate:
            with self._right, self._left:
                print("backward")
"""
"""Both orders again, but whoever takes both holds a third lock."""

HARM = """\
import threading

A = threading.Lock()
B = threading.Lock()


def forward(text=""):
    with A:  # </script><script>window.hurt = 1</script><img src=x onerror="window.hurt = 1">
        with B:  # --></svg><script>window.hurt = 1</script>{{data}}
            print(text)


def backward():
    with B:  # \u2028 ]]> &quot; ${window.hurt = 1} `
        with A:
            print("backward")
"""
"""A cycle, in sources that try to be a script."""

HARMFUL_NAME = "<img src=x onerror='window.hurt=1'>"


def many(number: int) -> str:
    """A module with so many locks: each third is never nested, the others in one order, and a few in both."""
    lines = ["import threading", ""]
    lines += [f"LOCK_{at} = threading.{'RLock' if at % 5 == 0 else 'Lock'}()" for at in range(number)]
    for at in range(number):
        inner = at + 1 + at * 7 % 11
        nested = at % 3 < 2 and at % 12 < 9 and inner < number
        lines += [
            "",
            "",
            f"def step_{at}():",
            f"    with LOCK_{at}{f', LOCK_{inner}' if nested else ''}:",
            "        print()",
        ]
        if nested and at % 50 == 0:
            lines += ["", "", f"def back_{at}():", f"    with LOCK_{inner}, LOCK_{at}:", "        print()"]
    return "\n".join(lines) + "\n"
