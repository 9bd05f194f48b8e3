"""What lockcheck says of small random programs agrees with what happens when they run, and the runs miss nothing."""

from __future__ import annotations

import ast
import collections

import pytest

from tests.soundness.compare import (
    BEHIND,
    CALLBACK,
    CALLERS,
    CHOSEN,
    HANDED,
    OBJECTS,
    UNKNOWN,
    Disagreement,
    compare,
    compared,
    executed,
    reason,
    shrink,
)
from tests.soundness.grammar import draw
from tests.soundness.scheduler import explore

KNOWN = {BEHIND, OBJECTS, HANDED, CALLBACK, CALLERS}
"""The classes of disagreement that `docs/precision.md` explains."""

HEAD = """
import random
import threading

ALPHA = {alpha}
BETA = threading.Lock()


"""
INVERSION = """
def _one() -> None:
    with ALPHA:
        with BETA:
            print("one")


def _other() -> None:
    with BETA:
        {attempt}
            print("other")


if __name__ == "__main__":
    first = threading.Thread(target=_one)
    second = threading.Thread(target=_other)
    first.start()
    {between}
    second.start()
    first.join()
    second.join()
"""
GATED = """
GATE = threading.Lock()


def _one() -> None:
    with GATE:
        with ALPHA, BETA:
            print("one")


def _other() -> None:
    with GATE:
        with BETA, ALPHA:
            print("other")


if __name__ == "__main__":
    first = threading.Thread(target=_one)
    second = threading.Thread(target=_other)
    first.start()
    second.start()
"""
AGAIN = """
def _outer(action) -> None:
    with ALPHA:
        if random.random() < 0.5:
            return
        action()


def _inner() -> None:
    ALPHA.acquire()
    try:
        print("inner")
    finally:
        ALPHA.release()


if __name__ == "__main__":
    _outer(_inner)
"""
PHILOSOPHERS = """
GAMMA = threading.Lock()


def _eat(left, right) -> None:
    with left:
        with right:
            print("eat")


if __name__ == "__main__":
    first = threading.Thread(target=_eat, args=(ALPHA, BETA))
    second = threading.Thread(target=_eat, args=(BETA, GAMMA))
    third = threading.Thread(target=_eat, args=({last}))
    first.start()
    second.start()
    third.start()
"""


def program(body: str, alpha: str = "threading.Lock()", **given: str) -> str:
    """A program with two locks."""
    return HEAD.format(alpha=alpha) + (body.format(**given) if given else body)


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        pytest.param(program(INVERSION, attempt="with ALPHA:", between="pass"), {"order"}, id="two orders"),
        pytest.param(
            program(INVERSION, attempt="with ALPHA:", between="first.join()"), set(), id="one after the other"
        ),
        pytest.param(
            program(
                INVERSION, attempt="if ALPHA.acquire(blocking=False):\n            ALPHA.release()", between="pass"
            ),
            set(),
            id="an attempt",
        ),
        pytest.param(
            program(INVERSION, attempt="if ALPHA.acquire(timeout=0.1):\n            ALPHA.release()", between="pass"),
            set(),
            id="in time",
        ),
        pytest.param(program(INVERSION, attempt="with BETA:", between="pass"), {"reentry"}, id="taken again"),
        pytest.param(program(GATED), set(), id="a gate"),
        pytest.param(program(AGAIN), {"reentry"}, id="a callback takes it again"),
        pytest.param(program(AGAIN, "threading.RLock()"), set(), id="a re-entrant lock"),
        pytest.param(program(AGAIN, "threading.Condition()"), set(), id="a condition with a lock of its own"),
        pytest.param(program(AGAIN, "threading.Condition(threading.Lock())"), {"reentry"}, id="a condition on a lock"),
        pytest.param(program(PHILOSOPHERS, last="GAMMA, ALPHA"), {"order"}, id="a circle of three"),
        pytest.param(program(PHILOSOPHERS, last="ALPHA, GAMMA"), set(), id="three in one order"),
        pytest.param(program(PHILOSOPHERS, last="GAMMA, GAMMA"), {"reentry"}, id="the same lock twice"),
    ],
)
def test_running_in_every_order_finds_how_a_program_can_freeze(source: str, ways: set[str]) -> None:
    assert set(executed(source) or ()) == ways
    assert executed(source) is not None


def test_a_name_for_one_of_two_locks_is_each_of_them_and_known_to_be_missed() -> None:
    seed = next(
        s
        for s in range(200)
        if "either_" in draw(s, either=True).source() and (c := compare(s, either=True)).can and not c.said
    )
    wanted = next(compare(seed, either=True).disagreements())
    least = shrink(draw(seed, either=True), wanted)
    assert reason(least, wanted) == CHOSEN


def test_what_is_drawn_has_two_functions_and_two_locks_at_least() -> None:
    for program in map(draw, range(200)):
        assert 2 <= len(program.functions) <= 4
        assert len(program.locks) + len(program.attributes) >= 2


def test_a_freeze_names_the_locks_in_it() -> None:
    outcome = explore(program(PHILOSOPHERS, last="GAMMA, ALPHA"))
    assert [(freeze.kind, len(freeze.locks)) for freeze in outcome.freezes] == [("order", 3)]


def test_what_is_drawn_is_drawn_again_from_the_same_seed_and_is_python() -> None:
    sources = [draw(seed).source() for seed in range(50)]
    assert sources == [draw(seed).source() for seed in range(50)]
    assert len(set(sources)) == len(sources)
    for source in sources:
        ast.parse(source)


@pytest.mark.once
def test_what_is_reported_agrees_with_what_happens_but_for_the_classes_that_are_explained() -> None:
    found = compared(range(120))
    assert sum(each.can is None for each in found) <= 2, "too many states"
    ways = collections.Counter(kind for each in found for kind in each.can or ())
    assert min(ways["order"], ways["reentry"], sum(not each.can for each in found)) >= 6, "the draw tells little"
    unexplained = []
    for wanted in (d for each in found for d in each.disagreements()):
        least = shrink(draw(wanted.seed), wanted)
        if reason(least, wanted) not in KNOWN:
            unexplained.append(least.source())
    assert unexplained == []
    assert sum(bool(each.can) and not each.said for each in found) <= 4
    assert sum(bool(each.said) and not each.can for each in found) <= 6


def test_a_disagreement_is_shrunk_to_what_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(s for s in range(100) if "reentry" in (executed(draw(s).source()) or ()))
    monkeypatch.setattr("tests.soundness.compare.reported", lambda _: frozenset())
    wanted = Disagreement(seed, "reentry", "missed")
    least = shrink(draw(seed), wanted)
    assert set(executed(least.source()) or ()) == {"reentry"}
    assert len(least.source()) < len(draw(seed).source())
    assert reason(least, wanted) in {*KNOWN, UNKNOWN}
