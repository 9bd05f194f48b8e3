"""The command line: from arguments to an exit status. The only place that prints and reads the environment."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck.ui import opening
from lockcheck.ui.commands import ALIASES, COMMANDS, command, listed, mistaken, parser_of
from lockcheck.ui.streams import CLEAN, FAILED, FOUND, INTERRUPTED, complain, say, tell, write, write_file

if TYPE_CHECKING:
    from lockcheck.app.discovery import Replacement
    from lockcheck.app.project import Project
    from lockcheck.app.replay import Wish
    from lockcheck.app.run import Options, Outcome
    from lockcheck.app.selection import Selection
    from lockcheck.model.findings import Failure
    from lockcheck.ui.arguments import Arguments
    from lockcheck.ui.done import Done


def main(argv: Sequence[str] | None = None) -> int:
    """Run lockcheck and give its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us, who wants to hear nothing
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(words)
    except SystemExit as request:  # argparse: help, version, wrong usage
        return request.code if isinstance(request.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not "something found"
        from lockcheck.app.worker import internal_error

        return complain(internal_error(error))


def _run(words: list[str]) -> int:
    from lockcheck.model.errors import LockcheckError

    try:
        match words:
            case ["--version" | "-V"]:
                from lockcheck import __version__

                return write(f"lockcheck {__version__}\n", CLEAN)
            case [name, *rest] if name in COMMANDS or name in ALIASES:
                return command(name)(rest)
            case ["check", *rest]:
                return _check(rest)
            case ["help", *rest]:
                return _help(rest)
            case [word, *_] if (meant := mistaken(word)) is not None:
                return complain(f"{word}: no such file, folder or command; did you mean `{meant}`?")
            case _:
                return _check(words)
    except LockcheckError as error:
        return complain(str(error))


def _help(words: list[str]) -> int:
    """Show the options of a command: of `check`, with all commands, where none is named."""
    name = words[0] if words else "check"
    if name == "help" or name.startswith("-"):
        name = "check"
    if name not in listed() and name not in ALIASES:
        meant = mistaken(name)
        hint = f"; did you mean `{meant}`?" if meant is not None else f"; there are {', '.join(listed())}"
        return complain(f"help: there is no command `{name}`{hint}")
    return write(parser_of(name).format_help(), CLEAN)


def _check(words: list[str]) -> int:
    from lockcheck.app.timing import Timing

    timing = Timing()
    with timing.stage("loading"):
        from lockcheck.app.replay import again
        from lockcheck.app.run import Options
        from lockcheck.ui.arguments import parse_check

        arguments = parse_check(words)
        project = _project(arguments)
        options = Options(arguments.jobs, replacements=_replacements(arguments, project), timing=timing)
        wish = _wish(arguments, project)
    known = again(wish, options) if wish is not None else None
    if known is None:
        _refuse_unknown_rules(arguments, project)
    done = _done(known, wish, project, options, arguments)
    with timing.stage("presenting"):
        status = _present(done, project, arguments)
    if arguments.timing:
        from lockcheck.ui.render.stages import render_stages

        tell(render_stages(timing.stages(), timing.elapsed()))
    return status


def _wish(arguments: Arguments, project: Project) -> Wish | None:
    """What a kept report would have to be of; None where none may be given."""
    from lockcheck.app.replay import Wish

    if arguments.no_cache or arguments.fix or arguments.fix_only or arguments.diff:
        return None
    return Wish(project, opening.folder(arguments.cache_dir), fixes=_wants_fixes(arguments, project))


def _wants_fixes(arguments: Arguments, project: Project) -> bool:
    """Whether what is printed tells of fixes."""
    from lockcheck.ui.render import WITH_FIXES

    return arguments.statistics or project.config.output_format in WITH_FIXES


def _done(known: Outcome | None, wish: Wish | None, project: Project, options: Options, arguments: Arguments) -> Done:
    """Do what was asked for, as far as it is not known."""
    import msgspec

    from lockcheck.ui.known import told_apart
    from lockcheck.ui.progress import ProgressBar

    cache = opening.cache(arguments, project) if known is None or arguments.new_since is not None else None
    cluster = opening.executor(arguments.executor)
    with ProgressBar(quiet=arguments.quiet) as progress:
        options = msgspec.structs.replace(options, cache=cache, progress=progress, executor=cluster)
        done = told_apart(_checked(known, wish, project, options, arguments), project, options, arguments)
    if cache is not None and not options.replacements:
        with options.timing.stage("keeping"):
            unsaved = cache.save()
        _mention(unsaved, arguments)
    _mention(cluster.trouble if cluster is not None else None, arguments)
    return done


def _mention(trouble: Failure | None, arguments: Arguments) -> None:
    """Tell of what has cost time and nothing else."""
    if trouble is not None and not arguments.quiet:
        from lockcheck.ui.render.view import visible

        say(visible(f"{trouble.what}: {trouble.message}"))


def _checked(
    known: Outcome | None, wish: Wish | None, project: Project, options: Options, arguments: Arguments
) -> Done:
    from lockcheck.app.replay import anew, outcome
    from lockcheck.ui.done import Done

    if known is not None:
        return Done(known)
    if arguments.fix or arguments.fix_only or arguments.diff:
        from lockcheck.ui.mending import mend

        return mend(project, options, arguments)
    if wish is not None:
        return Done(outcome(wish, options))
    return Done(anew(project, options, fixes=_wants_fixes(arguments, project)))


def _present(done: Done, project: Project, arguments: Arguments) -> int:
    from lockcheck.ui.render import render
    from lockcheck.ui.render.statistics import render_statistics
    from lockcheck.ui.render.view import View, visible

    form = project.config.output_format
    outcome = done.outcome
    status = FOUND if outcome.report.findings and not arguments.exit_zero else CLEAN
    if arguments.statistics:
        unsafe = arguments.unsafe_fixes if arguments.unsafe_fixes is not None else project.config.unsafe_fixes
        text = render_statistics(outcome.report, form, unsafe=unsafe)
    else:
        written = arguments.output_file is not None
        view = View(
            project,
            outcome.sources,
            colour=opening.is_coloured(arguments.color, written=written),
            width=opening.width(written=written),
            closing=not arguments.quiet,
            repository=os.environ.get("CI_PROJECT_DIR"),
        )
        text = render(outcome.report, view, form)
    if done.instead is not None:
        if arguments.fix and not (arguments.diff or arguments.fix_only):
            tell(text)
        text = done.instead
    if done.status is not None:
        status = done.status
    status = write(text, status) if arguments.output_file is None else write_file(arguments.output_file, text, status)
    for line in done.said if not arguments.quiet else ():
        tell(f"{visible(line)}\n")
    for failure in (*outcome.report.failures, *done.failures):
        say(f"{failure.what}: {failure.message}")
    return FAILED if outcome.report.failures or done.failures else status


def _project(arguments: Arguments) -> Project:
    import msgspec

    from lockcheck.app.config import confidence, target_version
    from lockcheck.app.table import OUTPUT_FORMATS

    paths = [path for path in arguments.paths if not (path == "-" and arguments.stdin_filename)]
    paths = paths or [arguments.stdin_filename or "."]
    project = opening.project(paths, arguments)
    config = msgspec.structs.replace(project.config, selections=(*project.config.selections, _selection(arguments)))
    target = target_version("--target-version", arguments.target_version)
    if target is not None:
        config = msgspec.structs.replace(config, target_version=target)
    level = confidence(arguments.min_confidence or "")
    if level is not None:
        config = msgspec.structs.replace(config, min_confidence=level)
    for form in OUTPUT_FORMATS:
        if form == arguments.output_format:
            config = msgspec.structs.replace(config, output_format=form)
    return msgspec.structs.replace(project, config=config)


def _selection(arguments: Arguments) -> Selection:
    from lockcheck.app.selection import Selection

    select = tuple(arguments.select) if arguments.select is not None else None
    return Selection(select, tuple(arguments.extend_select), tuple(arguments.ignore))


def _refuse_unknown_rules(arguments: Arguments, project: Project) -> None:
    """Raise `ConfigError` where the command line names a rule that there is not; that needs all rules loaded."""
    from lockcheck.app.config import ConfigError, unknown_rule
    from lockcheck.app.rulebook import rulebook
    from lockcheck.app.selection import Catalogue

    catalogue = Catalogue.of(rulebook(project).rules)
    for key, selector in _selection(arguments).selectors():
        if not catalogue.expand(selector):
            raise ConfigError(unknown_rule(f"--{key}", selector, catalogue))


def _replacements(arguments: Arguments, project: Project) -> tuple[Replacement, ...]:
    if arguments.stdin_filename is None:
        return ()
    from lockcheck.app.config import ConfigError
    from lockcheck.app.decoding import UndecodableError, decode
    from lockcheck.app.discovery import Replacement
    from lockcheck.app.project import absolute

    try:
        text = decode(sys.stdin.buffer.read())
    except UndecodableError as error:
        raise ConfigError(f"{arguments.stdin_filename}: the standard input cannot be decoded: {error}") from error
    return (Replacement(absolute(arguments.stdin_filename, project.here), text),)
