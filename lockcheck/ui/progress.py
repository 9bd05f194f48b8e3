"""A progress bar on the terminal, for runs that last."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID
    from typing_extensions import Self

_PATIENCE = 0.5
_PAUSE = 0.1


class ProgressBar:
    """Shown on the standard error after half a second, if that is a terminal, and removed at the end.

    It is drawn when it is told of progress and has no thread of its own: worker processes are forked meanwhile.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Begin to wait."""
        self._is_wanted = not quiet and sys.stderr.isatty()
        self._started = self._drawn = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the stage, and how much of how much is done in it."""
        now = time.monotonic()
        if not self._is_wanted or now - self._started < _PATIENCE or (done and now - self._drawn < _PAUSE):
            return
        self._drawn = now
        bar = self._bar or self._begin()
        if self._task is None:
            self._task = bar.add_task(stage, total=total)
        bar.update(self._task, description=stage, completed=done, total=total, refresh=True)

    def _begin(self) -> Progress:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
        self._bar.start()
        return self._bar
