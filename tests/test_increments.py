"""After an edit, a run that goes by the last one finds what one finds that knows nothing, function by function."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lockcheck.app.cache import Cache
from tests.cases import Case, all_cases
from tests.increments.compare import Compared, compared, find, write

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


TOLD = {
    "k.py": "class Tool:\n    def make(self, fut=None):\n        pass\n",
    "f.py": """\
import threading
from concurrent.futures import Future
from k import Tool

L = threading.Lock()


class Job:
    def __init__(self):
        self.fut = Future()

    def register(self):
        tool = type("T", (Tool,), {})()
        with L:
            self.fut.add_done_callback(tool.make())
""",
    "g.py": """\
import threading
from f import Job

M = threading.Lock()
J = Job()


def finish():
    with M:
        J.fut.set_result(1)
""",
}
"""What astroid is asked while one function is followed, others go by when all have been followed."""


SET_ELSEWHERE = {
    "a.py": "import time\n\n\nclass Slow:\n    def work(self):\n        time.sleep(5)\n\n\nclass C:\n    pass\n",
    "b.py": "from a import C, Slow\n\nc = C()\nc.helper = Slow()\n\n\nclass Thing:\n    def work(self):\n        pass\n",
    "b2.py": """\
import threading
import b
L = threading.Lock()


def p():
    with L:
        dict(x=b.Thing())["x"].work()
""",
    "m.py": "import threading\nfrom a import C\nL = threading.Lock()\n\n\ndef m():\n    pass\n",
}
"""What astroid is told of an object by another module, which it may have looked at or not."""


def circle(size: int) -> dict[str, str]:
    """As many functions that call each other in a circle, each under a lock of its own."""
    text = (
        "import threading\nimport m{next:03}\nM = threading.Lock()\n\n\ndef f():\n    with M:\n        m{next:03}.f()\n"
    )
    return {f"m{number:03}.py": text.format(next=(number + 1) % size) for number in range(size)}


CHAIN = {
    "t.py": "class Box:\n    def go(self):\n        pass\n\n\nBOX = Box()\n\n\ndef g000():\n    return BOX\n"
    + "".join(f"\n\ndef g{number:03}():\n    return g{number - 1:03}()\n" for number in range(1, 180)),
    "z.py": "import threading\nimport t\n\nL = threading.Lock()\n\n\ndef z():\n    with L:\n        t.g090().go()\n",
    "a.py": "import t\n",
}
LONGER = "import t\n\n\ndef h00():\n    return t.g179()\n" + "".join(
    f"\n\ndef h{number:02}():\n    return h{number - 1:02}()\n" for number in range(1, 21)
)


@pytest.mark.parametrize(
    ("files", "name", "text"),
    [
        (TOLD, "g.py", f"X = 1\n{TOLD['g.py']}"),
        *((circle(size), f"m{size // 2:03}.py", f"X = 1\n{circle(size)[f'm{size // 2:03}.py']}") for size in (61, 200)),
        (
            CHAIN,
            "a.py",
            f"{LONGER}\n\nimport threading\nA = threading.Lock()\n\n\ndef a():\n    with A:\n        h20().go()\n",
        ),
        (
            SET_ELSEWHERE,
            "m.py",
            SET_ELSEWHERE["m.py"].replace("pass", 'with L:\n        dict(s=C().helper)["s"].work()'),
        ),
    ],
    ids=["told by another", "a circle", "a circle that is too large", "a chain that is too long", "set elsewhere"],
)
def test_where_a_program_is_begun_with_does_not_matter(
    tmp_path: Path, files: dict[str, str], name: str, text: str
) -> None:
    root, folder = tmp_path / "program", tmp_path / "cache"
    write(files, {}, root)
    find(root, Cache(folder, str(root)))
    write({**files, name: text}, files, root)
    kept, anew = find(root, Cache(folder, str(root))), find(root, None)
    assert kept.failures == anew.failures == ()
    assert (kept.results, kept.findings) == (anew.results, anew.findings)


MOVED = {
    "tool.py": "import threading\n\n\nclass Tool:\n    LIMIT = max(1, 2)\n\n"
    "    def __init__(self, size=max(1, 2)):\n        self._lock = threading.Lock()\n        self.next = []\n\n"
    "    def work(self):\n        with self._lock:\n            self.rest()\n\n    def rest(self):\n        self.next.append(1)\n",
    "use.py": "import threading\nfrom tool import Tool\n\nLOCK = threading.Lock()\nTOOL = Tool()\n\n\n"
    "def use():\n    with LOCK:\n        TOOL.work()\n\n\ndef other():\n    with TOOL._lock:\n        use()\n",
}


@pytest.mark.parametrize(("name", "modules"), [("tool.py", 0), ("use.py", 1)])
def test_who_goes_by_what_has_only_moved_is_not_followed_anew(tmp_path: Path, name: str, modules: int) -> None:
    root, folder = tmp_path / "program", tmp_path / "cache"
    write(MOVED, {}, root)
    find(root, Cache(folder, str(root)))
    write({**MOVED, name: f"# a comment\n\n{MOVED[name]}"}, MOVED, root)
    kept, anew = find(root, Cache(folder, str(root))), find(root, None)
    assert (kept.results, kept.findings, kept.failures) == (anew.results, anew.findings, ())
    assert kept.followed == modules < anew.followed


BLOCKS = {
    "a.py": "from b import give, take\n\n\ndef run(x):\n    take()\n    if {test}:\n        give()\n",
    "b.py": "import threading\n\nL = threading.Lock()\n\n\ndef take():\n    L.acquire()\n\n\ndef give():\n    L.release()\n",
    "c.py": "import time\nfrom a import run\n\n\ndef both(x):\n    run(x)\n    time.sleep(1)\n",
}


@pytest.mark.parametrize(("before", "after"), [("xxxx", "True"), ("True", "xxxx")])
def test_the_structure_of_a_function_alone_is_reason_to_follow_it_anew(tmp_path: Path, before: str, after: str) -> None:
    root, folder = tmp_path / "program", tmp_path / "cache"
    one, other = ({**BLOCKS, "a.py": BLOCKS["a.py"].replace("{test}", test)} for test in (before, after))
    write(one, {}, root)
    first = find(root, Cache(folder, str(root)))
    write(other, one, root)
    kept, anew = find(root, Cache(folder, str(root))), find(root, None)
    assert (kept.results, kept.findings, kept.failures) == (anew.results, anew.findings, ())
    assert first.results != anew.results
