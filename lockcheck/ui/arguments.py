"""The command line's options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from lockcheck import __version__
from lockcheck.app.config import ConfigError
from lockcheck.app.table import CONFIDENCES, OUTPUT_FORMATS
from lockcheck.ui.commands import overview

_EPILOG = """\
exit status: 0 nothing found, 1 something found, 2 lockcheck could not do its job
"""


class RunArguments(argparse.Namespace):
    """What every command that looks at a project may be asked for, with its types."""

    config: str | None
    isolated: bool
    python_path: list[str]
    no_cache: bool
    cache_dir: str | None
    cache_url: str | None
    cache_read_only: bool
    jobs: int
    color: str
    quiet: bool


class Arguments(RunArguments):
    """What was asked for, with its types."""

    paths: list[str]
    select: list[str] | None
    extend_select: list[str]
    ignore: list[str]
    output_format: str | None
    output_file: str | None
    min_confidence: str | None
    target_version: str | None
    stdin_filename: str | None
    statistics: bool
    timing: bool
    executor: str | None
    exit_zero: bool
    fix: bool
    fix_only: bool
    diff: bool
    unsafe_fixes: bool | None
    show_fixes: bool
    add_noqa: str | None
    baseline: str | None
    write_baseline: str | None
    new_since: str | None
    exit_non_zero_on_fix: bool


def parse_check(words: Sequence[str]) -> Arguments:
    """Read what follows `lockcheck check`."""
    behind = words.index("--") if "--" in words else len(words)
    spelled = [f"{word}=" if word == "--add-noqa" and i < behind else word for i, word in enumerate(words)]
    arguments = check_parser().parse_args(spelled, Arguments())
    _refuse_together(arguments)
    return arguments


def _refuse_together(arguments: Arguments) -> None:
    """Refuse what would have to be done at once; of a baseline to be written there is nothing to hide."""
    asked = {
        "--fix": arguments.fix or arguments.fix_only,
        "--diff": arguments.diff,
        "--add-noqa": arguments.add_noqa is not None,
        "--write-baseline": arguments.write_baseline is not None,
    }
    changing = [name for name, is_asked in asked.items() if is_asked]
    if len(changing) > 1 and changing != ["--fix", "--diff"]:
        raise ConfigError(f"{' and '.join(changing)} cannot go together: do one after the other")
    if arguments.write_baseline is not None and (arguments.baseline is not None or arguments.new_since is not None):
        raise ConfigError("--write-baseline takes in everything: leave out --baseline and --new-since")
    if arguments.add_noqa is not None and arguments.stdin_filename is not None:
        raise ConfigError("--add-noqa changes files: it cannot go together with --stdin-filename")
    if "-" in arguments.paths and arguments.stdin_filename is None:
        raise ConfigError("-: the standard input has no name: say by --stdin-filename which file of the program it is")


def check_parser() -> argparse.ArgumentParser:
    """Make the parser of `lockcheck [check] PATHS…`."""
    parser = argparse.ArgumentParser(
        prog="lockcheck",
        usage="lockcheck [check] [OPTIONS] [PATH ...]\n       lockcheck COMMAND [OPTIONS] …",
        description=f"Find lock and await hazards in a Python program.\n\n{overview()}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files and folders to report on (default: .)")
    parser.add_argument("--version", action="version", version=f"lockcheck {__version__}")
    _add_selection(parser)
    _add_fixes(parser)
    _add_known(parser)
    _add_output(parser)
    _add_run(parser)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("rules", "codes, beginnings of codes, names, or ALL, separated by commas")
    group.add_argument("--select", metavar="RULES", action="extend", type=_listed, help="only these rules")
    group.add_argument(
        "--extend-select", metavar="RULES", action="extend", type=_listed, default=[], help="these rules too"
    )
    group.add_argument("--ignore", metavar="RULES", action="extend", type=_listed, default=[], help="not these rules")
    group.add_argument("--min-confidence", choices=CONFIDENCES, help="show what is at least so certain")
    _add_configuration(group.add_argument)


def _add_fixes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("fixes")
    group.add_argument(
        "--fix", action="store_true", help="make the fixes that keep the meaning, and report what is left"
    )
    group.add_argument("--fix-only", action="store_true", help="make fixes and report nothing else; exit with 0")
    group.add_argument("--diff", action="store_true", help="show what fixing would change, and change nothing")
    group.add_argument(
        "--unsafe-fixes",
        action=argparse.BooleanOptionalAction,
        help="make fixes that may change the meaning too: read what they did",
    )
    group.add_argument(
        "--target-version", metavar="VERSION", help="the oldest Python that fixes are made for, such as py311"
    )
    group.add_argument("--show-fixes", action="store_true", help="list the fixes that were made")
    group.add_argument("--exit-non-zero-on-fix", action="store_true", help="exit with 1 when something was fixed")


def _add_known(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is put up with")
    group.add_argument(
        "--add-noqa", metavar="[REASON]", help="write a `# noqa` comment behind each finding, with =REASON behind it"
    )
    group.add_argument(
        "--write-baseline", metavar="FILE", help="write down what is found, to be left out by --baseline"
    )
    group.add_argument("--baseline", metavar="FILE", help="report only what this file does not know")
    group.add_argument("--new-since", metavar="GIT_REF", help="report only what is not found in that commit")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--output-format", choices=OUTPUT_FORMATS, help="how findings are shown (default: full)")
    group.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to the standard output")
    group.add_argument("--statistics", action="store_true", help="show how often each rule reported")
    _add_colour(group.add_argument)
    group.add_argument("--exit-zero", action="store_true", help="exit with 0 even when something is found")


def _add_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument("--stdin-filename", metavar="FILE", help="read the standard input in place of this file")
    _add_work(group.add_argument)
    group.add_argument("--executor", metavar="dask://HOST:PORT", help="extract facts on this Dask cluster")
    group.add_argument("--timing", action="store_true", help="tell on the standard error where the time went")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add what every command that looks at a project may be asked for."""
    group = parser.add_argument_group("run")
    _add_configuration(group.add_argument)
    _add_work(group.add_argument)
    _add_colour(group.add_argument)


def _add_configuration(add: Callable[..., argparse.Action]) -> None:
    add("--config", metavar="FILE", help="use this configuration file and no other")
    add("--isolated", action="store_true", help="use no configuration file")


def _add_work(add: Callable[..., argparse.Action]) -> None:
    add(
        "--python-path",
        metavar="FOLDER",
        action="append",
        default=[],
        help="where sources of other packages lie: read where a type depends on them, never imported",
    )
    add("-j", "--jobs", metavar="N", type=_positive, default=_processors(), help="worker processes")
    add("--no-cache", action="store_true", help="neither use nor keep facts of earlier runs")
    add("--cache-dir", metavar="FOLDER", help="where facts are kept (or LOCKCHECK_CACHE_DIR)")
    add("--cache-url", metavar="URL", help="a store of facts that machines share (or LOCKCHECK_CACHE_URL)")
    add(
        "--cache-read-only",
        action="store_true",
        help="take facts from that store, and put none there (or LOCKCHECK_CACHE_READ_ONLY=1)",
    )


def _add_colour(add: Callable[..., argparse.Action]) -> None:
    add("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")
    add("-q", "--quiet", action="store_true", help="no progress and no closing line")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of processes: write 1 or more")
    return int(text)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
