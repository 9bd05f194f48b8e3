"""Everything that a file can be: each beside a healthy one, whose finding is reported all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import HAZARD, Lockcheck, Run, Write

FOUND = "odd.py:9:9: LCK101 "
"""What is said of the hazard, where the odd file has it in the same place."""

NOT_PYTHON = ": LCK900 "
UNDECODABLE = "lockcheck: odd.py: cannot be decoded: "
NEWER = "" if sys.version_info >= (3, 12) else NOT_PYTHON
NEWEST = "" if sys.version_info >= (3, 14) else NOT_PYTHON


def checked(write: Write, lockcheck: Lockcheck, files: Mapping[str, str | bytes]) -> Run:
    write({"good.py": HAZARD, **files})
    run = lockcheck("--no-cache", "--output-format", "concise", ".")
    assert "good.py:9:9: LCK101 " in run.out
    assert "internal error" not in run.err
    assert run.status == (2 if run.err else 1)
    return run


TEXTS: dict[str, tuple[str | bytes, str]] = {
    "a nul in the middle": (HAZARD.replace("\n\n\nasync", "\nX = '\0'\n\nasync"), NOT_PYTHON),
    "a nul at the end": (HAZARD + "\0", NOT_PYTHON),
    "UTF-16": (HAZARD.encode("utf-16"), UNDECODABLE),
    "Latin 1 that says UTF-8": (b"# coding: utf-8\n# \xe9\n" + HAZARD.encode(), UNDECODABLE),
    "an encoding that there is not": (b"# coding: klingon\n" + HAZARD.encode(), UNDECODABLE),
    "an encoding that is none of texts": (b"# coding: zlib\n" + HAZARD.encode(), UNDECODABLE),
    "an encoding that is more than decoding": (b"# coding: raw_unicode_escape\n" + HAZARD.encode(), "odd.py:10:9: LCK101 "),
    "a mark that contradicts the declaration": (b"\xef\xbb\xbf# coding: latin-1\n" + HAZARD.encode(), UNDECODABLE),
    "UTF-7": (b"# coding: utf-7\n" + HAZARD.encode(), "odd.py:10:9: LCK101 "),
    "a byte order mark": (b"\xef\xbb\xbf" + HAZARD.encode(), FOUND),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + HAZARD.encode(), NOT_PYTHON),
    "CRLF": (HAZARD.replace("\n", "\r\n"), FOUND),
    "lone CR": (HAZARD.replace("\n", "\r"), FOUND),
    "all line ends": (HAZARD.replace("\n", "\r\n", 2).replace("\n\n\nasync", "\n\r\rasync"), FOUND),
    "form feeds": (HAZARD.replace("\n\n\nasync", "\n\f\n\fasync").replace("        a", "\f        a"), "odd.py:8:10: LCK101 "),
    "tabs": (HAZARD.replace("    ", "\t"), "odd.py:9:3: LCK101 "),
    "tabs and spaces": (HAZARD.replace("        a", "\ta"), NOT_PYTHON),
    "no final newline": (HAZARD.rstrip("\n"), FOUND),
    "a backslash at the end": (HAZARD + "\\", NOT_PYTHON),
    "other separators of lines": (HAZARD.replace("LOCK =", "# \u2028\u2029\x85\x0b\x1c\nLOCK ="), "odd.py:10:9: LCK101 "),
    "unfinished": (HAZARD + "def f(", NOT_PYTHON),
    "an open string": (HAZARD + "x = '''\n", NOT_PYTHON),
    "Python 2": (HAZARD + "print 'x'\nexec 'y'\nraise E, 'z'\n", NOT_PYTHON),
    "identifiers beyond ASCII": (HAZARD.replace("LOCK", "Größe_ﬁ"), FOUND),
    "an escaped surrogate": (HAZARD + "X = '\\ud800'\n", FOUND),
    "nothing": ("", ""),
    "blanks": (" \t\f \n\n", ""),
    "type parameters": (HAZARD + "type A[T] = list[T]\nclass B[T: int, *Ts, **P]:\n    def f[U](self, u: U) -> T: ...\n", NEWER),
    "strings in strings": (HAZARD + "X = f'{f'{'a' + \"b\"}' # why\n}'\n", NEWER),
    "except with a star": (HAZARD + "try:\n    pass\nexcept* (A, B) as e:\n    pass\n", "" if sys.version_info >= (3, 11) else NOT_PYTHON),
    "except without parentheses": (HAZARD + "try:\n    pass\nexcept A, B:\n    pass\n", NEWEST),
    "strings that are templates": (HAZARD + "X = t'{LOCK!r:>{3}}'\n", NEWEST),
    "annotations that are never evaluated": (HAZARD + "def f(x: Later[y := 1]) -> (yield): ...\nclass Later: ...\n", ""),
    "defaults of type parameters": (HAZARD + "class A[T = int]: ...\n", "" if sys.version_info >= (3, 13) else NOT_PYTHON),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), TEXTS.values(), ids=TEXTS)
def test_a_text_of_any_kind_is_read_or_named(
    write: Write, lockcheck: Lockcheck, content: str | bytes, said: str
) -> None:
    run = checked(write, lockcheck, {"odd.py": content})
    about = [line for line in (*run.out.splitlines(), *run.err.splitlines()) if "odd.py" in line]
    assert any(said in line for line in about) or not said
    assert run.err.count("odd.py") == (said == UNDECODABLE)
    if (
        content
        and said not in (UNDECODABLE, NOT_PYTHON)
        and b"asyncio" in (content if isinstance(content, bytes) else content.encode())
    ):
        assert any("LCK101" in line for line in about)


ONE_LOCK = "import threading\n\nlock = threading.Lock()\n\n\n"
CUT_OFF = "lockcheck: odd.py: takes too many steps to be followed"


def inside(head: str, depth: int, body: str) -> str:
    """Statements inside one another."""
    rows = [" " * (at + 1) + head.format(at) for at in range(depth)]
    return f"{ONE_LOCK}def f(x):\n" + "\n".join([*rows, " " * (depth + 1) + body, ""])


def finals(depth: int) -> str:
    """A `try` in the `finally` of a `try`."""
    rows = [
        " " * (at + 1) + line
        for at in range(depth)
        for line in ("lock.acquire()", "try:", " if x: return x()", "finally:")
    ]
    return f"{ONE_LOCK}def f(x):\n" + "\n".join([*rows, " " * (depth + 1) + "lock.release()", ""])


def handlers(depth: int) -> str:
    rows = [" " * (at + 1) + line for at in range(depth) for line in ("try:", " x()", f"except E{at}:")]
    return f"{ONE_LOCK}def f(x):\n lock.acquire()\n" + "\n".join([*rows, " " * (depth + 1) + "lock.release()", ""])


def many(count: int, inner: str) -> str:
    """Locks that are all used in one function."""
    made = "".join(f"l{at} = threading.Lock()\n" for at in range(count))
    return f"{ONE_LOCK}{made}def f(x):\n{inner}"


LARGE: dict[str, tuple[str, str]] = {
    "loops inside one another": (inside("for a{} in x:", 20, "lock.acquire()"), CUT_OFF),
    "more loops": (inside("while x({}):", 90, "lock.acquire()"), CUT_OFF),
    "loops that are left as they were": (inside("for a{} in x:", 90, "with lock: x()"), ""),
    "finals inside one another": (finals(20), CUT_OFF),
    "handlers inside one another": (handlers(90), "lockcheck: odd.py: has too many ways to be left"),
    "locks that may be held": (
        many(600, "".join(f" if x({at}):\n  l{at}.acquire()\n" for at in range(600))),
        CUT_OFF,
    ),
    "locks that are held": (many(1_000, f" with {', '.join(f'l{at}' for at in range(1_000))}:\n  x()\n"), CUT_OFF),
    "names": (f"{ONE_LOCK}def f(x):\n with lock:\n" + "".join(f"  a{at} = x({at})\n" for at in range(3_000)), ""),
    "names of a module": (ONE_LOCK + "".join(f"a{at} = x({at})\n" for at in range(8_000)), ""),
    "statements": (f"{ONE_LOCK}def f(x):\n with lock:\n" + "  x(1)\n" * 60_000, CUT_OFF),
    "rows": (f"{HAZARD}X = (\n" + "    1,\n" * 100_000 + ")\n", FOUND),
    "tests": (f"{ONE_LOCK}def f(x):\n with lock:\n  if {' and '.join(['x()'] * 2_000)}: pass\n", ""),
    "acquisitions": (f"{ONE_LOCK}def f(x):\n" + " lock.acquire()\n x()\n lock.release()\n" * 2_000, ""),
    "comments": (ONE_LOCK + "x = 1  # noqa: LCK101\n" * 10_000, ""),
    "functions": (ONE_LOCK + "".join(f"def f{at}(x):\n    with lock:\n        x()\n" for at in range(3_000)), ""),
    "functions that call each other": (
        ONE_LOCK
        + "".join(f"def f{at}(x):\n    with lock: f{(at * 7 + 1) % 2_000}(f{(at * 11 + 5) % 2_000})\n" for at in range(2_000)),
        "",
    ),
    "parentheses": (f"x = {'(' * 3_000}1{')' * 3_000}\n", ""),
    "chained calls": (f"x = a{'.b()' * 5_000}\n", ""),
    "elif": ("if x:\n    pass\n" + "elif x:\n    pass\n" * 9_000, "lockcheck: odd.py: "),
}  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize(("content", "said"), LARGE.values(), ids=LARGE)
def test_a_large_file_ends_soon_and_says_where_it_was_cut_off(
    write: Write, lockcheck: Lockcheck, content: str, said: str
) -> None:
    """None is timed. Each kept lockcheck for minutes, or for ever, before it was mended."""
    run = checked(write, lockcheck, {"odd.py": content})
    assert said in run.err or said in run.out
    assert all(line.startswith("lockcheck: odd.py: ") for line in run.err.splitlines())


@pytest.mark.once
def test_what_is_cut_off_does_not_depend_on_the_order_of_files_or_on_processes(
    write: Write, lockcheck: Lockcheck
) -> None:
    write({"b.py": finals(12), "a.py": "from b import f\n" + HAZARD, "c.py": inside("for a{} in x:", 12, "f()")})
    right = lockcheck("--no-cache", "--output-format", "concise", ".")
    assert "b.py: takes too many steps to be followed, so nothing is known of it: f (row 6)" in right.err
    for words in (["--jobs", "1"], ["--jobs", "2"], []):
        assert lockcheck(*words, "--output-format", "concise", "c.py", "b.py", "a.py") == right
    assert lockcheck("--output-format", "concise", "a.py").status == 1  # nobody asked about b.py


@pytest.mark.once
def test_all_functions_together_have_a_budget(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockcheck.analysis.budget.BASE", 40)
    monkeypatch.setattr("lockcheck.analysis.budget.EACH", 0)
    rows = "def f{0}():\n    with lock:\n        with lock:\n            pass\n"
    write({"a.py": ONE_LOCK + "".join(map(rows.format, range(30)))})
    run = lockcheck("--no-cache", "--output-format", "concise", ".")
    assert run.status == 2
    assert "LCK501" in run.out
    assert "a.py: not followed to the end, for all functions together took too many steps: " in run.err
    assert run.err.count("\n") == 1
    assert lockcheck("--no-cache", "--output-format", "concise", ".") == run


def test_a_search_for_cycles_that_is_broken_off_before_it_finds_any_is_told(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "def f{0}():\n    with l{0}:\n        with l{1}:\n            pass\n"
    write({"a.py": many(3, "    pass\n") + "".join(rows.format(at, (at + 1) % 3) for at in range(3))})
    words = ("--no-cache", "--select", "LCK301", "--output-format", "concise", ".")
    assert lockcheck(*words).status == 1
    monkeypatch.setattr("lockcheck.analysis.order.MAX_WORK", 1)
    run = lockcheck(*words)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert "a.py: takes part in so many nestings of locks that the search for cycles was broken off: f0 " in run.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_names_and_links_of_any_kind(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"folder.py/inner.py": HAZARD, "größe/ünïcode.py": HAZARD, "a b/-x.py": HAZARD})
    (root / "one").symlink_to(root / "two")
    (root / "two").symlink_to(root / "one")
    (root / "round.py").symlink_to(root / "round.py")
    (root / "dangling.py").symlink_to(root / "nowhere.py")
    (root / "up").symlink_to(root)
    run = checked(write, lockcheck, {})
    assert [line.partition(":")[0] for line in run.out.splitlines() if "LCK101" in line] == sorted(
        ["a b/-x.py", "folder.py/inner.py", "good.py", "größe/ünïcode.py"]
    )
    for name in ("round.py", "dangling.py", "one"):
        asked = lockcheck("--no-cache", "--output-format", "concise", name, "good.py")
        assert asked.status == 2
        assert asked.err.startswith(f"lockcheck: {name}: ")
        assert "good.py:9:9: LCK101 " in asked.out


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: OSError) -> None:
    real = Path.read_bytes

    def read(self: Path) -> bytes:
        if self.name == name:
            raise error
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", read)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_named(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    failing(monkeypatch, "odd.py", error)
    run = checked(write, lockcheck, {"odd.py": HAZARD})
    assert run.err == f"lockcheck: odd.py: cannot be read: {error.strerror}\n"


def test_a_file_that_vanishes_while_it_is_read_is_named(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "odd.py", FileNotFoundError(2, "No such file or directory"))
    run = checked(write, lockcheck, {"odd.py": HAZARD})
    assert run.err == "lockcheck: odd.py: cannot be read: No such file or directory\n"


def test_a_folder_that_vanishes_while_it_is_listed_is_named(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("gone"):
            raise FileNotFoundError(2, "No such file or directory")
        return real(path)

    monkeypatch.setattr("lockcheck.app.discovery.os.scandir", scandir)
    run = checked(write, lockcheck, {"gone/odd.py": HAZARD})
    assert run.err == "lockcheck: gone: cannot be listed: No such file or directory\n"


def test_a_file_that_changes_while_it_is_read_is_read_again_by_the_next_run(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"good.py": HAZARD, "odd.py": "x = 1\n"})
    real = Path.read_bytes

    def read(self: Path) -> bytes:
        content = real(self)
        if self.name == "odd.py":
            self.write_text(HAZARD)
        return content

    monkeypatch.setattr(Path, "read_bytes", read)
    first = lockcheck("--output-format", "concise", ".")
    assert (first.out.count("LCK101"), first.err) == (1, "")
    monkeypatch.undo()
    monkeypatch.chdir(root)
    assert lockcheck("--output-format", "concise", ".").out.count("LCK101") == 2
