"""What every command prints through, and the exit statuses that they share."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

CLEAN, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130


def write(text: str, status: int) -> int:
    """Print to the standard output; whoever stopped reading has seen enough."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
    except OSError as error:
        _give_up()
        return complain(f"the standard output cannot be written: {error.strerror or error}")
    return status


def _give_up() -> None:
    """Let what is left of the standard output go nowhere: the interpreter would try it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(name: str, text: str, status: int) -> int:
    """Write a report into a file, all of it or nothing; where that fails, say which file and why."""
    from lockcheck.app.writing import write_whole

    try:
        write_whole(Path(name), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        return complain(f"{name}: cannot be written: {error.strerror or error}")
    return status


def tell(text: str) -> None:
    """Write to the standard error; where nobody reads that any more, or it can't be written, there is nobody to tell."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def say(text: str) -> None:
    """Tell the user on the standard error, in a line. What is quoted may be anybody's: a name, a key of a configuration."""
    from lockcheck.ui.render.view import visible

    tell(f"lockcheck: {visible(text)}\n")


def complain(text: str) -> int:
    """Say why a command could not do its job, and give the status for that."""
    say(text)
    return FAILED
