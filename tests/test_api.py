"""`import lockcheck`, as a program uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lockcheck
from tests.conftest import HAZARD, Write

ROOT = Path(lockcheck.__file__).parent.parent
NESTED = f"X = {'(' * 60}1{')' * 60}\n"
"""A text that is read by a worker process."""

DEADLY = f"import threading\nLOCK = threading.Lock()\n\n\ndef f(a):\n    with LOCK:\n        a{'.b()' * 30_000}\n"
"""A text that a parser may end the process of."""

CALL = """\
import sys
print("main")
import lockcheck
report = lockcheck.check(".")
print([(finding.code, finding.place.span.row) for finding in report.findings], report.failures)
"""
SAID = "main\n[('LCK101', 10)] ()\n"


def python(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], input=stdin, text=True, capture_output=True, env=environment, timeout=120
    )


def test_findings_say_what_those_of_the_command_say(write: Write) -> None:
    from lockcheck import Confidence, check

    root = write({"a.py": HAZARD, "b.py": "x = 1\n"})
    (finding,) = check([root]).findings
    assert (finding.code, finding.name, finding.confidence) == ("LCK101", "thread-lock-across-await", Confidence.HIGH)
    assert (finding.place.path, finding.place.span.row, finding.place.span.column) == (str(root / "a.py"), 9, 9)
    assert check("a.py") == check(["a.py"]) == check(Path("a.py"))
    assert check("b.py").findings == ()
    assert (check().files, check("a.py").files) == (2, 1)


def test_no_paths_are_not_all_paths(write: Write) -> None:
    write({"a.py": HAZARD})
    assert lockcheck.check([]) == lockcheck.Report((), (), 0)


def test_configuration_is_the_nearest_file_or_what_is_given(write: Write) -> None:
    write({"a.py": HAZARD, "lockcheck.toml": 'ignore = ["LCK101"]', "other.toml": 'select = ["LCK2"]'})
    assert lockcheck.check(".").findings == ()
    assert lockcheck.check(".", "other.toml").findings == ()
    assert len(lockcheck.check(".", {}).findings) == 1
    assert len(lockcheck.check(".", {"select": ["thread-lock-across-await"]}).findings) == 1
    assert lockcheck.check(".", {"exclude": ["a.py"]}).files == 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"selekt": ["LCK1"]}, "config: unknown key `selekt`; did you mean `select`?"),
        ({"select": "LCK1"}, "config: select: expected `array | null`, got `str`"),
        ({"select": ["LCK777"]}, "config: select: unknown rule `LCK777`"),
        ("nowhere.toml", "nowhere.toml: No such file or directory"),
    ],
)
def test_wrong_configuration_is_an_error_that_says_what_is_wrong(write: Write, config: object, message: str) -> None:
    write({"a.py": HAZARD})
    with pytest.raises(lockcheck.ConfigError, match=r"^[^\n]+$") as caught:
        lockcheck.check(".", config)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert isinstance(caught.value, lockcheck.LockcheckError)


def test_what_cannot_be_read_is_a_value(write: Write) -> None:
    write({"a.py": HAZARD, "b.py": b"\xff"})
    report = lockcheck.check([".", "missing"])
    assert [finding.code for finding in report.findings] == ["LCK101"]
    assert sorted(failure.what for failure in report.failures) == ["b.py", "missing"]


def test_texts_stand_for_files(write: Write) -> None:
    write({"a.py": "x = 1\n"})
    report = lockcheck.check("a.py", texts={"a.py": HAZARD, "new.py": HAZARD})
    assert [Path(finding.place.path).name for finding in report.findings] == ["a.py"]


def test_fixes_come_on_request(write: Write) -> None:
    wrong = "import asyncio\nLOCK = asyncio.Lock()\n\n\nasync def f():\n    with LOCK:\n        pass\n"
    root = write({"a.py": wrong})
    (plain,) = lockcheck.check(".").findings
    (fixed,) = lockcheck.check(".", fixes=True).findings
    assert plain.fix is None
    assert fixed.fix is not None
    assert (root / "a.py").read_text() == wrong


def test_cache_is_used_where_one_is_named(write: Write, tmp_path: Path) -> None:
    write({"a.py": HAZARD})
    first = lockcheck.check(".", cache_dir=tmp_path / "facts")
    assert list((tmp_path / "facts").iterdir())
    assert lockcheck.check(".", cache_dir=tmp_path / "facts") == first


def test_importing_it_loads_next_to_nothing() -> None:
    script = "import sys; before = set(sys.modules); import lockcheck; print(sorted(set(sys.modules) - before))"
    assert python("-c", script).stdout == "['lockcheck']\n"


def test_everything_that_is_named_is_there_and_documented() -> None:
    for name in lockcheck.__all__:
        assert getattr(lockcheck, name).__doc__
        assert name in dir(lockcheck)
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        _ = lockcheck.chek


def test_a_script_without_a_guard_runs_once(write: Write) -> None:
    write({"a.py": NESTED + HAZARD, "script.py": CALL})
    assert python("script.py").stdout == SAID


def test_standard_input_command_and_prompt_can_call_it(write: Write) -> None:
    write({"a.py": NESTED + HAZARD})
    assert python("-", stdin=CALL).stdout == SAID
    assert python("-c", CALL).stdout == SAID
    assert python("-i", "-q", stdin=CALL).stdout == SAID


def test_a_main_module_that_is_no_file_can_call_it(write: Write) -> None:
    # as in a notebook, where the main module has neither a specification nor a file
    write({"a.py": NESTED + HAZARD})
    notebook = f"import sys, types; sys.modules['__main__'] = types.ModuleType('__main__'); exec({CALL!r}, vars(sys.modules['__main__']))"
    assert python("-c", notebook).stdout == SAID


def test_a_death_of_the_parser_costs_one_file_wherever_it_is_called(write: Write) -> None:
    write({"a.py": NESTED + HAZARD, "deadly.py": DEADLY, "script.py": CALL})
    run = python("script.py")
    assert run.stdout.startswith("main\n[('LCK101', 10)] ")
    assert run.stdout.count("Failure(what=") == run.stdout.count("Failure(what='deadly.py'") == 1
    assert run.stdout.count("main\n") == 1


def test_a_tree_that_is_the_current_folder_gives_no_module_to_workers(write: Write) -> None:
    planted = "print('executed')\n"
    names = ("msgspec", "libcst", "tokenize", "lockcheck/__init__", "sitecustomize_", "yaml")
    write({"a.py": NESTED + HAZARD, **{f"{name}.py": planted for name in names}})
    call = f"import sys; sys.path.remove('') if '' in sys.path else None; sys.path.insert(0, {str(ROOT)!r})\n"
    call += "import lockcheck, msgspec, tokenize; import libcst; sys.path.insert(0, '')\n"
    call += "print([finding.code for finding in lockcheck.check('a.py').findings])"
    run = python("-c", call)
    assert run.stdout == "['LCK101']\n"


def test_threads_can_call_it_at_the_same_time(write: Write) -> None:
    write({"a.py": HAZARD, "b.py": HAZARD})
    limit = sys.getrecursionlimit()
    reports: list[lockcheck.Report] = []
    threads = [threading.Thread(target=lambda: reports.append(lockcheck.check("."))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [lockcheck.check(".")] * 4
    assert sys.getrecursionlimit() == limit
