"""`python -m tests.increments FOLDER --edits N --seed S`: random edits of a real package, in a copy.

Status 0: after each edit, a run that goes by the last one finds what one finds that knows nothing; 1: it does not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.increments.compare import compared


class _Arguments(argparse.Namespace):
    folder: Path
    edits: int
    seed: int


def main(words: Sequence[str]) -> int:
    """Edit, compare, print, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.increments", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder that holds packages")
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(words, _Arguments())
    root = arguments.folder
    files = {str(path.relative_to(root)): path.read_bytes().decode("utf-8") for path in sorted(root.rglob("*.py"))}
    wrong, kept, anew, followed = 0, 0.0, 0.0, list[int]()
    with tempfile.TemporaryDirectory() as place:
        here = Path(place).resolve()
        for each in compared(files, here / "program", here / "cache", arguments.seed, arguments.edits):
            kept, anew = kept + each.kept.seconds, anew + each.anew.seconds
            followed.append(each.kept.followed)
            if not each.agree:
                wrong += 1
                sys.stdout.write(f"edit {each.number}: {', '.join(each.differing[:5])}; {each.kept.failures}\n")
    followed.sort()
    sys.stdout.write(
        f"{arguments.edits} edits, {wrong} with another outcome; {kept:.1f} s going by the last run, {anew:.1f} s anew; "
        f"half of the edits had {followed[len(followed) // 2]} functions followed or fewer\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
