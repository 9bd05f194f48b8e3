"""`lockcheck graph`: which lock is taken while which is held."""

from __future__ import annotations

import argparse
from pathlib import Path

from lockcheck.ui import opening
from lockcheck.ui.arguments import RunArguments, add_run
from lockcheck.ui.streams import CLEAN, FAILED, complain, say, write

FORMATS = ("dot", "mermaid", "json", "html")


class _Arguments(RunArguments):
    paths: list[str]
    output_format: str | None
    output_file: str | None
    since: str | None


def run(words: list[str]) -> int:
    """Draw the graph, and give the exit status."""
    from lockcheck.app.graphing import lock_graph
    from lockcheck.app.pipeline import Options, analysed
    from lockcheck.model.findings import Failure
    from lockcheck.ui.progress import ProgressBar
    from lockcheck.ui.render.view import View, visible

    arguments = parser().parse_args(words, _Arguments())
    project = opening.project(arguments.paths or ["."], arguments)
    cache = opening.cache(arguments, project)
    with ProgressBar(quiet=arguments.quiet) as progress:
        options = Options(arguments.jobs, cache, (), progress)
        with analysed(project, options) as program:
            if isinstance(program.analysis, Failure):
                return complain(f"{program.analysis.what}: {program.analysis.message}")
            graph = lock_graph(program.analysis, project)
    if cache is not None:
        cache.save()
    view = View(project, program.sources)
    text = _drawn(graph, view, arguments.output_format or "dot", Path(project.root).name)
    return write(text, CLEAN)
def _drawn(graph, view, form, name):
    from lockcheck.ui.render.graph.page import render_page
    from lockcheck.ui.render.graph.dot import render_dot
    from lockcheck.ui.render.graph.mermaid import render_mermaid
    from lockcheck.ui.render.graph.data import render_graph
    return {"html": lambda: render_page(graph, view, name), "dot": lambda: render_dot(graph, view), "mermaid": lambda: render_mermaid(graph, view), "json": lambda: render_graph(graph, view)}[form]()


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = argparse.ArgumentParser(prog="lockcheck graph", description="Draw the order of the program's locks.", allow_abbrev=False)
    parser.add_argument("paths", metavar="PATH", nargs="*")
    parser.add_argument("--output-format", choices=FORMATS)
    parser.add_argument("--output-file")
    parser.add_argument("--since")
    add_run(parser)
    return parser
