"""Check the examples of one document: `python -m tests.run_case FILE [WORD…]`.

FILE is a literate case (`testdata/…/*.md`) or a rule (`lockcheck/rules/*.py`, or its code). With words, only the
examples whose name contains one of them run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lockcheck.rules.registry import find
from tests.cases import TESTDATA, Case, all_cases, difference, observe


def main(arguments: list[str]) -> int:
    """Print what each example reports and what is wrong with that; 1 if anything is."""
    if not arguments:
        return _end(str(__doc__), 2)
    origin, words = _origin(arguments[0]), arguments[1:]
    cases = [case for case in all_cases() if case.origin == origin]
    if not cases:
        return _end(f"no case comes from {origin}", 2)
    chosen = [case for case in cases if not words or any(word in case.name for word in words)]
    wrong = sum([_run(case) for case in chosen])
    return _end(f"{wrong} of {len(chosen)} wrong", 1 if wrong else 0)


def _origin(argument: str) -> str:
    path = Path(argument)
    if path.suffix == ".md":
        return path.resolve().relative_to(TESTDATA).as_posix()
    rule = find(path.stem.replace("_", "-")) or find(argument)
    return rule.code if rule else argument


def _run(case: Case) -> bool:
    with tempfile.TemporaryDirectory() as directory:
        outcome = observe(case, Path(directory))
    lines = difference(case.example, outcome)
    _say(f"{'WRONG' if lines else 'ok   '} {case.name}")
    for line in lines:
        _say(f"      {line}")
    for message in outcome.messages if lines else ():
        _say(f"      found: {message}")
    return bool(lines)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _end(line: str, code: int) -> int:
    _say(line)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
