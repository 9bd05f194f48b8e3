"""Whatever stands in a configuration or is kept in a cache: it is obeyed, refused in one line, or made anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lockcheck.app.store import DIGEST, digest
from lockcheck.app.table import KEYS
from tests.conftest import HAZARD, Lockcheck, Run, Write

pytestmark = pytest.mark.once

some = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
few = settings(some, max_examples=25)

odd_words = st.sampled_from(
    [
        *("", " ", ".", "..", "/", "~", "~nobody-here", "~nobody-here/x", "../../..", "\0", "a\0b", "\x1b[31mred", "a\nb", "\r", "\u2028", "\u202e"),
        *("LCK1", "LCK999", "ALL", "all", "lck101", "thread-lock-across-await", "E501", "py311", "py3", "py" + "9" * 5_000, "3.11"),
        *("**", "***", "*" * 50, "[", "[]", "[!]", "[z-a]", "!", "!!", "\\", "a\\", "**/" * 20, "(a+)+$", "(?P<", "{a,b}", "a/**/b", "./", "//"),
        *("threading.Lock", "a.b", "a..b", "a.b.", "é.ö", "timeout@1=5", "timeout@", f"t@{'9' * 5_000}", f"t=1{'0' * 400}", "t=" + "1" * 5_000),
        *("low", "HIGH", "json", "full", "network", "x" * 10_000, "lockcheck.toml", "pyproject.toml", ">=3." + "9" * 5_000),
    ]
)  # fmt: skip
scalars = (
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | odd_words
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_words | st.text("abLCK.1", max_size=5), inner, max_size=3), max_leaves=6
)  # fmt: skip
fitting = st.lists(odd_words, max_size=3) | st.dictionaries(
    odd_words, odd_words | st.lists(odd_words, max_size=2), max_size=2
)
tables = st.dictionaries(st.sampled_from(KEYS), fitting | odd_words | values, min_size=1, max_size=3)


def toml(value: object) -> str:
    """A value as it stands behind a `=`."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
        case int():
            return str(value)
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
        case _:
            return json.dumps(value)


def obeyed_or_refused(run: Run, file: Path) -> None:
    """Either there is a report, or each complaint is a line that begins with the file."""
    assert "internal error" not in run.err
    assert run.status in (0, 1, 2)
    assert (run.status == 2) == bool(run.err)
    for line in run.err.splitlines():
        assert line.startswith(f"lockcheck: {file}: ")
        assert line.isprintable()


@pytest.fixture
def configured(write: Write, lockcheck: Lockcheck) -> Callable[[str | bytes], Run]:
    root = write({"a.py": HAZARD, "pkg/__init__.py": "", "pkg/b.py": "import a\n"})

    def run(content: str | bytes) -> Run:
        file = root / "lockcheck.toml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = lockcheck("--no-cache", "--output-format", "concise", "--quiet", "--diff", ".")
        obeyed_or_refused(found, file)
        assert sorted(each.name for each in root.iterdir()) == ["a.py", "lockcheck.toml", "pkg"]
        return found

    return run


@pytest.mark.once
@some
@given(tables)
@example({"extend": "~nobody-here/x"})
@example({"target-version": "py1" + "9" * 5_000})
@example({"\x1b[31m": 1})
@example({"select": ["\x1b[31m\n"]})
@example({"timeouts": {"a.b": f"t@{'9' * 5_000}"}})
@example({"python-path": ["\0"], "src": ["\0"], "per-file-ignores": {"\0": ["ALL"]}, "exclude": ["\0"]})
@example({"library": {"lock": 5}})
def test_a_configuration_is_obeyed_or_refused_in_a_line(
    configured: Callable[[str | bytes], Run], table: dict[str, Any]
) -> None:
    configured("".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in table.items()))


WRITTEN = b"""\
select = ["LCK1", "LCK602"]  # some
extend-exclude = ['build/', "*.gen.py"]
default-timeout = 1.5e1
lock-order = [["a.LOCK", "a.OTHER"]]
[per-file-ignores]
"tests/*" = ["ALL"]
[locks]
"a.Mutex" = "threading.Lock"
[[library.lock]]
name = "x"
"""


@pytest.mark.once
@some
@given(
    st.integers(0, len(WRITTEN)),
    st.integers(0, 40),
    st.binary(max_size=6) | st.sampled_from([b"[" * 20_000, b"\xff", b'"""', b"9" * 5_000]),
)
@example(0, 0, b"x = " + b"[" * 100_000)
@example(0, 0, b"x = " + b"{a=" * 100_000)
@example(0, 0, b".".join([b"a"] * 100_000) + b" = 1\n")
def test_a_damaged_configuration_is_obeyed_or_refused_in_a_line(
    configured: Callable[[str | bytes], Run], at: int, gone: int, put: bytes
) -> None:
    configured(WRITTEN[:at] + put + WRITTEN[at + gone :])


@pytest.mark.parametrize("words", [">=3." + "9" * 5_000, ">=" + "9" * 5_000, "~=\x1b[31m", "\0", ">=3.11"])
def test_what_a_project_requires_is_obeyed_or_passed_over(write: Write, lockcheck: Lockcheck, words: str) -> None:
    write({"a.py": HAZARD, "pyproject.toml": f"[project]\nrequires-python = {json.dumps(words)}\n"})
    run = lockcheck("--no-cache", ".")
    assert (run.status, run.err) == (1, "")


numbers = st.integers(0, 2**20)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A way to damage some bytes."""
    kind = draw(st.sampled_from(["cut", "flip", "splice", "swap", "type"]))
    one, other, put = draw(numbers), draw(numbers), draw(st.binary(min_size=1, max_size=9))

    def damaged(content: bytes) -> bytes:
        at, end = sorted((one % (len(content) + 1), other % (len(content) + 1)))
        match kind:
            case "cut":
                return content[:at]
            case "flip":
                return content[:at] + bytes([byte ^ (put[0] or 1) for byte in content[at : at + 1]]) + content[at + 1 :]
            case "splice":
                return content[:at] + put + content[end:]
            case "swap":
                return content[end:] + content[at:end] + content[:at]
            case _:
                return content[:at] + EXTREMES[one % len(EXTREMES)] + content[at + 1 :]

    return damaged


EXTREMES = [
    b"\xdd\xff\xff\xff\xff",  # an array of four thousand million values
    b"\xdf\xff\xff\xff\xff",  # a table of as many
    b"\xdb\xff\xff\xff\xff",  # a text
    b"\xc6\xff\xff\xff\xff",  # bytes
    b"\xc9\xff\xff\xff\xff\x01",  # a value of a type of somebody's own
    b"\xc7\x0c\xff" + b"\xff" * 12,  # a time that there is not
    b"\xc1",  # what is no value
    b"\xcf" + b"\xff" * 8,
    b"\xcb\x7f\xf8" + b"\0" * 6,
    b"\x91" * 50_000,
    b"\x81\xc4\x00" * 50_000,
]


class Stored:
    """A project, what is found in it, and what is kept of that."""

    def __init__(self, write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
        write({"a.py": HAZARD, "b.py": "from a import LOCK\n\n\ndef f():\n    with LOCK, LOCK:\n        pass\n"})
        self._lockcheck = lockcheck
        self._folder = tmp_path / "cache"
        self.right = lockcheck("--no-cache", "--output-format", "json", ".")
        assert len(self.right.findings) == 2
        self.again()
        self.files = {file.suffix: (file, file.read_bytes()) for file in self._folder.iterdir()}
        assert sorted(self.files) == [".facts", ".report", ".summaries"]

    def again(self) -> Run:
        return self._lockcheck("--cache-dir", self._folder, "--output-format", "json", ".")

    def put(self, kind: str, content: bytes) -> None:
        """Have this content of one kind, and of the others what is right; these are asked for where no report is."""
        for suffix, (file, right) in self.files.items():
            file.write_bytes(content if suffix == kind else right)
            if kind != ".report" and suffix == ".report":
                file.unlink()


@pytest.fixture
def stored(write: Write, lockcheck: Lockcheck, tmp_path: Path) -> Stored:
    return Stored(write, lockcheck, tmp_path)


@pytest.mark.once
@pytest.mark.parametrize("kind", [".facts", ".report", ".summaries"])
@few
@given(damaged=damages())
def test_a_damaged_store_changes_nothing(stored: Stored, kind: str, damaged: Callable[[bytes], bytes]) -> None:
    stored.put(kind, damaged(stored.files[kind][1]))
    assert stored.again() == stored.right
    assert stored.again() == stored.right


@pytest.mark.once
@few
@given(damaged=damages())
def test_damaged_facts_under_a_valid_digest_end_nothing(stored: Stored, damaged: Callable[[bytes], bytes]) -> None:
    """Who can write a digest can write facts: what they say may be wrong, but it breaks nothing."""
    content = stored.files[".facts"][1]
    head = content[: content.index(b"\n") + 1 + DIGEST]
    body = damaged(content[len(head) + DIGEST :])
    stored.put(".facts", head + digest(body) + body)
    run = stored.again()
    assert "internal error" not in run.err
    assert run.status in (0, 1)


@pytest.mark.once
@few
@given(damaged=damages())
def test_damaged_summaries_under_a_valid_digest_end_nothing(stored: Stored, damaged: Callable[[bytes], bytes]) -> None:
    """They are asked where something has changed."""
    content = stored.files[".summaries"][1]
    head = content[: content.index(b"\n") + 1 + 2 * DIGEST]
    body = damaged(content[len(head) + DIGEST :])
    stored.put(".summaries", head + digest(body) + body)
    run = stored.again()
    assert "internal error" not in run.err
    assert run.status in (0, 1)


@pytest.mark.once
@few
@given(damaged=damages())
def test_a_damaged_report_under_a_valid_digest_ends_nothing(stored: Stored, damaged: Callable[[bytes], bytes]) -> None:
    content = stored.files[".report"][1]
    head = content[: content.index(b"\n") + 1]
    body = damaged(content[len(head) + DIGEST :])
    stored.put(".report", head + digest(body) + body)
    run = stored.again()
    assert "internal error" not in run.err
    assert run.status in (0, 1, 2)


@pytest.mark.parametrize("extreme", EXTREMES, ids=range(len(EXTREMES)))
@pytest.mark.parametrize("kind", [".facts", ".report", ".summaries"])
def test_extremes_are_no_trouble(stored: Stored, kind: str, extreme: bytes) -> None:
    content = stored.files[kind][1]
    head = content[: content.index(b"\n") + 1 + {".facts": DIGEST, ".report": 0, ".summaries": 2 * DIGEST}[kind]]
    for body in (extreme, b"\x81\xc4\x01a" + extreme, b"\x81\xa5asked" + extreme):
        stored.put(kind, head + digest(body) + body)
        assert stored.again() == stored.right


def test_a_report_that_says_something_else_is_not_believed(stored: Stored) -> None:
    content = stored.files[".report"][1]
    assert b"LCK101" in content
    stored.put(".report", content.replace(b"LCK101", b"LCK199"))
    assert stored.again() == stored.right
    assert msgspec.msgpack.decode(content[content.index(b"\n") + 1 + DIGEST :])
