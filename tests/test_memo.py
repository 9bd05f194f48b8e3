"""Recursive questions: the answers are the least that agree with each other, whichever was asked first."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockcheck.analysis.link.memo import MAX_DEPTH, Memo
from lockcheck.analysis.link.reads import Reads
from lockcheck.app.headroom import with_headroom

NAMES = tuple("abcdefgh")
System = Mapping[str, tuple[frozenset[int], tuple[str, ...]]]
"""Each name stands for its own numbers and those of the names that it refers to."""

SYSTEMS = st.fixed_dictionaries(
    {
        name: st.tuples(
            st.frozensets(st.integers(0, 5), max_size=2), st.lists(st.sampled_from(NAMES), max_size=4).map(tuple)
        )
        for name in NAMES
    }
)


def solved(system: System, order: list[str]) -> dict[str, frozenset[int]]:
    memo = Memo(Reads())

    def ask(name: str) -> frozenset[int]:
        own, others = system[name]
        nothing: frozenset[int] = frozenset()
        return memo.solve(name, lambda: own.union(*(ask(other) for other in others)), nothing)

    return {name: ask(name) for name in order}


def least(system: System) -> dict[str, frozenset[int]]:
    values: dict[str, frozenset[int]] = dict.fromkeys(system, frozenset())
    while True:
        new = {name: own.union(*(values[other] for other in others)) for name, (own, others) in system.items()}
        if new == values:
            return values
        values = new


@given(SYSTEMS, st.permutations(NAMES))
def test_the_answers_are_the_least_ones_in_whatever_order_they_are_asked_for(system: System, order: list[str]) -> None:
    assert solved(system, order) == least(system)


def test_what_was_begun_when_a_computing_failed_is_forgotten() -> None:
    memo = Memo(Reads())
    refers = {"root": ("left", "right"), "left": ("shared", "failing"), "right": ("shared",), "shared": ("root",)}
    failures = [RecursionError()]

    def compute(name: str) -> frozenset[str]:
        answer = frozenset({name}).union(*map(ask, refers.get(name, ())))
        if name == "failing" and failures:
            raise failures.pop()
        return answer

    def ask(name: str) -> frozenset[str]:
        nothing: frozenset[str] = frozenset()
        return memo.solve(name, lambda: compute(name), nothing)

    with pytest.raises(RecursionError):
        ask("root")
    assert not memo.busy
    everything = {*refers, "failing"}
    assert {name: ask(name) for name in ("root", "right", "shared")} == dict.fromkeys(
        ("root", "right", "shared"), everything
    )


def test_a_question_is_computed_a_few_times_only_however_many_circles_go_through_it() -> None:
    memo = Memo(Reads())
    computed: list[int] = []

    def ask(number: int) -> frozenset[int]:
        def compute() -> frozenset[int]:
            computed.append(number)
            return frozenset({number}).union(*(ask(other) for other in range(12)))

        nothing: frozenset[int] = frozenset()
        return memo.solve(number, compute, nothing)

    assert ask(0) == frozenset(range(12))
    assert len(computed) <= 3 * 12


def test_a_chain_that_is_too_deep_is_given_up_at_its_depth_and_asked_for_once_only() -> None:
    memo = Memo(Reads())
    computed: list[int] = []

    def ask(number: int) -> int:
        def compute() -> int:
            computed.append(number)
            return ask(number + 1) + 1 if number < 10 * MAX_DEPTH else 0

        return memo.solve(number, compute, 0)

    assert with_headroom(lambda: ask(0)) == MAX_DEPTH
    assert with_headroom(lambda: [ask(number) for number in range(10 * MAX_DEPTH)])[1] == MAX_DEPTH - 1
    assert ask(10 * MAX_DEPTH - 3) == 3
    assert len(computed) <= 11 * MAX_DEPTH


def test_what_goes_to_and_fro_ends() -> None:
    memo = Memo(Reads())

    def ask() -> bool:
        return memo.solve("liar", lambda: not ask(), False)

    assert isinstance(ask(), bool)
    assert not memo.busy
