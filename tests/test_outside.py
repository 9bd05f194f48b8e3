"""Second opinions: what astroid alone can tell, what it is never allowed to do, and how much of it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import lockcheck.analysis.link.inference as inference
import lockcheck.analysis.link.outside as questions
from lockcheck.app.outside import find_in
from lockcheck.app.pipeline import check
from lockcheck.app.project import locate
from lockcheck.app.run import Options, Outcome
from lockcheck.model.findings import Count
from tests.conftest import HAZARD, Lockcheck, Write

ROOM = """\
import threading
import time

LOCK = threading.Lock()


class Slow:
    def work(self):
        time.sleep(5)


class Quick:
    def work(self):
        return 1


"""
"""A lock, and two classes of which one blocks; what follows begins in row 17."""

VENDOR: Mapping[str, str | bytes] = {
    "site/vendor/__init__.py": "from vendor.threads import Worker\n",
    "site/vendor/threads.py": """\
import threading


class Worker(threading.Thread):
    def greet(self):
        return self.name


class Lazy(Worker):
    def join(self, timeout=None):
        return None


def start():
    return Worker()
""",
    "src/pool.py": """\
import threading

from vendor import Worker
from vendor.threads import Lazy, start


class Mine(Worker):
    def run(self):
        pass


class Idle(Lazy):
    def run(self):
        pass


class Pool:
    def __init__(self):
        self._lock = threading.Lock()
        self._mine = Mine()
        self._idle = Idle()

    def inherited(self):
        with self._lock:
            self._mine.join()  # 25

    def overridden(self):
        with self._lock:
            self._idle.join()

    def returned(self):
        worker = start()
        with self._lock:
            worker.join()  # 34
""",
}
"""A package in a folder of its own, and a program whose threads derive from it."""

TRAP = """\
import pathlib
pathlib.Path({marker!r}).write_text(__name__)
raise SystemExit(__name__)
"""


def run(root: Path) -> Outcome:
    outcome = check(locate([str(root)], here=str(root)), Options())
    assert outcome.report.failures == ()
    return outcome


def rows(outcome: Outcome) -> list[int]:
    return [finding.place.span.row for finding in outcome.report.findings]


@pytest.mark.parametrize(
    "thing",
    [
        "dict(slow=Slow())['slow']",
        "[Quick(), Slow()][1:][0]",
        "type('Made', (Slow,), {})()",
        "type('Made', (Slow,), {'play': 1})()",
    ],
)
def test_astroid_tells_what_an_object_is(write: Write, thing: str) -> None:
    root = write({"a.py": ROOM + f"def f():\n    thing = {thing}\n    with LOCK:\n        thing.work()\n"})
    outcome = run(root)
    assert rows(outcome) == [20]
    assert outcome.inference.asked == outcome.inference.answered == outcome.inference.decided == 1


@pytest.mark.parametrize(
    "thing",
    [
        "dict(slow=Slow(), quick=Quick())[name]",
        "dict(quick=Quick())['quick']",
        "type('Made', (Slow,), {'work': lambda self: 1})()",
        "dict(slow=None)['slow']",
        "dict(slow=name)['slow']",
    ],
)
def test_nothing_is_guessed(write: Write, thing: str) -> None:
    root = write({"a.py": ROOM + f"def f(name):\n    thing = {thing}\n    with LOCK:\n        thing.work()\n"})
    assert rows(run(root)) == []


def test_what_is_entered_is_asked_too(write: Write) -> None:
    body = """\
class Scope:
    def __enter__(self):
        time.sleep(1)

    def __exit__(self, *args):
        pass


def f():
    scope = dict(one=Scope())["one"]
    with LOCK:
        with scope:
            pass
"""
    outcome = run(write({"a.py": ROOM + body}))
    assert rows(outcome) == [28]
    assert outcome.inference.decided == 1


def test_positions_are_found_behind_wide_characters(write: Write) -> None:
    line = "def f():\n    thing = dict(slow=Slow())['slow']\n    with LOCK: 'äöü€𝄞'; thing.work()\n"
    assert rows(run(write({"a.py": ROOM + line}))) == [19]


def test_answers_stay_where_they_were_asked_for(write: Write) -> None:
    """A function that gives back the object is not known to, since whoever asks about it gets the program's answer."""
    body = "def f():\n    thing = dict(slow=Slow())['slow']\n    with LOCK:\n        thing.work()\n    thing.work()\n"
    assert rows(run(write({"a.py": ROOM + body}))) == [20]


def test_bases_come_from_the_python_path(write: Write) -> None:
    root = write({**VENDOR, "lockcheck.toml": 'python-path = ["site"]\nexclude = ["site"]\n'})
    outcome = run(root)
    assert [finding.code for finding in outcome.report.findings] == ["LCK203", "LCK203"]
    assert rows(outcome) == [25, 34]
    assert outcome.inference.decided == 2


def test_without_a_python_path_bases_stay_unknown(write: Write) -> None:
    root = write({**VENDOR, "lockcheck.toml": 'exclude = ["site"]\n'})
    outcome = run(root)
    assert rows(outcome) == []
    assert outcome.inference == Count()


def test_python_path_is_an_option_too(write: Write, lockcheck: Lockcheck) -> None:
    write(VENDOR)
    assert lockcheck("src").status == 0
    assert lockcheck("--python-path", "site", "src").status == 1


def test_python_path_is_relative_to_the_configuration(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({**VENDOR, "lockcheck.toml": 'python-path = ["site"]\nexclude = ["site"]\n'})
    monkeypatch.chdir(root / "src")
    assert lockcheck(".").status == 1


def test_folders_are_searched_as_python_does(tmp_path: Path) -> None:
    for name in ("one/both/__init__.py", "one/both.py", "two/both.py", "two/single.py", "two/space/inner.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}")
    (tmp_path / "one" / "broken.py").write_bytes(b"\xff")
    find = find_in([str(tmp_path / "missing"), str(tmp_path / "one"), str(tmp_path / "two")])
    found = {name: find(name) for name in ("both", "single", "space", "space.inner", "broken", "none", "", "..etc")}
    texts = {name: source.text for name, source in found.items() if source is not None}
    assert texts == {
        "both": "# one/both/__init__.py",
        "single": "# two/single.py",
        "space": "",
        "space.inner": "# two/space/inner.py",
    }


def test_nothing_analysed_is_imported_or_run(write: Write, tmp_path: Path) -> None:
    """Not by astroid's import machinery, nor by its plug-ins, with the analysed folder on `sys.path` on top of it."""
    marker = tmp_path / "ran"
    trap = TRAP.format(marker=str(marker))
    names = ("gi", "numpy", "trapped", "attrs_trap", "six", "site/vendor/trapped", "site/site_trap")
    imports = "".join(f"import {name}\n" for name in ("gi", "numpy", "trapped", "site_trap", "vendor.trapped", "six"))
    body = """\
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
from trapped import *
from site_trap import factory


class Odd(trapped.Base, vendor.trapped.Base):
    pass


def f():
    things = [Odd(), dict(a=trapped.make())["a"], factory(), numpy.array([1]), Gtk.Window(), dict(slow=Slow())["slow"]]
    for index in range(5):
        with LOCK:
            things[index].work()
            things[index].join()
            dict(a=Odd())["a"].join()
            dict(a=trapped.make())["a"].join()
            dict(slow=Slow())["slow"].work()
            with dict(a=factory())["a"]:
                pass
"""
    root = write(
        {
            **{f"{name}.py": trap for name in names},
            "site/vendor/__init__.py": trap,
            "a.py": imports + ROOM + body,
            "lockcheck.toml": 'python-path = ["site"]\nextend-exclude = ["site"]\nselect = ["ALL"]\n',
        }
    )
    script = """\
import json, sys
sys.path.insert(0, '.')
path = list(sys.path)
from lockcheck.app.pipeline import check
from lockcheck.app.run import Options
from lockcheck.app.project import locate
outcome = check(locate(["."], here=sys.argv[1]), Options())
ours = {"gi", "numpy", "trapped", "attrs_trap", "vendor", "site_trap", "six", "a"}
counts = outcome.inference
said = [f.message for f in outcome.report.failures]
gained = sorted(ours & set(sys.modules))
print(json.dumps([counts.asked, counts.answered, gained, sys.path == path, said, "astroid" in sys.modules]))
"""
    asked, answered, gained, same, failures, used = json.loads(_python(script, root))
    assert asked >= 4
    assert answered >= 2
    assert (gained, same, failures, used) == ([], True, [], True)
    assert not marker.exists()


@pytest.mark.parametrize(("text", "used"), [(HAZARD, False), (ROOM, False)])
def test_a_run_that_asks_nothing_does_not_import_astroid(write: Write, text: str, used: bool) -> None:
    root = write({"a.py": text})
    script = """\
import sys
from lockcheck.app.pipeline import check
from lockcheck.app.run import Options
from lockcheck.app.project import locate
check(locate(["."], here=sys.argv[1]), Options())
print("astroid" in sys.modules)
"""
    assert _python(script, root).strip() == str(used)


def test_astroid_is_left_as_it_was_found(write: Write) -> None:
    from astroid.manager import AstroidManager

    resolve, state = AstroidManager.ast_from_module_name, dict(AstroidManager.brain)
    root = write({"a.py": ROOM + "def f():\n    with LOCK:\n        dict(slow=Slow())['slow'].work()\n"})
    assert rows(run(root)) == [19]
    assert AstroidManager.ast_from_module_name is resolve
    assert {key: value for key, value in AstroidManager.brain.items() if value is not state[key]} == {}
    assert "a" not in AstroidManager().astroid_cache
    assert AstroidManager().builtins_module.name == "builtins"


def test_questions_are_limited_in_number(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MAX_QUESTIONS", 3)
    body = "def f():\n    with LOCK:\n" + "        dict(slow=Slow())['slow'].work()\n" * 7
    count = run(write({"a.py": ROOM + body})).inference
    assert (count.asked, count.answered, count.refused) == (3, 3, 4)


@pytest.mark.parametrize("limit", ["MAX_TEXT", "MAX_TEXTS"])
def test_long_modules_are_left_alone(write: Write, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(inference, limit, 100)
    outcome = run(write({"a.py": ROOM + "def f():\n    with LOCK:\n        dict(slow=Slow())['slow'].work()\n"}))
    assert rows(outcome) == []
    assert (outcome.inference.asked, outcome.inference.answered, outcome.inference.characters) == (1, 0, 0)


def test_trees_that_are_let_go_between_questions_change_no_answer(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "import vendor\n\n\ndef f():\n    with LOCK:\n" + "        dict(slow=Slow())['slow'].work()\n" * 2
    root = write({**{f"m{n}.py": ROOM + body for n in range(2)}, **VENDOR})
    kept = run(root)
    monkeypatch.setattr(inference, "MAX_TREES", 0)
    let_go = run(root)
    assert let_go.report == kept.report
    assert let_go.inference == kept.inference
    assert (kept.inference.answered, kept.inference.decided) == (4, 2)


def test_errors_of_astroid_are_unknown_and_counted(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from astroid import nodes

    def infer(*_: object, **__: object) -> object:
        raise RecursionError

    monkeypatch.setattr(nodes.Subscript, "infer", infer)
    outcome = run(write({"a.py": ROOM + "def f():\n    with LOCK:\n        dict(slow=Slow())['slow'].work()\n"}))
    assert rows(outcome) == []
    assert outcome.inference.failed == 1


def test_the_same_program_gets_the_same_answers(write: Write) -> None:
    body = "def f(flag):\n    things = [Slow(), Quick()]\n    with LOCK:\n"
    body += "".join(f"        dict(a=things[{n % 2}], b=Slow())['{'ab'[n % 3 % 2]}'].work()\n" for n in range(12))
    files: dict[str, str | bytes] = {f"m{n}.py": ROOM + body for n in range(3)}
    root = write({**files, **VENDOR, "lockcheck.toml": 'python-path = ["site"]\nexclude = ["site"]\n'})
    first, again = run(root), run(root)
    assert first.report == again.report
    assert first.inference == again.inference
    arguments = "['--no-cache', '--output-format=json', '.']"
    script = f"from lockcheck.ui.cli import main; main({arguments})"
    assert _python(script, root, "0") == _python(script, root, "7")


@pytest.mark.parametrize("shared", [False, True])
def test_what_a_program_says_of_the_builtins_is_told_to_nobody(write: Write, shared: bool) -> None:
    """An exception that is given an attribute, a built-in class and a built-in function: astroid would note that at them."""
    gives = "error = ValueError()\nerror.thing = Slow()\nOSError.thing = Slow()\nprint.thing = Slow()\n\n\n"
    objects = ("ValueError()", "OSError", "print")
    asks = "def f():\n    with LOCK:\n" + "".join(f"        dict(a={each}.thing)['a'].work()\n" for each in objects)
    root = write({"one/a.py": ROOM + gives + asks, "two/a.py": ROOM + asks})
    script = f"""\
import json, sys
if {shared}:
    import astroid
from lockcheck.app.pipeline import check
from lockcheck.app.project import locate
from lockcheck.app.run import Options
found = [check(locate(["."], here=sys.argv[1] + "/" + name), Options()) for name in ("two", "one", "two", "one", "two")]
print(json.dumps([[len(each.report.findings), each.inference.asked] for each in found]))
"""
    for name in ("one", "two"):
        (root / name / "lockcheck.toml").write_text("", "utf-8")
    script = script.replace("[name]", '["."]')
    (without, asked), (given, _), *rest = json.loads(_python(script, root))
    assert (without, asked) == (0, 3)
    assert given == 0  # who looks at them would know it, and nobody else
    assert rest == [[without, asked], [given, asked], [without, asked]]


def _python(script: str, here: Path, seed: str = "0") -> str:
    package = Path(questions.__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(package), "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(here)], cwd=here, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.stderr == ""
    return ran.stdout
