"""What a run came to, as the command line passes it on."""

from __future__ import annotations

import msgspec

from lockcheck.app.run import Outcome
from lockcheck.model.findings import Failure


class Done(msgspec.Struct, frozen=True):
    """What a run came to, and what was done beside it.

    `instead` goes to the standard output in place of the report, `said` to the other; `status` is the exit status that
    that asks for. `texts` are what was written.
    """

    outcome: Outcome
    texts: dict[str, str] = {}
    instead: str | None = None
    said: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    status: int | None = None
