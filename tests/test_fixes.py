"""Fixes: what the documentation promises of them, and what must hold of every one."""

from __future__ import annotations

import ast
import io
import signal
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import msgspec
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from lockcheck.app.fixing import Fixed, fix, with_fixes
from lockcheck.app.pipeline import check
from lockcheck.app.project import Project
from lockcheck.app.run import Options, Outcome
from lockcheck.fixes.edits import apply
from lockcheck.fixes.nodes import children, walk
from lockcheck.fixes.tree import Tree
from lockcheck.model.source import Span
from lockcheck.rules.document import Example
from tests.cases import Case, all_cases, fix_cases, literate_documents, project, rule_documents, selected, write
from tests.catalogue import FIXES, SHOWN_TOO
from tests.conftest import Lockcheck, Write
from tests.mended import replayed

DOCUMENTED = [*rule_documents(), *((path.parent.name, document) for path, document in literate_documents())]
REPAIRED = [
    (code, bad, fixed)
    for code, document in DOCUMENTED
    for bad, fixed in document.repairs()
    if FIXES.get(code, ("display",)) != ("display",)
]
SHOWN = "fixes/shown.md"
"""Where the Fixed programs are what is proposed, and never made."""

LITERATE = list(fix_cases())
HAZARDOUS = [case for case in all_cases() if case.example.reports and "LCK900" not in case.origin]


def fixed(example: Example, select: tuple[str, ...], root: Path, *, unsafe: bool = True) -> Fixed:
    """Write a program and fix it, by files."""
    write(example, root)
    return fix(project(root, select), Options(), unsafe=unsafe)


def shown(configured: Project) -> Iterator[tuple[str, str, str]]:
    """For each fix that is only shown, and each file that it would change: the path, the text, and what it would be."""
    outcome = with_fixes(check(configured, Options()), configured)
    for finding in outcome.report.findings:
        edits = finding.fix.edits if finding.fix is not None and finding.fix.applicability == "display" else ()
        for path in {edit.place.path for edit in edits}:
            text = outcome.sources[path].text
            yield path, text, apply(text, [edit for edit in edits if edit.place.path == path])


def comments(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


@pytest.mark.parametrize(("code", "bad", "good"), REPAIRED, ids=[f"{code} {bad.title}" for code, bad, _ in REPAIRED])
def test_the_fix_makes_of_a_bad_program_the_fixed_one(code: str, bad: Example, good: Example, tmp_path: Path) -> None:
    root = tmp_path.resolve()
    texts = fixed(bad, selected(code), root).texts
    assert {file.name: texts.get(str(root / file.name), file.text) for file in bad.files} == {
        file.name: file.text for file in good.files
    }


@pytest.mark.parametrize(("case", "good"), LITERATE, ids=[case.name for case, _ in LITERATE])
def test_a_program_of_the_test_data_is_fixed_as_shown(case: Case, good: Example, tmp_path: Path) -> None:
    root = tmp_path.resolve()
    texts = fixed(case.example, case.select, root).texts
    if case.origin == SHOWN:
        assert not texts
        texts = {path: after for path, _, after in shown(project(root, case.select))}
    expected = {file.name: file.text for file in (*case.example.files, *good.files)}
    found = {file.name: file.text for file in case.example.files}
    assert {**found, **{Path(path).relative_to(root).as_posix(): text for path, text in texts.items()}} == expected


def test_every_rule_with_a_fix_shows_one() -> None:
    # LCK901 comes with the suppressions; the others show theirs in literate cases of their own
    shown = {code for code, _, _ in REPAIRED}
    assert {"LCK101", "LCK201", "LCK205", "LCK301", "LCK302", "LCK401", "LCK501", "LCK802"} <= shown


@pytest.mark.once
@pytest.mark.parametrize("case", HAZARDOUS, ids=[case.name for case in HAZARDOUS])
class TestProperties:
    """What holds of the fixes of every program that has something to be fixed."""

    def test_fixing_keeps_what_it_does_not_mean_to_change(self, case: Case, tmp_path: Path) -> None:
        root = tmp_path.resolve()
        done = fixed(case.example, case.select, root)
        for path, text in done.texts.items():
            ast.parse(text)
            # the fix of LCK901 is to take a comment away
            assert "LCK901" in case.select or not comments(done.before[path]) - comments(text)
            Path(path).write_text(text, "utf-8")
        again = fix(project(root, case.select), Options(), unsafe=True)
        assert not again.texts

    def test_a_fix_is_of_the_sort_that_the_catalogue_allows(self, case: Case, tmp_path: Path) -> None:
        root = tmp_path.resolve()
        write(case.example, root)
        configured = project(root, case.select)
        for finding in with_fixes(check(configured, Options()), configured).report.findings:
            promised = FIXES.get(finding.code, ())
            if finding.fix is None:
                assert "display" not in promised
            else:
                allowed = (*promised, "display") if finding.code in SHOWN_TOO else promised
                assert finding.fix.applicability in allowed
                assert finding.fix.edits or finding.fix.applicability == "display"

    def test_what_is_only_shown_would_be_a_program_too(self, case: Case, tmp_path: Path) -> None:
        root = tmp_path.resolve()
        write(case.example, root)
        for path, before, after in shown(project(root, case.select)):
            assert before != after, path
            ast.parse(after)

    def test_safe_fixes_leave_no_new_finding(self, case: Case, tmp_path: Path) -> None:
        root = tmp_path.resolve()
        write(case.example, root)
        configured = project(root, case.select)
        before = Counter(finding.code for finding in check(configured, Options()).report.findings)
        done = fix(configured, Options(), unsafe=False)
        after = Counter(finding.code for finding in done.outcome.report.findings)
        assert not after - before
        assert before.total() - after.total() >= len(done.made)
        for path, text in done.texts.items():
            lines = replayed(done.before[path], path, done.made)
            old = outside(ast.parse(done.before[path]), {line.row for line in lines})
            new = outside(ast.parse(text), {row for row, line in enumerate(lines, 1) if line.row})
            assert list(old) == list(new)


BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def outside(tree: ast.AST, kept: set[int]) -> Iterator[str]:
    """What stands in rows that are kept: whole statements, and the heads of those of which only a part is kept."""
    for name, value in ast.iter_fields(tree):
        for each in value if name in BLOCKS and isinstance(value, list) else ():
            first = min([each.lineno, *(decorator.lineno for decorator in getattr(each, "decorator_list", ()))])
            if kept.issuperset(range(first, each.end_lineno + 1)):
                yield ast.dump(each)
                continue
            body = next((block for name in BLOCKS if (block := getattr(each, name, None))), None)
            if isinstance(body, list) and kept.issuperset(range(first, body[0].lineno)):
                fields = ast.iter_fields(each)
                yield ast.dump(type(each)(**{name: [] if name in BLOCKS else value for name, value in fields}))
            yield from outside(each, kept)


PLAIN = """\
import threading
import queue

LOCK = threading.Lock()
ITEMS: "queue.Queue[int]" = queue.Queue(5)


def add(n: int) -> None:
    LOCK.acquire()  # short
    try:
        # one at a time
        print(n)
    finally:
        LOCK.release()
    LOCK.acquire()
    print(n)
    LOCK.release()
    ITEMS.put(n)
"""


def lines(text: str, *numbers: int) -> list[str]:
    return [text.split("\n")[number - 1] for number in numbers]


class TestCommand:
    """`lockcheck --fix` as a user meets it."""

    def test_fix_makes_what_is_safe_and_reports_the_rest(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH})
        run = lockcheck("--fix", "a.py", "--output-format", "concise")
        assert (root / "a.py").read_text() == WRONG_WITH.replace("    with LOCK", "    async with LOCK")
        assert run.status == 0
        assert run.out == ""
        assert "1 fixed (1 LCK602), 0 left" in run.err

    def test_what_is_unsafe_waits_to_be_asked_for(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": PLAIN})
        assert lockcheck("--fix", "a.py", "--select", "LCK401").status == 1
        assert (root / "a.py").read_text() == PLAIN
        assert lockcheck("--fix", "--unsafe-fixes", "a.py", "--select", "LCK401").status == 0
        assert (root / "a.py").read_text() == PLAIN.replace("put(n)", "put(n, timeout=30)")

    def test_the_configuration_names_the_timeout(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": PLAIN, "lockcheck.toml": "default-timeout = 2.5\nunsafe-fixes = true\n"})
        lockcheck("--fix", "a.py", "--select", "LCK401")
        assert "ITEMS.put(n, timeout=2.5)" in (root / "a.py").read_text()

    def test_diff_shows_and_writes_nothing(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH})
        run = lockcheck("--diff", "a.py")
        assert run.status == 1
        assert run.out.startswith("--- a.py\n+++ a.py\n@@ ")
        assert "\n-    with LOCK:\n+    async with LOCK:\n" in run.out
        assert (root / "a.py").read_text() == WRONG_WITH
        (root / "a.py").write_text("")
        assert lockcheck("--diff", "a.py") == (0, "", "")

    def test_fix_only_says_nothing_of_the_rest(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": WRONG_WITH + PLAIN})
        run = lockcheck("--fix-only", "a.py")
        assert (run.status, run.out) == (0, "")

    def test_exit_status_tells_of_fixes_on_request(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": WRONG_WITH})
        assert lockcheck("--fix", "--exit-non-zero-on-fix", "a.py").status == 1
        assert lockcheck("--fix", "--exit-non-zero-on-fix", "a.py").status == 0

    def test_show_fixes_lists_them(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": WRONG_WITH})
        assert "a.py:7: LCK602 fixed: use `async with` for `LOCK`" in lockcheck("--fix", "--show-fixes", "a.py").err

    def test_the_standard_input_is_fixed_to_the_standard_output(
        self, write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write({"a.py": "old"})
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WRONG_WITH.encode())))
        run = lockcheck("--fix", "--stdin-filename", "a.py", "-")
        assert run.out == WRONG_WITH.replace("    with LOCK", "    async with LOCK")
        assert (root / "a.py").read_text() == "old"

    def test_a_line_with_a_comment_against_the_rule_is_left_alone(self, write: Write, lockcheck: Lockcheck) -> None:
        text = REENTRANT.replace("threading.Lock()", "threading.Lock()  # noqa: LCK501")
        root = write({"a.py": text})
        run = lockcheck("--fix", "--unsafe-fixes", "a.py", "--select", "LCK501")
        assert run.status == 1
        assert "LCK501 not fixed: a line that it would change has a `noqa` for this rule" in run.err
        assert (root / "a.py").read_text() == text

    def test_unfixable_rules_are_left_alone(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH, "lockcheck.toml": 'unfixable = ["LCK602"]\n'})
        assert lockcheck("--fix", "a.py").status == 1
        assert (root / "a.py").read_text() == WRONG_WITH

    def test_the_configuration_may_trust_and_distrust_fixes(self, write: Write, lockcheck: Lockcheck) -> None:
        config = 'extend-safe-fixes = ["LCK401"]\nextend-unsafe-fixes = ["LCK602"]\n'
        root = write({"a.py": WRONG_WITH, "b.py": PLAIN, "lockcheck.toml": config})
        lockcheck("--fix", ".", "--select", "LCK401,LCK602")
        assert (root / "a.py").read_text() == WRONG_WITH
        assert "timeout=30" in (root / "b.py").read_text()

    def test_the_more_specific_selector_says_what_may_be_fixed_and_how(
        self, write: Write, lockcheck: Lockcheck
    ) -> None:
        config = 'fixable = ["LCK602"]\nunfixable = ["ALL"]\n'
        root = write({"a.py": WRONG_WITH, "lockcheck.toml": config + 'extend-unsafe-fixes = ["LCK6"]\n'})
        run = lockcheck("--fix", "a.py")
        assert (root / "a.py").read_text() == WRONG_WITH
        assert run.out.endswith("1 finding in 1 file.\n1 fixable with `--fix --unsafe-fixes`.\n")
        (root / "lockcheck.toml").write_text(
            config + 'extend-unsafe-fixes = ["LCK6"]\nextend-safe-fixes = ["LCK602"]\n'
        )
        assert lockcheck("--fix", "a.py").status == 0

    def test_fixes_that_have_to_be_asked_for_are_counted(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": REENTRANT})
        asked = ("--select", "LCK501", "a.py")
        assert lockcheck("--diff", *asked) == (0, "", "nothing would be fixed; 1 could be with `--unsafe-fixes`\n")
        assert lockcheck("--fix-only", *asked) == (0, "", "nothing fixed; 1 could be with `--unsafe-fixes`\n")
        assert lockcheck("--fix", *asked).out.endswith("1 fixable with `--fix --unsafe-fixes`.\n")

    def test_json_after_fixing_is_what_is_left(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH, "b.py": REENTRANT})
        run = lockcheck("--fix", ".", "--select", "LCK501,LCK602", "--output-format", "json")
        assert [finding["code"] for finding in run.findings] == ["LCK501"]
        assert "1 fixed (1 LCK602), 1 left, 1 of them fixable with `--unsafe-fixes`" in run.err
        assert "async with" in (root / "a.py").read_text()

    def test_files_that_were_not_asked_about_stay(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH, "b.py": WRONG_WITH, "lockcheck.toml": ""})
        lockcheck("--fix", "a.py")
        assert (root / "b.py").read_text() == WRONG_WITH

    def test_what_is_only_shown_is_shown_with_its_text_and_never_made(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": UNHELD, "lockcheck.toml": 'extend-safe-fixes = ["LCK606"]\n'})
        run = lockcheck("a.py")
        assert "  help: hold `READY` while it is done\n" in run.out
        assert "\n    -    READY.notify()\n    +    with READY:\n    +        READY.notify()\n" in run.out
        run = lockcheck("--fix", "--unsafe-fixes", "a.py", "--output-format", "json")
        assert (root / "a.py").read_text() == UNHELD
        [finding] = run.findings
        assert finding["fix"]["applicability"] == "display"
        assert [edit["content"] for edit in finding["fix"]["edits"]] == ["    with READY:\n        READY.notify()\n"]
        assert "help" not in lockcheck("a.py", "--output-format", "concise").out

    def test_advice_without_a_text_has_no_edits(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": UNHELD.replace("    READY.notify()", "    LOCK.release()\n\n\nLOCK = threading.Lock()")})
        [finding] = lockcheck("a.py", "--select", "LCK607", "--output-format", "json").findings
        assert finding["fix"] == {
            "applicability": "display",
            "message": "remove it, or take the lock on every way that leads here",
            "edits": [],
        }

    def test_no_text_is_proposed_for_a_rule_that_may_not_be_fixed(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": UNHELD, "lockcheck.toml": 'unfixable = ["LCK606"]\n'})
        [finding] = lockcheck("a.py", "--output-format", "json").findings
        assert finding["fix"]["message"] == "do it while `READY` is held"
        assert finding["fix"]["edits"] == []

    def test_json_tells_the_edits(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": WRONG_WITH})
        [finding] = lockcheck("a.py", "--output-format", "json").findings
        assert finding["fix"]["applicability"] == "safe"
        [edit] = finding["fix"]["edits"]
        assert (edit["content"], edit["location"], edit["end_location"]) == (
            "async ",
            {"row": 7, "column": 5},
            {"row": 7, "column": 5},
        )


WRONG_WITH = """\
import asyncio

LOCK = asyncio.Lock()


async def add(n: int) -> None:
    with LOCK:
        print(n)
"""

UNHELD = """\
import threading

READY = threading.Condition()


def tell() -> None:
    READY.notify()
"""

REENTRANT = """\
import threading


class Box:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def size(self) -> int:
        with self._lock:
            return 0

    def show(self) -> None:
        with self._lock:
            print(self.size())
"""


class TestWriting:
    """What is written is all that changes of a file."""

    @pytest.mark.parametrize(
        ("newline", "mark", "encoding"),
        [
            ("\n", b"", "utf-8"),
            ("\r\n", b"", "utf-8"),
            ("\r", b"", "utf-8"),
            ("\n", b"\xef\xbb\xbf", "utf-8"),
            ("\r\n", b"", "latin-1"),
        ],
    )
    def test_line_ends_mark_and_encoding_stay(
        self, write: Write, lockcheck: Lockcheck, newline: str, mark: bytes, encoding: str
    ) -> None:
        text = f"# -*- coding: {encoding} -*-\n# f\xfcr\n{WRONG_WITH}".replace("\n", newline)
        root = write({"a.py": mark + text.encode(encoding)})
        lockcheck("--fix", "a.py")
        changed = text.replace("    with LOCK", "    async with LOCK")
        assert (root / "a.py").read_bytes() == mark + changed.encode(encoding)

    def test_the_mode_stays(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH})
        (root / "a.py").chmod(0o751)
        lockcheck("--fix", "a.py")
        assert (root / "a.py").stat().st_mode & 0o777 == 0o751

    def test_a_link_is_not_written_through(self, write: Write, lockcheck: Lockcheck, tmp_path: Path) -> None:
        root = write({})
        (tmp_path / "real.py").write_text(WRONG_WITH)
        (root / "a.py").symlink_to(tmp_path / "real.py")
        run = lockcheck("--fix", "a.py")
        assert run.status == 2
        assert "a.py: not fixed: it is a link" in run.err
        assert (tmp_path / "real.py").read_text() == WRONG_WITH

    def test_ends_of_lines_that_differ_stay(self, write: Write, lockcheck: Lockcheck) -> None:
        rows = [row + end for row, end in zip(WRONG_WITH.splitlines(), ["\r\n", "\n", "\r"] * 3, strict=False)]
        text = "".join(rows) + "\x0c\r\nX = 1 # \xa0"
        root = write({"a.py": text.encode()})
        lockcheck("--fix", "a.py")
        assert (root / "a.py").read_bytes() == text.replace("    with LOCK", "    async with LOCK").encode()

    def test_ctrl_c_leaves_each_file_whole(
        self, write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write({"a.py": WRONG_WITH, "b.py": WRONG_WITH, "c.py": WRONG_WITH})
        synced: list[int] = []

        def sync(file: int) -> None:
            synced.append(file)
            if len(synced) == 2:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr("os.fsync", sync)
        assert lockcheck("--fix", ".", "--select", "LCK602").status == 130
        mended = WRONG_WITH.replace("    with LOCK", "    async with LOCK")
        assert {file.name: file.read_text() for file in root.iterdir()} == {
            "a.py": mended,
            "b.py": WRONG_WITH,
            "c.py": WRONG_WITH,
        }

    def test_what_another_program_writes_while_fixes_are_made_stays(
        self, write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write({"a.py": WRONG_WITH, "b.py": WRONG_WITH})

        def slow(project: Project, options: Options, *, unsafe: bool) -> Fixed:
            done = fix(project, options, unsafe=unsafe)
            (root / "a.py").write_text(f"{WRONG_WITH}# saved by an editor\n")
            return done

        monkeypatch.setattr("lockcheck.ui.mending.fix", slow)
        run = lockcheck("--fix", ".", "--select", "LCK602")
        assert run.status == 2
        assert "a.py: not fixed: it has changed since it was read" in run.err
        assert (root / "a.py").read_text() == f"{WRONG_WITH}# saved by an editor\n"
        assert "async with LOCK" in (root / "b.py").read_text()

    def test_a_file_that_changed_meanwhile_is_refused(self, write: Write) -> None:
        from lockcheck.app.writing import write_all

        root = write({"a.py": "new = 1\n"})
        path = str(root / "a.py")
        [failure] = write_all({path: "fixed = 1\n"}, {path: "old = 1\n"})
        assert "has changed since it was read" in failure.message
        assert (root / "a.py").read_text() == "new = 1\n"

    def test_nothing_is_left_behind(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write({"a.py": WRONG_WITH})
        lockcheck("--fix", "a.py")
        assert [file.name for file in root.iterdir()] == ["a.py"]


def test_a_fix_that_does_not_help_is_taken_back(write: Write, lockcheck: Lockcheck) -> None:
    text = """\
import asyncio
import threading

LOCK = threading.Lock()


async def wait(event: asyncio.Event) -> None:
    with LOCK:
        await event.wait()
"""
    root = write({"a.py": text})
    run = lockcheck("--fix", "--unsafe-fixes", "a.py")
    assert run.status == 1
    assert "LCK101 not fixed: it brought LCK102" in run.err
    assert (root / "a.py").read_text() == text


def test_fixes_that_do_not_help_are_found_out_together(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an analysis of a large program takes a minute: there must not be one for each fix that is taken back
    text = """\
import asyncio
import threading

LOCK = threading.Lock()


async def wait(event: asyncio.Event) -> None:
    with LOCK:
        await event.wait()
"""
    root = write({**{f"a{n}.py": text for n in range(6)}, "b.py": WRONG_WITH})
    analyses: list[int] = []

    def count(asked: Project, options: Options) -> Outcome:
        analyses.append(len(options.replacements))
        return check(asked, options)

    monkeypatch.setattr("lockcheck.app.fixing.check", count)
    run = lockcheck("--fix", "--unsafe-fixes", ".")
    assert run.err.count("LCK101 not fixed: it brought LCK102") == 6
    assert {(root / f"a{n}.py").read_text() for n in range(6)} == {text}
    assert "async with LOCK" in (root / "b.py").read_text()
    # at first; with all; with the right one; with the wrong ones once more
    assert analyses == [0, 7, 1, 7]


def test_fixes_do_not_hang_on_the_order_of_findings(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "a.py").write_text(PLAIN + REENTRANT)
    configured = project(root, ("LCK501",))
    configured = msgspec.structs.replace(configured, config=msgspec.structs.replace(configured.config, selections=()))
    assert fix(configured, Options(), unsafe=True).texts == fix(configured, Options(jobs=2), unsafe=True).texts


def test_nodes_are_walked_in_the_order_and_number_that_libcst_knows() -> None:
    texts = {file.text for case in list(all_cases())[::20] for file in case.example.files}
    odd = 'def f[T: int](a, /, *b: T, c=f"{x!r:>{y}} {z=:02X}", **d) -> T:\n    return (yield from a), lambda *, q: [*b]\n'
    odd += "match x:\n    case {'a': [1, *_], **rest} | C(1, b=2) as y if z:\n        pass\n"
    seen: set[type[cst.CSTNode]] = set()
    for text in {odd, *texts}:
        try:
            pending: list[cst.CSTNode] = [cst.parse_module(text)]
        except cst.ParserSyntaxError:
            continue
        while pending:
            node = pending.pop()
            blank = (cst.SimpleWhitespace, cst.Newline)
            inner = [id(each) for each in node.children if not isinstance(each, blank)]
            assert [id(each) for each in children(node)] == inner, text
            seen.add(type(node))
            pending.extend(node.children)
    assert {cst.FormattedStringExpression, cst.Try, cst.Match, cst.Lambda, cst.Await} <= seen


def test_nodes_stand_where_libcst_says() -> None:
    texts = {file.text for case in list(all_cases())[::20] for file in case.example.files}
    odd = "# head\n\n'a'; x = 1; y = 2\n@f\n# between\n@g(\n)\nclass C: pass\n\n  # behind\nif x: y\nelif y:\n\tz\n\t# foot\n"
    placed = 0
    for text in {odd, *texts}:
        try:
            tree = Tree(text)
        except cst.ParserSyntaxError:
            continue
        positions = MetadataWrapper(tree.module, unsafe_skip_copy=True).resolve(PositionProvider)
        for statement in tree.module.body:
            for node in (statement, *(each for child in _inner(statement) for each in walk(child))):
                start, end = positions[node].start, positions[node].end
                span = Span(start.line, start.column + 1, end.line, end.column + 1)
                assert tree.span(node) == span, text
                assert positions[tree.node(span)] == positions[node], text
                placed += 1
    assert placed > 5_000


def _inner(statement: cst.SimpleStatementLine | cst.BaseCompoundStatement) -> list[cst.CSTNode]:
    return [each for each in children(statement) if not any(each is line for line in statement.leading_lines)]
