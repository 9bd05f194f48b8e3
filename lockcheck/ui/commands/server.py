"""`lockcheck server`: the language server, for editors."""

from __future__ import annotations

import argparse
import os

from lockcheck.ui.streams import complain


def run(words: list[str]) -> int:
    """Serve until the editor has done, and give the exit status."""
    asked = parser().parse_args(words)
    try:
        from lockcheck.ui.server.serve import serve
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in ("pygls", "lsprotocol"):
            raise
        return complain(f"the language server needs {library}: install lockcheck[server]")
    return serve(asked.jobs)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck server", description="Serve an editor on the standard streams.", allow_abbrev=False
    )
    made.add_argument("--stdio", action="store_true", help="accepted, as editors pass it; there is no other way")
    made.add_argument("-j", "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="worker processes")
    return made
