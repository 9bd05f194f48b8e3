"""The look at what fixing does to whole packages: it sees what it is there to see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import mended
from tests.test_fixes import PLAIN, WRONG_WITH

STRAY: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "the ends of all lines": (lambda new: new.replace(b"\r\n", b"\n"), "a.py:1: differs, and no fix names it"),
    "a blank in another row": (lambda new: new.replace(b"import asyncio", b"import asyncio "), "a.py:1: differs"),
    "a row more": (lambda new: new + b"# mended\r\n", "a.py: has 11 lines, and should have 10"),
    "what is no Python": (lambda new: new.replace(b"async with", b"async  if"), "a.py: does not compile any more"),
}


def package(folder: Path) -> Path:
    root = folder / "package"
    root.mkdir()
    (root / "a.py").write_bytes((WRONG_WITH + '\n"""\x0c"""').replace("\n", "\r\n").encode("utf-8-sig"))
    (root / "b.py").write_text(PLAIN)
    (root / "b.py").chmod(0o755)
    (root / "c.py").write_text("print 1\n")
    return root


def test_a_package_that_is_mended_well_is_a_row_of_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = package(tmp_path)
    assert mended.main([str(root)]) == 0
    safe, unsafe = capsys.readouterr().out.splitlines()[2:]
    assert safe.startswith("| package | `--fix` | 1 | 1: 1 LCK602 | 0 |")
    assert unsafe.startswith("| package | `--fix --unsafe-fixes` | 2 | 2: 1 LCK401, 1 LCK602 | 0 |")
    assert (root / "b.py").read_text() == PLAIN


@pytest.mark.parametrize(("spoil", "said"), STRAY.values(), ids=STRAY)
def test_what_no_fix_names_is_seen(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[bytes], bytes],
    said: str,
) -> None:
    from lockcheck.app import writing

    encoded = writing.encoded
    monkeypatch.setattr(writing, "encoded", lambda *given: spoil(encoded(*given)))
    assert mended.main([str(package(tmp_path))]) == 1
    assert said in capsys.readouterr().out
