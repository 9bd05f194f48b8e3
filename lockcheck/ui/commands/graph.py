"""`lockcheck graph`: which lock is taken while which is held, and what a change does to that."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck.ui import opening
from lockcheck.ui.arguments import RunArguments, add_run
from lockcheck.ui.streams import CLEAN, FAILED, complain, say, write

if TYPE_CHECKING:
    from lockcheck.app.project import Project
    from lockcheck.app.run import Options
    from lockcheck.model.findings import Failure
    from lockcheck.model.graph import LockGraph
    from lockcheck.model.source import SourceFile
    from lockcheck.ui.render.view import View

FORMATS = ("dot", "mermaid", "json", "html")


class _Arguments(RunArguments):
    paths: list[str]
    output_format: str
    output_file: str | None
    since: str | None


def run(words: list[str]) -> int:
    """Draw the graph, and give the exit status."""
    from lockcheck.app.run import Options
    from lockcheck.ui.progress import ProgressBar
    from lockcheck.ui.render.view import View, visible

    arguments = parser().parse_args(words, _Arguments())
    project = opening.project(arguments.paths or ["."], arguments)
    cache = opening.cache(arguments, project)
    with ProgressBar(quiet=arguments.quiet) as progress:
        options = Options(arguments.jobs, cache, (), progress)
        graph, sources, failures = _graph(project, options)
        before = _before(project, options, arguments.since) if arguments.since is not None else None
    if cache is not None and (unsaved := cache.save()) is not None and not arguments.quiet:
        say(f"{unsaved.what}: {unsaved.message}")
    view = View(project, sources)
    if before is not None:
        from lockcheck.ui.render.graph.review import render_review

        text = render_review(before, graph, view, arguments.since or "")
    else:
        text = _drawn(graph, view, arguments.output_format, Path(project.root).name)
    status = _put(text, arguments.output_file)
    for failure in failures:
        say(visible(f"{failure.what}: {failure.message}"))
    return FAILED if failures else status


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck graph",
        description="Draw which locks are taken while which are held, with the cycles in that order.",
        allow_abbrev=False,
    )
    made.add_argument("paths", metavar="PATH", nargs="*", help="files and folders whose locks are drawn (default: .)")
    group = made.add_argument_group("output")
    group.add_argument("--output-format", choices=FORMATS, default="dot", help="default: dot")
    group.add_argument("-o", "--output-file", metavar="FILE", help="write there, not to the standard output")
    group.add_argument("--since", metavar="REF", help="tell in Markdown what is new since a commit of git")
    add_run(made)
    return made


def _graph(project: Project, options: Options) -> tuple[LockGraph, dict[str, SourceFile], tuple[Failure, ...]]:
    from lockcheck.app.graphing import graph_of

    drawn = graph_of(project, options)
    return drawn.graph, drawn.sources, drawn.failures


def _before(project: Project, options: Options, ref: str) -> LockGraph:
    from lockcheck.app.graphing import graph_of
    from lockcheck.app.revision import as_of

    with as_of(project, ref, os.environ) as then:
        return graph_of(then, options).graph


def _drawn(graph: LockGraph, view: View, form: str, name: str) -> str:
    match form:
        case "html":
            from lockcheck.ui.render.graph.page import render_page

            return render_page(graph, view, name)
        case "mermaid":
            from lockcheck.ui.render.graph.mermaid import render_mermaid

            return render_mermaid(graph, view)
        case "json":
            from lockcheck.ui.render.graph.data import render_graph

            return render_graph(graph, view)
        case _:
            from lockcheck.ui.render.graph.dot import render_dot

            return render_dot(graph, view)


def _put(text: str, file: str | None) -> int:
    if file is None:
        return write(text, CLEAN)
    try:
        Path(file).write_text(text, "utf-8", errors="backslashreplace")
    except OSError as error:
        return complain(f"{file}: cannot be written: {error.strerror or error}")
    return CLEAN
