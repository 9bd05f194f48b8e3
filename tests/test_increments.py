"""After an edit, a run that goes by the last one finds what one finds that knows nothing, function by function."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.cases import Case, all_cases
from tests.increments.compare import Compared, compared

pytestmark = pytest.mark.once
"""What is kept does not depend on the Python that keeps it."""

EDITS = 1000
EACH = 8
"""Edits of one program, each on what the ones before have left."""


@cache
def programs() -> tuple[Case, ...]:
    """Cases of several files, spread over all that there are."""
    found = [case for case in all_cases() if len(case.example.files) > 1]
    found = [case for case in found if all(file.name.endswith(".py") for file in case.example.files)]
    step = len(found) / (EDITS / EACH)
    return tuple(found[int(number * step)] for number in range(EDITS // EACH))


@pytest.mark.parametrize("part", range(25))
def test_a_thousand_edits_change_nothing_but_what_they_change(tmp_path: Path, part: int) -> None:
    found: list[Compared] = []
    for number, case in list(enumerate(programs()))[part::25]:
        files = {file.name: file.text for file in case.example.files}
        here = tmp_path / str(number)
        for each in compared(files, here / "program", here / "cache", number, EACH):
            found.append(each)
            assert each.kept.failures == each.anew.failures == (), (case.origin, number, each.number)
            assert each.agree, (case.origin, number, each.number, each.differing)
    assert len(found) == EDITS // 25
    assert sum(each.kept.followed for each in found) < sum(each.anew.followed for each in found)
