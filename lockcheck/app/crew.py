"""Worker processes: commands of our own that are spoken to through pipes.

The `multiprocessing` of the standard library would make every worker import the caller's main module, which a script
without a guard runs again, and which a notebook, a prompt or the standard input does not have; or it would fork a
process that may have threads. A worker of ours knows nothing of who called.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import lockcheck

_LENGTH = 8
BOOTSTRAP = """\
import os, sys
sys.path[:] = [folder for folder in sys.path if folder not in ("", os.getcwd())]
from importlib.util import module_from_spec, spec_from_file_location
package, *folders = sys.argv[1:]
sys.path += [folder for folder in folders if folder not in sys.path]
spec = spec_from_file_location("lockcheck", os.path.join(package, "__init__.py"), submodule_search_locations=[package])
sys.modules["lockcheck"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["lockcheck"])
from lockcheck.app.worker import serve
serve()
"""
"""The same lockcheck as here, whatever else is installed; and nothing out of the current folder, which may be checked.

Python has loaded `os` and `sys` by then; whatever else is imported must come after the folder is gone from the path.
"""


class WorkerDiedError(Exception):
    """A worker ended before it answered."""


class NoWorkerError(Exception):
    """A worker could not be started."""


class Worker:
    """One worker process, which does one thing after another."""

    def __init__(self) -> None:
        """Start it."""
        try:
            # In a session of its own, for Ctrl-C is for us, who end it: while it starts, it could only complain.
            self._process = subprocess.Popen(  # noqa: S603 - this Python itself
                command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise NoWorkerError(str(error)) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        if read_frame(self._replies) is None:
            self.close()
            raise NoWorkerError(f"it ended with status {self._process.returncode}")

    def ask(self, task: str, request: bytes) -> bytes:
        """Have a task of `lockcheck.app.worker` done, and give what it replies."""
        try:
            write_frame(self._requests, task.encode())
            write_frame(self._requests, request)
            reply = read_frame(self._replies)
        except (OSError, ValueError) as error:  # the pipe broke, or was closed from another thread
            raise WorkerDiedError from error
        if reply is None:
            raise WorkerDiedError
        return reply

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._replies.close()
        with suppress(OSError):  # what was still to be written has no reader any more
            self._requests.close()


class Crew:
    """Workers that are started as they are needed; any thread may ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self._all: list[Worker] = []
        self._idle: list[Worker] = []

    def ask(self, task: str, request: bytes) -> bytes:
        """Have a worker do a task; one that dies of it is replaced for the next."""
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = Worker()
            self._all.append(worker)
        reply = worker.ask(task, request)
        self._idle.append(worker)
        return reply

    def close(self) -> None:
        """End all workers."""
        self._idle.clear()
        while self._all:
            self._all.pop().close()


@contextmanager
def at_work(workers: int) -> Generator[tuple[Crew, ThreadPoolExecutor], None, None]:
    """A crew, and as many threads to ask it; both end with the block, whatever is still to be done."""
    crew = Crew()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="lockcheck")
    try:
        yield crew, pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        crew.close()
        pool.shutdown(wait=True)
        crew.close()  # a thread may have started one more meanwhile


def command() -> list[str]:
    """Give the command that starts a worker with this Python."""
    from multiprocessing.spawn import get_executable  # small runs start no worker

    executable = get_executable()  # what a program that embeds Python has set, too
    if not executable or getattr(sys, "frozen", False):
        raise NoWorkerError("this program is no Python interpreter")
    here = os.getcwd()  # noqa: PTH109 - spelled as Python spells it in its path
    folders = [folder for folder in sys.path if os.path.isabs(folder) and folder != here]  # noqa: PTH117
    package = Path(lockcheck.__file__).parent
    return [os.fsdecode(executable), *_flags(), "-c", BOOTSTRAP, str(package), *folders]


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """Read what was written as one piece, None where the other side has gone."""
    length = pipe.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "big")
    content = pipe.read(size)
    return content if len(content) == size else None


def write_frame(pipe: IO[bytes], content: bytes) -> None:
    """Write a piece so that the other side knows where it ends."""
    pipe.write(len(content).to_bytes(_LENGTH, "big"))
    pipe.write(content)
    pipe.flush()


def _flags() -> list[str]:
    asked = {
        "-I": sys.flags.isolated,
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-B": sys.dont_write_bytecode,
    }
    return [flag for flag, is_on in asked.items() if is_on]
