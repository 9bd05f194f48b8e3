"""Modules made from Python's grammar, for `python -m tests.fuzz --sources FOLDER`: `python -m tests.fuzz.grammar FOLDER`.

hypothesmith makes them, which is no dependency: install it. It makes some ten in a second, of some thirty characters each,
and most are odd: several are put together into one file, as many as come in the time that is given.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_TOGETHER = 12
"""Modules in one file."""
_MOST = 1_000_000


def main(arguments: Sequence[str]) -> int:
    """Write modules until the time is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.grammar", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    modules: list[str] = []
    with contextlib.suppress(_Enough):
        _make(modules, asked.seed, time.monotonic() + asked.seconds)
    texts = ["\n".join(modules[at : at + _TOGETHER]) for at in range(0, len(modules), _TOGETHER)]
    for number, text in enumerate(texts):
        (asked.folder / f"made{number}.py").write_bytes(text.encode("utf-8", "surrogatepass"))
    sys.stdout.write(f"{len(modules)} modules in {len(texts)} files\n")
    return 0


class _Enough(BaseException):
    """The time is up: no error that hypothesis would look into."""


def _make(modules: list[str], number: int, end: float) -> None:
    from hypothesmith import from_grammar, from_node  # type: ignore[import-not-found, unused-ignore]

    @seed(number)
    @settings(
        max_examples=_MOST,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(st.one_of(from_grammar(), from_node()))
    def collect(module: str) -> None:
        modules.append(module)
        if time.monotonic() > end:
            raise _Enough

    collect()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
