"""The table of settings as users write it, in `[tool.lockcheck]` or a file of ours; the types are its documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from lockcheck.knowledge.schema import LimitText, Path
from lockcheck.model.findings import Confidence
from lockcheck.model.library import Category

OutputFormat: TypeAlias = Literal[
    "full",
    "concise",
    "grouped",
    "json",
    "json-lines",
    "junit",
    "github",
    "gitlab",
    "pylint",
    "rdjson",
    "azure",
    "sarif",
]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
CONFIDENCES = tuple(confidence.word for confidence in sorted(Confidence, reverse=True))
TEST_FILES = ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py")
"""Patterns of test files, as in `.gitignore`."""
LONGEST = 4_294_967
"""Seconds that locks can be waited for on every platform (`threading.TIMEOUT_MAX`, where it is least)."""

_LockPath: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^\w+(\.\w+)+$")]
_Chain: TypeAlias = Annotated[tuple[_LockPath, ...], msgspec.Meta(min_length=2)]
_Rules: TypeAlias = tuple[str, ...]


def _says(text: str, **more: Any) -> msgspec.Meta:  # noqa: ANN401 - whatever a schema may hold
    return msgspec.Meta(description=text, extra_json_schema=more or None)


class SettingsTable(msgspec.Struct, frozen=True, rename="kebab", omit_defaults=True):
    """Settings of lockcheck. Rules are named by codes, beginnings of codes, names, or ALL."""

    extend: Annotated[
        str | None,
        _says("Another configuration file, whose settings hold where this one has none. Relative to this file."),
    ] = None
    select: Annotated[_Rules | None, _says("The rules to check instead of the default ones.")] = None
    ignore: Annotated[_Rules, _says("Rules that are not checked.")] = ()
    extend_select: Annotated[_Rules, _says("Rules to check beside the selected ones.")] = ()
    exclude: Annotated[
        tuple[str, ...] | None,
        _says("Patterns, as in .gitignore, of files and folders to leave out, instead of those left out by default."),
    ] = None
    extend_exclude: Annotated[tuple[str, ...], _says("Patterns of files and folders to leave out as well.")] = ()
    per_file_ignores: Annotated[dict[str, _Rules], _says("Rules that are not reported in the files of a pattern.")] = {}
    src: Annotated[
        tuple[str, ...] | None, _says("Folders from which modules are named (default: found by looking).")
    ] = None
    python_path: Annotated[
        tuple[str, ...],
        _says("Folders with the sources of other packages: read where a type depends on them, never imported."),
    ] = ()
    min_confidence: Annotated[str, _says("Show what is at least so certain.", enum=list(CONFIDENCES))] = "medium"
    test_files: Annotated[tuple[str, ...], _says("Patterns of files with tests, which have habits of their own.")] = (
        TEST_FILES
    )
    test_confidence: Annotated[str, _says("In tests, show what is at least so certain.", enum=list(CONFIDENCES))] = (
        "high"
    )
    default_timeout: Annotated[
        float, msgspec.Meta(gt=0, le=LONGEST, description="Seconds, for fixes that give a wait a timeout.")
    ] = 30.0
    target_version: Annotated[
        str | None,
        _says(
            "The oldest Python that fixes are made for, such as py311 (default: what requires-python asks for).",
            pattern=r"^py\d{2,3}$",
        ),
    ] = None
    lock_order: Annotated[
        tuple[_Chain, ...],
        _says(
            "Chains of locks by module.qualname, each to be taken before those behind it; LCK304 holds the program to it."
        ),
    ] = ()
    locks: Annotated[
        dict[Path, Path],
        _says('Classes that are locks, and the known one that each behaves as: "app.Mutex" = "threading.Lock".'),
    ] = {}
    queues: Annotated[
        dict[Path, Path],
        _says('Classes that are queues, and the known one that each behaves as: "app.Box" = "queue.Queue".'),
    ] = {}
    blocking_calls: Annotated[
        dict[Path, Category],
        _says('Functions and methods that take long, and what they wait for: "app.db.query" = "database".'),
    ] = {}
    non_blocking_calls: Annotated[
        tuple[Path, ...],
        _says("Functions and methods that do not wait, whatever they look like. They are not looked into."),
    ] = ()
    timeouts: Annotated[
        dict[Path, LimitText],
        _says(
            'The parameter that bounds a call, its position and the seconds that hold without it: "app.ask" = "timeout@1=5".'
        ),
    ] = {}
    library: Annotated[
        dict[str, Any],
        _says("What libraries do, written as lockcheck's own tables are: for what the settings above cannot say."),
    ] = {}
    output_format: Annotated[str, _says("How findings are shown.", enum=list(OUTPUT_FORMATS))] = "full"
    respect_gitignore: Annotated[bool, _says("Leave out what .gitignore files leave out.")] = True
    fixable: Annotated[_Rules, _says("Rules whose findings --fix may repair.")] = ("ALL",)
    unfixable: Annotated[_Rules, _says("Rules whose findings --fix leaves alone.")] = ()
    extend_safe_fixes: Annotated[_Rules, _says("Rules whose unsafe fixes count as safe.")] = ()
    extend_unsafe_fixes: Annotated[_Rules, _says("Rules whose safe fixes count as unsafe.")] = ()
    unsafe_fixes: Annotated[bool, _says("Let --fix make unsafe fixes too.")] = False
    show_fixes: Annotated[bool, _says("List the fixes that were made.")] = False


KEYS = tuple(field.encode_name for field in msgspec.structs.fields(SettingsTable))


def json_schema() -> dict[str, Any]:
    """The schema of a `lockcheck.toml`, made from the types."""
    (schema,), components = msgspec.json.schema_components([SettingsTable], ref_template="#/$defs/{name}")
    name = schema["$ref"].rpartition("/")[2]
    table = components.pop(name)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lockcheck",
        "additionalProperties": False,
        **{key: value for key, value in table.items() if key != "title"},
        **({"$defs": components} if components else {}),
    }
