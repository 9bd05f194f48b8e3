"""The configuration: where it is found, what it may say, and how it complains."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import jsonschema
import pytest

from lockcheck.app.selection import Catalogue, Entry, Selection
from lockcheck.app.table import KEYS, json_schema
from tests.conftest import HAZARD, Lockcheck, Write


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lockcheck.toml", 'ignore = ["LCK101"]'),
        (".lockcheck.toml", 'ignore = ["thread-lock-across-await"]'),
        ("pyproject.toml", '[tool.lockcheck]\nignore = ["LCK1"]'),
    ],
)
def test_configuration_is_read_from_each_of_its_files(write: Write, lockcheck: Lockcheck, name: str, text: str) -> None:
    write({"a.py": HAZARD, name: text})
    assert lockcheck(".").status == 0
    assert lockcheck("--isolated", ".").status == 1


def test_nearest_configuration_holds_and_others_do_not(write: Write, lockcheck: Lockcheck) -> None:
    write(
        {
            "lockcheck.toml": 'select = ["no-such-rule"]',
            "inner/pyproject.toml": "[tool.lockcheck]\n[project]\nname = 'x'\n",
            "inner/deep/a.py": HAZARD,
        }
    )
    assert lockcheck("inner/deep").status == 1


def test_pyproject_without_our_table_is_passed_over(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": 'ignore = ["ALL"]', "inner/pyproject.toml": "[tool.other]", "inner/a.py": HAZARD})
    assert lockcheck("inner").status == 0


def test_configuration_named_on_the_command_line_replaces_the_nearest(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": 'ignore = ["ALL"]', "other.toml": "", "a.py": HAZARD})
    assert lockcheck("--config", "other.toml", ".").status == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("selct = []", "unknown key `selct`; did you mean `select`?"),
        ("min_confidence = 'low'", "unknown key `min_confidence`; did you mean `min-confidence`?"),
        ("select = 'LCK101'", "select: expected `array | null`"),
        ("src = [1]", "src[0]: expected `str`"),
        ("default-timeout = 0", "default-timeout: expected `float` > 0.0"),
        ("default-timeout = inf", "default-timeout: expected `float` <= 4294967.0"),
        ("default-timeout = 1e10", "default-timeout: expected `float` <= 4294967.0"),
        ("select = ['LCK1O1']", "select: unknown rule `LCK1O1`; did you mean `LCK101`?"),
        ("ignore = ['thread_lock_across_await']", "did you mean `thread-lock-across-await`?"),
        ("per-file-ignores = { 'tests/*' = ['XYZ1'] }", 'per-file-ignores."tests/*": unknown rule `XYZ1`'),
        ("output-format = 'jsn'", "output-format: unknown format `jsn`; did you mean `json`?"),
        ("output-format = 'x'", "there are full, concise, grouped, json"),
        ("min-confidence = 'hihg'", "did you mean `high`?"),
        ("exclude = ['[z-a]']", "exclude: `[z-a]` is not a pattern as in `.gitignore`"),
        ("select = [", "not valid TOML"),
        ("target-version = '3.11'", "target-version: unknown version `3.11`; write `py311` for Python 3.11"),
        ("lock-order = [['a.A']]", "lock-order[0]: expected `array` of length >= 2"),
        ("lock-order = [['a.A', 'LOCK']]", "lock-order[0][1]: expected `str` matching regex"),
        ("lock-order = [['a.A', 'a.B'], ['a.B', 'a.A']]", "lock-order: `a.A` would have to be taken before itself"),
    ],
)
def test_mistake_is_one_line_that_names_the_file(write: Write, lockcheck: Lockcheck, text: str, complaint: str) -> None:
    root = write({"lockcheck.toml": text, "a.py": HAZARD})
    run = lockcheck(".")
    assert run.status == 2
    assert run.out == ""
    assert run.err.startswith(f"lockcheck: {root / 'lockcheck.toml'}: ")
    assert run.err.count("\n") == 1
    assert complaint in run.err


@pytest.mark.parametrize(
    ("files", "arguments", "scope"),
    [
        ({}, (), False),
        ({"lockcheck.toml": "target-version = 'py311'"}, (), True),
        ({"lockcheck.toml": "target-version = 'py311'"}, ("--target-version", "py310"), False),
        ({}, ("--target-version", "py313"), True),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.11'"}, (), True),
        ({"pyproject.toml": "[project]\nrequires-python = '<4, >= 3.12.1'"}, (), True),
        ({"pyproject.toml": "[project]\nrequires-python = '~=3.11'"}, (), True),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.9,!=3.11.*'"}, (), False),
        ({"pyproject.toml": "[project]\nrequires-python = '<4'"}, (), False),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.11'", "lockcheck.toml": ""}, (), True),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.11'"}, ("--isolated",), False),
        (
            {"pyproject.toml": "[project]\nrequires-python='>=3.11'\n[tool.lockcheck]\ntarget-version='py310'"},
            (),
            False,
        ),
    ],
)
def test_fixes_are_made_for_the_oldest_python_that_the_project_runs_on(
    write: Write, lockcheck: Lockcheck, files: dict[str, str], arguments: tuple[str, ...], scope: bool
) -> None:
    wait = "import asyncio\n\n\nasync def wait(event: asyncio.Event) -> None:\n    await event.wait()\n"
    root = write({**files, "a.py": wait})
    lockcheck("--fix", "--unsafe-fixes", "--select", "LCK610", *arguments, "a.py")
    assert ("asyncio.timeout" in (root / "a.py").read_text()) is scope
    assert ("asyncio.wait_for" in (root / "a.py").read_text()) is not scope


def test_a_version_on_the_command_line_is_read_like_that_of_the_configuration(lockcheck: Lockcheck) -> None:
    run = lockcheck("--target-version", "3.11", ".")
    assert run.status == 2
    assert run.err == "lockcheck: --target-version: unknown version `3.11`; write `py311` for Python 3.11\n"


def test_missing_configuration_file_is_a_mistake(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": HAZARD})
    run = lockcheck("--config", "nowhere.toml", ".")
    assert (run.status, run.out) == (2, "")
    assert "nowhere.toml" in run.err


CATALOGUE = Catalogue(
    (
        Entry("LCK101", "one-one", default=True),
        Entry("LCK102", "one-two", default=True),
        Entry("LCK201", "two-one", default=False),
        Entry("LCK900", "syntax-error", default=True),
    )
)


@pytest.mark.parametrize(
    ("selections", "enabled"),
    [
        ((), {"LCK101", "LCK102", "LCK900"}),
        ((Selection(select=("ALL",)),), {"LCK101", "LCK102", "LCK201", "LCK900"}),
        ((Selection(select=("LCK2",)),), {"LCK201", "LCK900"}),
        ((Selection(extend_select=("two-one",)),), {"LCK101", "LCK102", "LCK201", "LCK900"}),
        ((Selection(select=("LCK101",), ignore=("LCK1",)),), {"LCK101", "LCK900"}),
        ((Selection(select=("LCK1",), ignore=("LCK101",)),), {"LCK102", "LCK900"}),
        ((Selection(select=("LCK101",), ignore=("LCK101",)),), {"LCK900"}),
        ((Selection(ignore=("one-two",)), Selection(extend_select=("LCK1",))), {"LCK101", "LCK102", "LCK900"}),
        ((Selection(ignore=("ALL",)), Selection(select=("LCK102",))), {"LCK102", "LCK900"}),
        ((Selection(select=("LCK1",)), Selection(ignore=("LCK",))), set[str]()),
        ((Selection(select=("ALL",), ignore=("LCK9",)),), {"LCK101", "LCK102", "LCK201"}),
    ],
)
def test_more_specific_selector_wins_and_the_command_line_comes_last(
    selections: tuple[Selection, ...], enabled: set[str]
) -> None:
    assert CATALOGUE.enabled(selections) == enabled


def test_pattern_of_ignores_may_begin_as_paths_do(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": "per-file-ignores = { './x/*' = ['LCK1'] }", "x/a.py": HAZARD, "y/x/a.py": HAZARD})
    found = lockcheck("--output-format", "json", ".").findings
    assert [Path(one["filename"]).parent.parent.name for one in found] == ["y"]


class TestExtending:
    """One file that builds on another."""

    def test_settings_of_the_extended_file_hold_where_there_is_none(self, write: Write, lockcheck: Lockcheck) -> None:
        write(
            {"shared/base.toml": 'ignore = ["LCK101"]', "lockcheck.toml": 'extend = "shared/base.toml"', "a.py": HAZARD}
        )
        assert lockcheck(".").status == 0

    def test_own_settings_come_first(self, write: Write, lockcheck: Lockcheck) -> None:
        write(
            {
                "pyproject.toml": "[tool.lockcheck]\nselect = ['LCK9']\noutput-format = 'json'",
                "inner/lockcheck.toml": "extend = '../pyproject.toml'\nselect = ['LCK101']",
                "inner/a.py": HAZARD,
            }
        )
        run = lockcheck("inner")
        assert (run.status, run.out[:1]) == (1, "[")

    def test_lists_that_extend_are_joined_and_tables_too(self, write: Write, lockcheck: Lockcheck) -> None:
        write(
            {
                "base.toml": "extend-exclude = ['one']\nlocks = { 'a.A' = 'threading.Lock', 'a.B' = 'threading.Lock' }",
                "lockcheck.toml": "extend = 'base.toml'\nextend-exclude = ['two']\nlocks = { 'a.B' = 'threading.RLock' }",
            }
        )
        settings = json.loads(lockcheck("config", "--output-format", "json").out)["settings"]
        assert settings["extend-exclude"]["value"] == ["one", "two"]
        assert settings["locks"]["value"] == {"a.A": "threading.Lock", "a.B": "threading.RLock"}

    @pytest.mark.parametrize(
        ("own", "shown"),
        [
            ("ignore = ['LCK501']", ["LCK101", "LCK501"]),
            ("select = ['LCK1']", []),
            ("select = ['LCK1']\nignore = ['LCK501']", ["LCK501"]),
        ],
    )
    def test_what_is_shown_as_ignored_is_what_is(
        self, write: Write, lockcheck: Lockcheck, own: str, shown: list[str]
    ) -> None:
        root = write(
            {"base.toml": "ignore = ['LCK101']", "lockcheck.toml": f"extend = 'base.toml'\n{own}", "a.py": HAZARD}
        )
        ignore = json.loads(lockcheck("config", "--output-format", "json").out)["settings"]["ignore"]
        assert ignore == {"value": shown, "origin": str(root / "lockcheck.toml")}
        assert (lockcheck(".").status == 0) == ("LCK101" in shown)

    @pytest.mark.parametrize(
        ("base", "complaint"),
        [
            (None, "lockcheck.toml: extend: {root}/base.toml: No such file or directory"),
            ("extend = 'lockcheck.toml'", "base.toml: extend: `lockcheck.toml` extends this file in turn"),
            ("selct = []", "base.toml: unknown key `selct`; did you mean `select`?"),
            ("select = ['LCK1O1']", "base.toml: select: unknown rule `LCK1O1`; did you mean `LCK101`?"),
        ],
    )
    def test_mistake_names_the_file_it_stands_in(
        self, write: Write, lockcheck: Lockcheck, base: str | None, complaint: str
    ) -> None:
        files = {"lockcheck.toml": "extend = 'base.toml'", "a.py": HAZARD}
        root = write({**files, "base.toml": base} if base is not None else files)
        run = lockcheck(".")
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
        assert complaint.format(root=root) in run.err

    def test_pyproject_without_our_table_cannot_be_extended(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"lockcheck.toml": "extend = 'inner/pyproject.toml'", "inner/pyproject.toml": "[tool.x]", "a.py": HAZARD})
        run = lockcheck(".")
        assert run.status == 2
        assert "has no `[tool.lockcheck]`" in run.err


PROGRAM = {
    "app/__init__.py": "from app.native import Mutex\n",
    "app/native.py": """\
        class Mutex:
            def __enter__(self): ...
            def __exit__(self, *exc): ...

        class Box:
            def put(self, item, timeout=None): ...

        def ask(question, timeout=None): ...

        class Client:
            def fetch(self, key): ...
            async def follow(self, key): ...
        """,
    "app/use.py": """\
        import asyncio
        import time
        from app import Mutex, native

        lock = Mutex()

        def outer():
            with lock:
                inner()

        def inner():
            with lock:
                native.ask("x")

        def bounded():
            with lock:
                native.ask("x", timeout=1)

        async def main(client: native.Client):
            client.fetch("x")

        guard = asyncio.Lock()

        async def follow(client: native.Client):
            async with guard:
                await client.follow("x")

        def pause():
            time.sleep(1)

        async def paused():
            pause()
        """,
}


class TestKnowledge:
    """What a project says of its own locks, queues and calls."""

    @staticmethod
    def found(write: Write, lockcheck: Lockcheck, settings: str) -> list[str]:
        write({**{name: textwrap.dedent(text) for name, text in PROGRAM.items()}, "lockcheck.toml": settings})
        run = lockcheck("--output-format", "json", "--select", "LCK101,LCK102,LCK201,LCK501,LCK701", "app")
        assert run.err == ""
        rows = (textwrap.dedent(PROGRAM["app/use.py"])).splitlines()
        return [f"{one['code']} {rows[one['location']['row'] - 1].strip()}" for one in json.loads(run.out)]

    def test_nothing_is_known_without_it(self, write: Write, lockcheck: Lockcheck) -> None:
        assert self.found(write, lockcheck, "") == ["LCK701 pause()"]

    @pytest.mark.parametrize("name", ["app.native.Mutex", "app.Mutex"])
    def test_class_behaves_as_the_lock_that_it_is_said_to_be(
        self, write: Write, lockcheck: Lockcheck, name: str
    ) -> None:
        known = self.found(write, lockcheck, f"locks = {{ '{name}' = 'threading.Lock' }}")
        assert known == ["LCK501 inner()", "LCK701 pause()"]
        reentrant = self.found(write, lockcheck, f"locks = {{ '{name}' = 'threading.RLock' }}")
        assert reentrant == ["LCK701 pause()"]

    def test_blocking_calls_and_their_timeouts(self, write: Write, lockcheck: Lockcheck) -> None:
        found = self.found(
            write,
            lockcheck,
            """
            locks = { "app.Mutex" = "threading.RLock" }
            blocking-calls = { "app.native.ask" = "network", "app.native.Client.fetch" = "database" }
            timeouts = { "app.native.ask" = "timeout@1" }
            """,
        )
        assert found == ['LCK201 native.ask("x")', 'LCK701 client.fetch("x")', "LCK701 pause()"]

    def test_coroutine_blocks_when_it_is_awaited(self, write: Write, lockcheck: Lockcheck) -> None:
        found = self.found(write, lockcheck, 'blocking-calls = { "app.native.Client.follow" = "network" }')
        assert found == ['LCK102 await client.follow("x")', "LCK701 pause()"]

    def test_call_that_does_not_block_is_not_looked_into(self, write: Write, lockcheck: Lockcheck) -> None:
        assert self.found(write, lockcheck, 'non-blocking-calls = ["app.use.pause"]') == []
        assert self.found(write, lockcheck, 'non-blocking-calls = ["time.sleep"]') == []

    def test_library_takes_what_the_shipped_tables_take(self, write: Write, lockcheck: Lockcheck) -> None:
        settings = (
            "[library.calls.'app.native']\nask = { blocks = 'network' }\n[locks]\n'app.Mutex' = 'threading.RLock'"
        )
        assert 'LCK201 native.ask("x")' in self.found(write, lockcheck, settings)

    @pytest.mark.parametrize(
        ("settings", "complaint"),
        [
            (
                "locks = { 'a.A' = 'threading.Lok' }",
                'locks."a.A": `threading.Lok` is no lock that is known; did you mean',
            ),
            ("locks = { 'a.A' = 'queue.Queue' }", "`queue.Queue` is no lock that is known, such as `threading.Lock`"),
            ("queues = { 'a.A' = 'threading.Lock' }", "is no queue that is known, such as `queue.Queue`"),
            ("blocking-calls = { 'a.f' = 'netwrk' }", "blocking-calls[...]: invalid enum value 'netwrk'"),
            ("timeouts = { 'a.f' = '@1' }", "timeouts[...]: expected `str` matching regex"),
            ("library = { type = 1 }", "library: Object contains unknown field `type`"),
            (
                "locks = { 'app.native.Mutx' = 'threading.Lock' }",
                "`app.native.Mutx` is described, but there is no such",
            ),
            ("non-blocking-calls = ['app.native.Client.fech']", "non-blocking-calls: `app.native.Client.fech` is"),
        ],
    )
    def test_mistake_names_file_and_key(
        self, write: Write, lockcheck: Lockcheck, settings: str, complaint: str
    ) -> None:
        write({**{name: textwrap.dedent(text) for name, text in PROGRAM.items()}, "lockcheck.toml": settings})
        run = lockcheck(".")
        assert run.status == 2
        assert run.err.startswith("lockcheck: ")
        assert "lockcheck.toml: " in run.err
        assert complaint in run.err


class TestCommand:
    """`lockcheck config`."""

    def test_every_setting_is_shown_with_the_file_that_sets_it(self, write: Write, lockcheck: Lockcheck) -> None:
        root = write(
            {"base.toml": "unsafe-fixes = true", "lockcheck.toml": "extend = 'base.toml'\nignore = ['LCK101']"}
        )
        run = lockcheck("config")
        assert run.status == 0
        lines = dict(line.split("=", 1) for line in run.out.splitlines()[1:])
        shown = {key.strip(): rest.strip() for key, rest in lines.items()}
        assert tuple(shown) == KEYS
        assert shown["ignore"] == f'["LCK101"]  # {root}/lockcheck.toml'
        assert shown["unsafe-fixes"] == f"true  # {root}/base.toml"
        assert shown["select"] == "-  # default"

    def test_without_a_file_everything_is_default(self, write: Write, lockcheck: Lockcheck) -> None:
        write({"a.py": ""})
        run = lockcheck("config", "a.py")
        assert run.out.startswith("# no configuration file")
        assert all(line.endswith("# default") for line in run.out.splitlines()[1:])


class TestSchema:
    """The JSON schema of the settings."""

    SHIPPED = Path(__file__).parent.parent / "docs" / "lockcheck.schema.json"

    def test_shipped_one_is_made_from_the_types(self, lockcheck: Lockcheck) -> None:
        assert self.SHIPPED.read_text("utf-8") == lockcheck("config", "--schema").out

    @pytest.mark.parametrize(
        ("settings", "is_valid"),
        [
            ({"select": ["LCK101"], "default-timeout": 5, "locks": {"a.B": "threading.Lock"}}, True),
            ({"selct": []}, False),
            ({"default-timeout": 0}, False),
            ({"min-confidence": "sure"}, False),
            ({"blocking-calls": {"a.f": "netwrk"}}, False),
            ({"lock-order": [["a.A"]]}, False),
        ],
    )
    def test_it_accepts_what_lockcheck_accepts(
        self, write: Write, lockcheck: Lockcheck, settings: dict[str, object], is_valid: bool
    ) -> None:
        jsonschema.Draft202012Validator.check_schema(json_schema())
        assert jsonschema.Draft202012Validator(json_schema()).is_valid(settings) is is_valid
        lines = [f"{key} = {json.dumps(value).replace(': ', ' = ')}" for key, value in settings.items()]
        write({"lockcheck.toml": "\n".join(lines), "a.py": ""})
        assert (lockcheck("a.py").status == 0) is is_valid

    def test_documentation_lists_every_setting_with_its_meaning(self) -> None:
        page = (self.SHIPPED.parent / "configuration.md").read_text("utf-8")
        for key, described in json_schema()["properties"].items():
            assert f"| `{key}` |" in page
            assert described["description"] in page, key
