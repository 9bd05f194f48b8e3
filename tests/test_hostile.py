"""Programs that nobody writes: each ends soon, is told of where it was cut short, and costs no finding of its neighbour.

None of these is timed. Before they were mended, the chains and the tangle ran for minutes: what is wrong here hangs.
"""

from __future__ import annotations

import pytest

from tests.conftest import HAZARD, Lockcheck, Write

ONE_LOCK = "import threading\n\nlock = threading.Lock()\n\n\n"


def tangle(locks: int) -> str:
    """Locks that are nested in every order, through calls too."""
    names = "".join(f"l{i} = threading.Lock()\n" for i in range(locks))
    return f"import threading\n\n{names}" + "".join(
        f"def f{i}():\n    with l{i}:\n        with l{(i * 7 + 3) % locks}:\n"
        f"            with l{(i * 13 + 5) % locks}:\n                f{(i * 3 + 1) % locks}()\n"
        for i in range(locks)
    )


def mutual(functions: int) -> str:
    """Functions that all call one another, round many circles."""
    return ONE_LOCK + "".join(
        f"def f{i}(x):\n    f{(i * 7 + 1) % functions}(x)\n    f{(i * 11 + 5) % functions}(x)\n    with lock:\n        pass\n"
        for i in range(functions)
    )


def chained(classes: int) -> str:
    """A class, and classes each of which is derived from the one before."""
    first = (
        "class C0:\n    def f(self):\n        with lock:\n            self.g()\n    def g(self):\n        with lock:\n"
    )
    return f"{ONE_LOCK}{first}            pass\n" + "".join(f"class C{i}(C{i - 1}): pass\n" for i in range(1, classes))


def diamonds(count: int) -> str:
    return "class D0: pass\n" + "".join(
        f"class L{i}(D{i - 1}): pass\nclass R{i}(D{i - 1}): pass\nclass D{i}(L{i}, R{i}): pass\n"
        for i in range(1, count)
    )


def blocks(depth: int) -> str:
    inner = "".join(f"{' ' * (i + 1)}if x:\n" for i in range(depth))
    return f"{ONE_LOCK}def f(x):\n{inner}{' ' * (depth + 1)}with lock:\n{' ' * (depth + 2)}pass\n"


def decorators(count: int) -> str:
    """Decorators each of which hands its function on to any of the others, and a function that all of them decorate."""
    others = "".join(f"    if x == {i}:\n        return d{i}(f)\n" for i in range(count))
    made = "    def wrapper():\n        with lock:\n            f()\n    return wrapper\n"
    uses = "".join(f"@d{i}\n" for i in range(count))
    return ONE_LOCK + "".join(f"def d{i}(f):\n{others}{made}" for i in range(count)) + f"{uses}def g():\n    pass\n"


@pytest.mark.once
@pytest.mark.parametrize(
    "program",
    [
        decorators(30),
        tangle(300),
        mutual(1_500),
        chained(1_500),
        diamonds(60),
        blocks(95),
        f"{ONE_LOCK}def f(x):\n    with lock:\n        x{'.b()' * 5_000}\n",
        f"{ONE_LOCK}def f(x):\n    with lock:\n        return {' + '.join(['x'] * 5_000)}\n",
        f"{ONE_LOCK}def f(x):\n    with lock:\n        x{'[0]' * 3_000}\n",
        f"{ONE_LOCK}def f(x):\n    with lock:\n        if x == 0:\n            pass\n"
        + "".join(f"        elif x == {i}:\n            pass\n" for i in range(3_000)),
        f"{ONE_LOCK}TABLE = {{{', '.join(f'{i}: {i}' for i in range(20_000))}}}\n",
        f"{ONE_LOCK}def f(x):\n    with lock:\n" + "        x(1)\n" * 10_000,
        f"{ONE_LOCK}\f\n# \u2028\x85\ndef größe():\n    with lock:\n\tpass\n",
        "class A(A): pass\nclass X(Y): pass\nclass Y(Z): pass\nclass Z(X): pass\n",
        'print "x"\n',
        f"{ONE_LOCK}def f(:\n",
        f"{ONE_LOCK}x = '''\n",
        "\0",
    ],
    ids=[
        "decorators",
        "a tangle of locks",
        "mutual recursion",
        "a long line of classes",
        "diamonds",
        "blocks",
        "chained calls",
        "a sum",
        "subscripts",
        "elif",
        "a table",
        "many statements",
        "odd white space",
        "classes in a circle",
        "Python 2",
        "unfinished",
        "an open string",
        "nothing but a nul",
    ],
)
def test_a_hostile_file_costs_no_finding_of_another(write: Write, lockcheck: Lockcheck, program: str) -> None:
    write({"hostile.py": program, "good.py": HAZARD})
    run = lockcheck("--no-cache", "--output-format", "concise", ".")
    assert "good.py:9:9: LCK101 " in run.out
    assert "internal error" not in run.err
    assert run.status == (2 if run.err else 1)
    assert all(line.startswith("lockcheck: hostile.py: ") for line in run.err.splitlines())


def test_modules_that_import_each_other_are_read(write: Write, lockcheck: Lockcheck) -> None:
    write(
        {
            "pkg/__init__.py": "from pkg.a import *\nfrom .b import *\n",
            "pkg/a.py": "from pkg.b import LOCK, Base\n\nclass A(Base):\n    def f(self):\n        with LOCK:\n            with LOCK:\n"
            "                pass\n",
            "pkg/b.py": "import threading\nfrom pkg.a import A\n\nLOCK = threading.Lock()\n\nclass Base(A): pass\n",
            "pkg/c.py": "from pkg.d import x\n",
            "pkg/d.py": "from pkg.c import x\nfrom pkg.d import *\n",
        }
    )
    run = lockcheck("--no-cache", "--output-format", "concise", ".")
    assert "pkg/a.py:6:18: LCK501 " in run.out
    assert (run.status, run.err) == (1, "")


@pytest.mark.once
def test_a_tangle_that_is_too_large_to_count_says_so(write: Write, lockcheck: Lockcheck) -> None:
    write({"tangle.py": tangle(300)})
    run = lockcheck("--no-cache", "--select", "LCK301", "--output-format", "concise", ".")
    assert len(run.out.splitlines()) == 10
    assert all(
        "more cycles of these locks are not shown: there were too many to count" in r for r in run.out.splitlines()
    )
