"""`lockcheck explain FILE:LINE`: everything that is known of a place."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from lockcheck.app.config import ConfigError
from lockcheck.app.explaining import Spot, explain
from lockcheck.app.project import absolute
from lockcheck.app.run import Options
from lockcheck.ui import opening
from lockcheck.ui.arguments import RunArguments, add_run
from lockcheck.ui.progress import ProgressBar
from lockcheck.ui.render.explanation import render_explanation, render_explanation_json
from lockcheck.ui.render.view import View, visible
from lockcheck.ui.streams import CLEAN, FAILED, complain, say, write

FORMATS = ("text", "json")

_SPOT = re.compile(r"(?P<file>.+?)(?::(?P<row>\d+)(?::(?P<column>\d+))?)?:?")


class _Arguments(RunArguments):
    place: str
    output_format: str


def run(words: list[str]) -> int:
    """Tell it, and give the exit status."""
    arguments = parser().parse_args(words, _Arguments())
    file, spot = _asked(arguments.place)
    project = opening.project([file], arguments)
    cache = opening.cache(arguments, project)
    with ProgressBar(quiet=arguments.quiet) as progress:
        told = explain(project, spot, Options(arguments.jobs, cache, (), progress))
    if cache is not None and (unsaved := cache.save()) is not None and not arguments.quiet:
        say(f"{unsaved.what}: {unsaved.message}")
    source = told.sources.get(spot.path)
    rows = source.text.count("\n") + 1 if source is not None else 0
    if source is not None and spot.row is not None and not 1 <= spot.row <= rows:
        return complain(f"{visible(file)} has no line {spot.row}: it has {rows}")
    colour, width = opening.is_coloured(arguments.color), opening.width()
    view = View(project, told.sources, colour=colour, width=width, closing=False)
    form = render_explanation_json if arguments.output_format == "json" else render_explanation
    status = write(form(told.explanation, view), CLEAN)
    for failure in told.failures:
        say(visible(f"{failure.what}: {failure.message}"))
    return FAILED if told.failures else status


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck explain",
        description="Tell what is found at a place and why, which locks are held there, and what it comes to.",
        allow_abbrev=False,
    )
    made.add_argument("place", metavar="FILE[:LINE[:COLUMN]]", help="such as src/bank.py:12")
    group = made.add_argument_group("output")
    group.add_argument("--output-format", choices=FORMATS, default="text", help="default: text")
    add_run(made)
    return made


def _asked(place: str) -> tuple[str, Spot]:
    """The file as it was named, and the spot in it. A file that is called `a.py:3` is one."""
    here = opening.here()
    if Path(place).is_file():
        return place, Spot(absolute(place, here))
    match = _SPOT.fullmatch(place)
    file = match["file"] if match is not None else place
    if match is None or not Path(file).is_file():
        what = "is a folder; name a file in it" if file and Path(file).is_dir() else "no such file"
        raise ConfigError(f"{visible(file)}: {what}")
    row = int(match["row"]) if match["row"] else None
    column = int(match["column"]) if match["column"] else None
    return file, Spot(absolute(file, here), row, column)
